"""Traffic from a live server's counters: what is written, what a reader makes of it, and what goes wrong."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import numpy as np
import pytest
from tiny_service import until
from typer.testing import CliRunner

from sartor.cli import app
from sartor.endpoint.scrape import counters
from sartor.endpoint.watch import Watcher
from sartor.errors import BrokenFile, InputError
from sartor.workload.profiles import find_traffic
from sartor.workload.traces import read_trace

# As vLLM 0.19 prints them.
BOUNDS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
MODEL = "meta-llama/Llama-3.1-8B-Instruct"


def vllm_text(prompts, outputs, queries=0, hits=0, model=MODEL, engine=0) -> str:
    """`/metrics` of a vLLM that has finished requests with these lengths."""
    label = f'engine="{engine}",model_name="{model}"'
    lines = [f"# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running{{{label}}} 3.0"]
    for name, lengths in (("vllm:request_prompt_tokens", prompts), ("vllm:request_generation_tokens", outputs)):
        lines.append(f"# HELP {name} Number of tokens processed.\n# TYPE {name} histogram")
        for bound in (*BOUNDS, float("inf")):
            word = "+Inf" if bound == float("inf") else f"{bound:.1f}"
            lines.append(f'{name}_bucket{{{label},le="{word}"}} {float(sum(n <= bound for n in lengths))}')
        lines += [f"{name}_count{{{label}}} {float(len(lengths))}", f"{name}_sum{{{label}}} {float(sum(lengths))}"]
        lines.append(f"# TYPE {name}_created gauge\n{name}_created{{{label}}} 1.7e+09")
    for name, value in (("vllm:prefix_cache_queries", queries), ("vllm:prefix_cache_hits", hits)):
        lines.append(f"# TYPE {name}_total counter\n{name}_total{{{label}}} {float(value)}")
    return "\n".join(lines) + "\n"


class Live:
    """A server whose `/metrics` is `text`; None: it answers with an error."""

    text: str | None = ""

    def handler(self) -> type[BaseHTTPRequestHandler]:
        live = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200 if live.text is not None and self.path == "/metrics" else 503)
                self.end_headers()
                self.wfile.write((live.text or "").encode())

            def log_message(self, *given):
                pass

        return Handler


@pytest.fixture
def live():
    found = Live()
    with HTTPServer(("127.0.0.1", 0), found.handler()) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        found.url = f"http://127.0.0.1:{server.server_port}"
        yield found
        server.shutdown()
        thread.join()


@contextmanager
def watching(live, out):
    watcher = Watcher(live.url, out)
    yield watcher
    watcher.close()


def test_what_came_in_each_interval(live, tmp_path):
    out = tmp_path / "w.jsonl"
    live.text = vllm_text([700], [80])  # before anybody looked
    with watching(live, out) as watcher:
        live.text = vllm_text([700, 1500, 30], [80, 120, 7], 1530, 512)
        watcher.look()
        watcher.look()
        live.text = vllm_text([700, 1500, 30, 6000], [80, 120, 7, 1], 7530, 1024)
        watcher.look()
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["requests"] for line in lines] == [2, 0, 1]
    assert lines[0]["prompt_tokens"]["sum"] == 1530 and lines[0]["prompt_tokens"]["counts"]["2000"] == 1
    assert (lines[0]["prefix_queries"], lines[0]["prefix_hits"]) == (1530, 512)
    found = read_trace(out)
    # Buckets and sums give them back: 1,000 to 2,000 and 20 to 50 with 1,530 together; beyond the last bound, 6,000.
    prompts = np.sort(found.prompt_tokens)
    assert len(found) == 3 and prompts[2] == 6000 and prompts[:2].sum() == pytest.approx(1530, abs=2)
    assert 20 <= prompts[0] <= 50 and found.output_tokens.sum() == pytest.approx(128, abs=2)
    assert found.prefix_hit == pytest.approx(1024 / 7530)


def test_a_server_that_begins_anew_and_one_that_is_away(live, tmp_path):
    live.text = vllm_text([10, 20], [1, 1])
    with watching(live, tmp_path / "w.jsonl") as watcher:
        live.text = None
        watcher.look()
        live.text = vllm_text([40], [2])
        watcher.look()
        assert (watcher.seen.requests, watcher.seen.intervals, watcher.seen.failures) == (1, 1, 1)
    assert read_trace(tmp_path / "w.jsonl").prompt_tokens.tolist() == [40]


def test_engines_of_a_server_are_added_and_models_are_not(live):
    two = vllm_text([10], [1]) + vllm_text([30], [1], engine=1).replace("# ", "#! ")
    both = counters(two, "here")
    assert both.requests == 2 and both.sums["vllm:request_prompt_tokens"] == 40
    other = vllm_text([10], [1]) + vllm_text([30], [1], model="other").replace("# ", "#! ")
    with pytest.raises(InputError, match=r"serves several models: .*other.*--model"):
        counters(other, "here")
    assert counters(other, "here", "other").sums["vllm:request_prompt_tokens"] == 30
    with pytest.raises(InputError, match="does not serve 'third'"):
        counters(other, "here", "third")


def test_our_own_endpoint(tiny, tmp_path):
    out = tmp_path / "w.jsonl"
    watcher = Watcher(tiny.url, out)
    before = tiny.metric("vllm:request_success_total")
    for prompt, tokens in (("HELLO", 3), ("WORLD WORLD", 5)):
        asked = {"model": "tiny", "prompt": prompt, "max_tokens": tokens, "ignore_eos": True}
        assert httpx.post(tiny.url + "/v1/completions", json=asked).status_code == 200
    until(lambda: tiny.metric("vllm:request_success_total") == before + 2)
    watcher.look()
    watcher.close()
    found = read_trace(out)
    assert len(found) == 2 and found.prompt_tokens.sum() == 16 and found.output_tokens.sum() == 8


@pytest.mark.parametrize(
    ("text", "said"),
    [("<html>", "no Prometheus metrics"), ("{}", "no Prometheus metrics"), ("up 1\n", "is it vLLM's /metrics")],
)
def test_what_is_no_vllm(live, tmp_path, text, said):
    live.text = text
    with pytest.raises((InputError, BrokenFile), match=said):
        Watcher(live.url, tmp_path / "w.jsonl")
    assert not (tmp_path / "w.jsonl").exists()


def test_the_verb(live, tmp_path):
    live.text = vllm_text([10], [1])
    out = str(tmp_path / "w.jsonl")
    asked = ["watch", live.url, "--out", out, "--every", "0.1", "--seconds", "0.35", "--json"]
    facts = json.loads(CliRunner().invoke(app, asked, catch_exceptions=False).stdout)
    assert facts["intervals"] >= 1 and facts["failures"] == 0 and facts["file"] == out
    for args, said in (
        (["watch", "http://127.0.0.1:1", "--out", out], "cannot be read"),
        (["watch", "ftp://x", "--out", out], "not an address"),
        (["watch", live.url, "--out", out, "--every", "0"], "must be at least 0.1 s"),
        (["watch", live.url, "--out", str(tmp_path / "no" / "w")], "cannot be written"),
    ):
        with pytest.raises(InputError, match=said):
            CliRunner().invoke(app, args, catch_exceptions=False)
    with pytest.raises(InputError, match="sartor watch http://x --out"):
        find_traffic("http://x")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"scraped_at": 1}', "line 1: KeyError"),
        ('{"scraped_at": 1, "seconds": -1, "prompt_tokens": {"sum": 0, "counts": {}}, "generation_tokens": '
         '{"sum": 0, "counts": {}}}', "not finite, or below 0"),
        ('{"scraped_at": 1, "seconds": 1, "prompt_tokens": {"sum": 5, "counts": {"10": 0.5}}, "generation_tokens": '
         '{"sum": 0, "counts": {}}}', "whole numbers"),
        ('{"scraped_at": 1, "seconds": 1, "prompt_tokens": {"sum": 5, "counts": {"nan": 1}}, "generation_tokens": '
         '{"sum": 0, "counts": {}}}', "bounds must be"),
        ('{"scraped_at": 1, "seconds": 1, "prompt_tokens": {"sum": 0, "counts": {}}, "generation_tokens": '
         '{"sum": 0, "counts": {}}}', "no request came"),
        ('{"scraped_at": 1, "seconds": 1, "prompt_tokens": {"sum": 0, "counts": {}}, "generation_tokens": '
         '{"sum": 0, "counts": {}}}\n{"timestamp": 1}', "line 2: .* is not a line of `sartor watch`"),
    ],
)  # fmt: skip
def test_broken_lines_say_where(tmp_path, line, said):
    path = tmp_path / "w.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(BrokenFile, match=said):
        read_trace(path)
