"""More clients than there is room for, and clients that go: everybody is told, and nobody holds what others need."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import struct
from collections import Counter

import httpx
from tiny_service import service, serving, until

from sartor.endpoint.server import Connection

BODY = {"model": "tiny", "prompt": "HELLO", "max_tokens": 8}


async def _crowd(url: str, count: int) -> list[httpx.Response]:
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=httpx.Limits(max_connections=None)) as client:
        return await asyncio.gather(*(client.post("/v1/completions", json=BODY) for _ in range(count)))


def test_a_hundred_at_once_are_answered_or_told_why_not(images, capfd):
    """Three run, two wait."""
    with serving(service(images, streams=3, waiting=2)) as served:
        answers = asyncio.run(_crowd(served.url, 100))
        alone = httpx.post(served.url + "/v1/completions", json=BODY, timeout=60).json()
        until(lambda: served.engine.idle)
    told = {429: ("rate_limit_exceeded", "3 requests run and 2 wait"), 503: ("overloaded", "84 requests are open")}
    for answer in answers:
        if answer.status_code == 200:
            assert answer.json()["choices"] == alone["choices"]
            continue
        error, (code, said) = answer.json()["error"], told[answer.status_code]
        assert error["code"] == code and error["message"].startswith(said) and int(answer.headers["Retry-After"]) > 0
    seen = Counter(answer.status_code for answer in answers)
    assert seen[200] >= 5 and seen[429] > 0 and sum(seen.values()) == 100
    assert capfd.readouterr().err == ""


def test_who_comes_when_too_many_are_open_is_told_so(images):
    """72 may be open where one runs and one may wait: 72 whose bodies do not come."""
    with serving(service(images, streams=1, waiting=1)) as served:
        held = [socket.create_connection(served.sock.getsockname()) for _ in range(72)]
        for raw in held:
            raw.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        until(lambda: len(served.server.server_state.tasks) == 72)
        answer = httpx.post(served.url + "/v1/completions", json=BODY)
        assert answer.status_code == 503 and int(answer.headers["Retry-After"]) > 0
        assert answer.json()["error"]["message"].startswith("72 requests are open")
        assert httpx.get(served.url + "/health").status_code == 200 == httpx.get(served.url + "/metrics").status_code
        for raw in held:
            raw.close()
        until(lambda: not served.server.server_state.tasks)
        assert httpx.post(served.url + "/v1/completions", json=BODY, timeout=60).status_code == 200


def test_who_only_holds_connections_keeps_nobody_out(images, monkeypatch):
    monkeypatch.setattr(Connection, "silent_s", 0.3)
    with serving(service(images, streams=1, waiting=0)) as served:
        place = served.sock.getsockname()
        silent = [socket.create_connection(place) for _ in range(100)]  # more than requests may be open
        for raw in silent[:50]:
            raw.sendall(b"POST /v1/completions HTT")
        assert httpx.post(served.url + "/v1/completions", json=BODY, timeout=60).status_code == 200
        for raw in silent:
            raw.settimeout(20)
            assert raw.recv(10) == b""  # closed by the server
            raw.close()


def test_clients_that_go_at_any_moment_leave_every_place_free(images, capfd):
    rng = random.Random(0)
    with serving(service(images, streams=3, waiting=50)) as served:
        for i in range(24):
            body = json.dumps({**BODY, "prompt": "A" * rng.randint(1, 60), "max_tokens": 190, "stream": i % 2 == 0})
            head = f"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}"
            raw = socket.create_connection(served.sock.getsockname())
            raw.sendall(f"{head}\r\nContent-Type: application/json\r\n\r\n{body}".encode()[: None if i % 5 else -9])
            if i % 5 and i % 3 == 0:  # whole, and on the chip
                until(lambda: served.engine.running)
            if i % 4 == 0:  # a reset, not an end
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raw.close()
        until(lambda: served.engine.idle)
        assert sorted(served.engine._passes._together._free) == [0, 1, 2]
        assert httpx.post(served.url + "/v1/completions", json=BODY, timeout=60).status_code == 200
        assert 'finished_reason="length",model_name="tiny"} 1.0' in served.metrics()  # the last one alone
    assert capfd.readouterr().err == ""


def test_the_end_does_not_wait_for_who_still_sends(images, capfd, monkeypatch):
    monkeypatch.setattr("sartor.endpoint.server.CLOSING_S", 1.0)
    with serving(service(images)) as served:
        raw = socket.create_connection(served.sock.getsockname())
        raw.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        until(lambda: served.server.server_state.tasks)
    said = raw.recv(1000).decode()
    raw.close()
    assert said.startswith("HTTP/1.1 503") and "going down" in said
    assert "Traceback" not in capfd.readouterr().err
