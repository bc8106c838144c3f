"""The endpoint as a service: who may ask, how much, who goes, how it ends, what it counts."""

import re
import socket
import threading
import time

import httpx
import pytest
from tiny_service import service, serving, until

from sartor.endpoint.server import bound
from sartor.errors import InputError

LONG = {"model": "tiny", "prompt": "A", "max_tokens": 250}
SHORT = {**LONG, "max_tokens": 2}


def post(served, body, path="/v1/completions", **more):
    return httpx.post(served.url + path, json=body, timeout=30, **more)


def opened(served, body: str = '{"model": "tiny", "prompt": "A", "max_tokens": 250, "stream": true}'):
    """A client that has asked and read nothing yet."""
    raw = socket.create_connection(served.sock.getsockname())
    head = f"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    raw.sendall(f"{head}\r\n\r\n{body}".encode())
    return raw


@pytest.mark.parametrize("stream", ["true", "false"])
def test_a_client_that_vanishes_frees_its_slot(images, stream):
    with serving(service(images, streams=1)) as served:
        gone = opened(served, '{"model": "tiny", "prompt": "A", "max_tokens": 250, "stream": ' + stream + "}")
        waits = opened(served)
        until(lambda: served.engine.running and served.engine.waiting)
        began = time.monotonic()
        waits.close()
        until(lambda: not served.engine.waiting)
        gone.close()
        assert post(served, SHORT).status_code == 200
        assert served.engine.idle and time.monotonic() - began < 10
        assert served.metric("vllm:request_success_total") == 3
        assert 'finished_reason="abort",model_name="tiny"} 2.0' in served.metrics()


def test_a_slow_reader_frees_its_slot(images):
    with serving(service(images, streams=1)) as served:
        slow = opened(served, '{"model": "tiny", "prompt": "A", "max_tokens": 40, "stream": true, "logprobs": 20}')
        until(lambda: served.engine.running)
        assert post(served, SHORT).status_code == 200  # after it, in the only slot
        said = b""
        while b"[DONE]" not in said:
            said += slow.recv(1000)
        slow.close()
        assert said.count(b"text_completion") == 41


def test_who_comes_when_all_is_full_is_told_when_to_try_again(images):
    with serving(service(images, streams=1, waiting=1)) as served:
        one = opened(served)
        until(lambda: served.engine.running)
        two = opened(served)
        until(lambda: served.engine.waiting)
        answer = post(served, SHORT)
        assert answer.status_code == 429 and int(answer.headers["Retry-After"]) > 0
        assert answer.json()["error"]["type"] == "rate_limit_error"
        one.close()
        two.close()


def test_time_runs_out(images):
    with serving(service(images, seconds=0.2)) as served:
        assert post(served, LONG).status_code == 504
        with httpx.stream("POST", served.url + "/v1/completions", json={**LONG, "stream": True}) as answer:
            text = answer.read().decode()
        assert answer.status_code == 200 and '"code":"timeout"' in text and text.endswith("data: [DONE]\n\n")
        until(lambda: served.engine.idle)


@pytest.mark.parametrize("stream", [False, True])
def test_time_runs_out_in_a_pass_that_goes_on(images, stream):
    """On the RTL a pass may take minutes: who asked is told at once, the place is free after it."""
    ready, go_on = service(images, seconds=0.5), threading.Event()
    machine = ready.engine._passes.machine
    start = machine.start
    machine.start = lambda given: (go_on.wait(10), start(given))[1]
    with serving(ready) as served:
        answer = post(served, {**LONG, "stream": stream})
        assert answer.status_code == 504 and answer.json()["error"]["code"] == "timeout"
        assert len(served.engine.running) == 1  # the pass goes on
        go_on.set()
        until(lambda: served.engine.idle)
        assert sorted(served.engine._passes._together._free) == list(range(served.engine.streams))


def test_an_answer_that_nobody_takes_is_given_up_in_a_word(images, monkeypatch, capfd):
    """No traceback for a client that reads nothing: its answer is longer than what waits in sockets."""
    monkeypatch.setattr("sartor.endpoint.guards.READING_S", 0.5)
    with serving(service(images, seconds=1.0)) as served:
        post(served, SHORT)  # the first pass may have to compile
        until(lambda: served.engine.idle)
        monkeypatch.setattr("sartor.endpoint.running._data", lambda body: b"data: " + b"x" * 2**20 + b"\n\n")
        raw = opened(served)
        until(lambda: served.engine.running)
        until(lambda: not served.server.server_state.tasks)
        raw.close()
        until(lambda: served.engine.idle)
    said = capfd.readouterr().err
    assert "without completing response" in said and "Traceback" not in said


def test_what_is_not_asked_for_needs_no_room(images):
    """Of 256 tokens a prompt of 250 leaves room for 7, the default is 16."""
    with serving(service(images)) as served:
        body = {"model": "tiny", "prompt": "A" * 250}
        assert post(served, body).json()["usage"]["completion_tokens"] == 7
        assert post(served, {**body, "max_tokens": 16}).json()["error"]["code"] == "context_length_exceeded"
        assert post(served, {**body, "prompt": "A" * 9}).json()["usage"]["completion_tokens"] == 16
        assert post(served, {**body, "min_tokens": 8}).json()["error"]["param"] == "min_tokens"


def test_bodies_and_keys(images):
    with serving(service(images, body_bytes=1000, keys=("one", "two"))) as served:
        assert httpx.get(served.url + "/health").status_code == 200
        for path in ("/v1/models", "/metrics", "/openapi.json"):
            assert httpx.get(served.url + path).status_code == 401
        wrong = post(served, SHORT, headers={"Authorization": "Bearer on"})
        assert wrong.status_code == 401 and wrong.json()["error"]["code"] == "invalid_api_key"
        for key in ("one", "two"):
            assert post(served, SHORT, headers={"Authorization": f"Bearer {key}"}).status_code == 200
        right = {"Authorization": "Bearer one"}
        assert post(served, {**SHORT, "prompt": "A" * 1000}, headers=right).status_code == 413
        parts = httpx.post(served.url + "/v1/completions", content=(b"x" * 600 for _ in range(2)), headers=right)
        assert parts.status_code == 413  # its length was not announced


def test_beyond_this_machine_only_with_a_key():
    with pytest.raises(InputError, match="can be reached from other machines: give a key"):
        bound("0.0.0.0", 0, ())
    bound("0.0.0.0", 0, ("key",)).close()
    with bound("127.0.0.1", 0, ()) as taken, pytest.raises(InputError, match="cannot be served"):
        bound("127.0.0.1", taken.getsockname()[1], ())


def test_at_the_end_who_runs_is_finished_and_who_comes_is_refused(images):
    with serving(service(images, streams=1)) as served:
        answers = {}
        bodies = {"runs": LONG, "waits": SHORT}
        threads = []
        for name in bodies:
            ask = lambda name=name: answers.update({name: post(served, bodies[name])})  # noqa: E731
            threads.append(threading.Thread(target=ask))
            threads[-1].start()
            until(lambda: served.engine.running)
        until(lambda: served.engine.waiting)
        served.server.stop()
        until(lambda: served.engine.draining)
        refused = post(served, SHORT)
        assert refused.status_code == 503 and int(refused.headers["Retry-After"]) > 0
        assert httpx.get(served.url + "/health").status_code == 503
        assert httpx.get(served.url + "/live").status_code == 200  # it is to be left alone, not started again
        for thread in threads:
            thread.join()
        assert answers["runs"].json()["usage"]["completion_tokens"] == LONG["max_tokens"]
        assert answers["waits"].status_code == 503


def test_after_the_grace_who_runs_is_refused(images):
    with serving(service(images), grace_s=0.1) as served:
        found = []
        asks = threading.Thread(target=lambda: found.append(post(served, LONG)))
        asks.start()
        until(lambda: served.engine.running)
        served.server.stop()
        asks.join()
        assert found[0].status_code == 503


def test_without_its_thread_it_is_not_alive(images):
    with serving(service(images)) as served:
        assert httpx.get(served.url + "/live").status_code == 200
        served.engine.close()
        assert httpx.get(served.url + "/live").status_code == 503


def test_a_fault_ends_who_runs_and_nobody_else(images, monkeypatch):
    with serving(service(images)) as served:
        with monkeypatch.context() as broken:
            broken.setattr(served.engine._passes.machine, "start", lambda *given: 1 / 0)
            answer = post(served, SHORT)
        assert answer.status_code == 500 and "ZeroDivision" not in answer.text
        assert post(served, SHORT).status_code == 200


def test_no_text_is_logged_unless_asked_for(images, caplog):
    for log_text in (False, True):
        with serving(service(images, log_text=log_text)) as served:
            post(served, {**SHORT, "prompt": "SECRET"})
            post(served, {"model": "tiny", "prompt": {"SECRET": 1}})
        assert ("SECRET" in caplog.text) is log_text


def test_metrics(tiny):
    before = {name: tiny.metric(name) for name in ("vllm:generation_tokens_total", "sartor:energy_joules_total")}
    figures = post(tiny, SHORT).json()["sartor"]
    until(lambda: tiny.metric("vllm:generation_tokens_total") == before["vllm:generation_tokens_total"] + 2)
    joules = tiny.metric("sartor:energy_joules_total") - before["sartor:energy_joules_total"]
    assert joules == pytest.approx(figures["energy_j"])
    names = set(re.findall(r"^# TYPE (\S+)", tiny.metrics(), re.MULTILINE))
    assert names >= {
        "vllm:num_requests_running", "vllm:num_requests_waiting", "vllm:kv_cache_usage_perc",
        "vllm:prompt_tokens_total", "vllm:generation_tokens_total", "vllm:request_success_total",
        "vllm:time_to_first_token_seconds", "vllm:inter_token_latency_seconds",
        "vllm:request_time_per_output_token_seconds", "vllm:e2e_request_latency_seconds",
        "vllm:request_queue_time_seconds", "vllm:request_prefill_time_seconds", "vllm:request_decode_time_seconds",
        "vllm:request_inference_time_seconds", "vllm:request_prompt_tokens", "vllm:request_generation_tokens",
        "process_resident_memory_bytes", "process_open_fds",
        "sartor:chip_seconds_total", "sartor:energy_joules_total", "sartor:cost_usd_total",
    }  # fmt: skip
