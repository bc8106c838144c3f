"""What a request is called, in its answer, its record and the log; and the log as objects."""

import json
import logging
import re
import socket

import httpx
import pytest
from tiny_service import service, serving, until

from sartor.endpoint.named import Json

BODY = {"model": "tiny", "prompt": "HELLO", "max_tokens": 3}


def test_a_name_comes_back_whatever_the_answer(tiny, client):
    openai = pytest.importorskip("openai")
    said = client.completions.with_raw_response.create(**BODY, extra_headers={"X-Request-Id": "a:b.c-1_2"})
    assert said.headers["x-request-id"] == "a:b.c-1_2" and said.parse().id == "cmpl-a:b.c-1_2"
    one, other = (client.completions.create(**BODY) for _ in range(2))
    assert re.fullmatch("cmpl-[0-9a-f]{32}", one.id) and one.id == f"cmpl-{one._request_id}" != other.id
    with pytest.raises(openai.BadRequestError) as refused:
        client.completions.create(**BODY, n=2, extra_headers={"X-Request-Id": "wrong"})
    assert refused.value.request_id == "wrong"
    for path, status in (("/nowhere", 404), ("/health", 200)):
        answer = httpx.get(tiny.url + path, headers={"X-Request-Id": "x"})
        assert (answer.status_code, answer.headers["x-request-id"]) == (status, "x")


def test_blanks_around_a_name_are_none_of_it(tiny):
    host, port = tiny.sock.getsockname()
    with socket.create_connection((host, port), timeout=60) as one:
        one.sendall(b"GET /live HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Request-Id: \ta \r\n\r\n")
        assert b"\r\nx-request-id: a\r\n" in one.makefile("rb").read()


@pytest.mark.parametrize("name", ["", "a b", "x" * 129, 'a"b', "ä".encode()])
def test_what_is_no_name_is_replaced(tiny, name):
    found = httpx.get(tiny.url + "/live", headers={"X-Request-Id": name}).headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{32}", found)


def test_a_fault_has_its_name_too(images, monkeypatch):
    with serving(service(images)) as served:
        monkeypatch.setattr("sartor.endpoint.app.respond", lambda *given: 1 / 0)
        answer = httpx.post(served.url + "/v1/completions", json=BODY, headers={"X-Request-Id": "x"})
    assert (answer.status_code, answer.headers["x-request-id"]) == (500, "x")


def test_one_line_a_request(images, caplog, tmp_path):
    path = tmp_path / "a.jsonl"
    caplog.set_level(logging.INFO, "sartor.endpoint")
    with serving(service(images, record=path, keys=("k",))) as served:
        key = {"Authorization": "Bearer k"}
        for name, body, headers in (
            ("whole", BODY, key), ("stream", {**BODY, "stream": True}, key), ("wrong", {**BODY, "n": 2}, key),
            ("closed", BODY, {}),
        ):  # fmt: skip
            httpx.post(served.url + "/v1/completions", json=body, headers={**headers, "X-Request-Id": name}, timeout=60)
        until(lambda: len(caplog.records) == 4)
        httpx.get(served.url + "/made/up", headers=key)
        metrics = httpx.get(served.url + "/metrics", headers=key).text
    counted = set(re.findall(r'http_responses_total{model_name="tiny",path="(.*)",status="(.*)"} (.*)', metrics))
    asked = "/v1/completions"
    assert counted == {(asked, "200", "2.0"), (asked, "400", "1.0"), (asked, "401", "1.0"), ("other", "404", "1.0")}
    lines = {line["request_id"]: line for line in map(json.loads, map(Json().format, caplog.records[:4]))}
    for line in lines.values():
        assert line.pop("seconds") > 0 and line.pop("time").endswith("+00:00")
        del line["request_id"], line["logger"], line["client"]
    asked = {"level": "info", "message": "request", "method": "POST", "path": "/v1/completions"}
    ended = {**asked, "status": 200, "prompt_tokens": 5, "output_tokens": 3, "finish_reason": "length"}
    assert lines == {
        "whole": ended, "stream": ended, "wrong": {**asked, "status": 400}, "closed": {**asked, "status": 401},
    }  # fmt: skip
    recorded = [json.loads(line)["request_id"] for line in path.read_text().splitlines()]
    assert recorded == ["whole", "stream"]


def test_a_fault_is_one_line(caplog):
    try:
        1 / 0  # noqa: B018
    except ZeroDivisionError:
        logging.getLogger("sartor.endpoint").exception("a pass\nfailed")
    line = Json().format(caplog.records[0])
    assert "\n" not in line and json.loads(line)["message"] == "a pass\nfailed"
    assert "ZeroDivisionError" in json.loads(line)["exception"] and json.loads(line)["level"] == "error"
