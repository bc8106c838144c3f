"""Prometheus metrics: vLLM's names for what a client sees here, `sartor:*` for the chip that would have served it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from .named import About
from .passes import Pass
from .rate import Rate
from .record import Recorder
from .refusal import PATHS
from .stream import Stream

if TYPE_CHECKING:
    from .engine import Engine

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0)
_CHIP_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_TOKENS = tuple(2.0**i for i in range(15))
_SEQUENCES = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 24, 32, 48, 64)
_HISTOGRAMS = {
    "vllm:time_to_first_token_seconds": ("From arrival to the first token, in this server.", _SECONDS),
    "vllm:inter_token_latency_seconds": ("Between two tokens, in this server.", _SECONDS),
    "vllm:request_time_per_output_token_seconds": ("Mean of a request, the first left out.", _SECONDS),
    "vllm:e2e_request_latency_seconds": ("From arrival to the last token.", _SECONDS),
    "vllm:request_queue_time_seconds": ("Waiting for a place.", _SECONDS),
    "vllm:request_prefill_time_seconds": ("From the place to the first decode pass.", _SECONDS),
    "vllm:request_decode_time_seconds": ("From the first decode pass to the last token.", _SECONDS),
    "vllm:request_inference_time_seconds": ("From the place to the last token.", _SECONDS),
    "vllm:request_prompt_tokens": ("Tokens of a prompt.", _TOKENS),
    "vllm:request_generation_tokens": ("Tokens of an answer.", _TOKENS),
    "sartor:chip_time_to_first_token_seconds": ("By the chip's clock, from arrival.", _CHIP_SECONDS),
    "sartor:chip_time_per_output_token_seconds": ("By the chip's clock; mean of a request.", _CHIP_SECONDS),
    "sartor:batch_size": ("Sequences in a decode pass.", _SEQUENCES),
}  # fmt: skip
_COUNTERS = {
    "vllm:prompt_tokens": "Tokens of prompts.",
    "vllm:generation_tokens": "Tokens given.",
    "sartor:chip_seconds": "The chip would have been busy.",
    "sartor:energy_joules": "The chip and its memory would have drawn.",
    "sartor:cost_usd": "Owning the chip for the time it would have been busy.",
    "sartor:requests_turned_away": "Answered with 429.",
}


class Metrics:
    """Watches an engine; tells the recorder of what has ended."""

    def __init__(self, model: str, usd_per_s: float, recorder: Recorder | None = None) -> None:
        self.registry, self._model, self._usd_per_s = CollectorRegistry(), model, usd_per_s
        self._recorder, self._last = recorder, dict[int, float]()
        label = ("model_name",)
        ProcessCollector(registry=self.registry)  # its memory, files and processor seconds
        self._histograms = {
            name: Histogram(name, text, label, registry=self.registry, buckets=buckets).labels(model)
            for name, (text, buckets) in _HISTOGRAMS.items()
        }
        self._counters = {
            name: Counter(name, text, label, registry=self.registry).labels(model)
            for name, text in _COUNTERS.items()
        }
        self._done = Counter(
            "vllm:request_success", "Requests that ended, by reason.", (*label, "finished_reason"),
            registry=self.registry,
        )  # fmt: skip
        self._passes = Counter("sartor:passes", "Passes, by kind.", (*label, "kind"), registry=self.registry)
        self._answers = Counter(
            "sartor:http_responses", "Answers, by path and status; 0: nobody was there to be answered.",
            (*label, "path", "status"), registry=self.registry,
        )  # fmt: skip
        self._rate = Rate()

    def watch(self, engine: Engine) -> None:
        gauges = {
            "vllm:num_requests_running": ("Requests with a place.", lambda: len(engine.running)),
            "vllm:num_requests_waiting": ("Requests without one.", lambda: len(engine.waiting)),
            "vllm:kv_cache_usage_perc": ("Places taken in the caches; 1 is all.", lambda: engine.cache_use),
            "sartor:tokens_per_second": ("Given here, in the last 10 s.", self._rate.here),
            "sartor:chip_tokens_per_second": ("The same tokens by the chip's clock.", self._rate.on_chip),
            "sartor:recorded_requests": ("Lines of traffic written.", lambda: self._recorded("written")),
            "sartor:record_failures": ("Lines that the disk did not take.", lambda: self._recorded("failed")),
        }
        for name, (text, value) in gauges.items():
            Gauge(name, text, ("model_name",), registry=self.registry).labels(self._model).set_function(value)

    def _recorded(self, what: str) -> int:
        return getattr(self._recorder, what, 0)

    def text(self) -> bytes:
        return generate_latest(self.registry)

    def passed(self, done: Pass) -> None:
        self._passes.labels(self._model, "decode" if done.decode else "prefill").inc()
        self._counters["sartor:chip_seconds"].inc(done.seconds)
        self._counters["sartor:energy_joules"].inc(done.joules)
        self._counters["sartor:cost_usd"].inc(done.seconds * self._usd_per_s)
        self._rate.add(time.monotonic(), done.sequences if done.decode else 0, done.seconds)
        if done.decode:
            self._observe("sartor:batch_size", done.sequences)

    def answered(self, about: About) -> None:
        path = about.path if about.path in PATHS else "other"  # what anybody may ask for makes no series
        self._answers.labels(self._model, path, str(about.status)).inc()

    def turned_away(self) -> None:
        self._counters["sartor:requests_turned_away"].inc()

    def token(self, s: Stream) -> None:
        self._counters["vllm:generation_tokens"].inc()
        if len(s.tokens) == 1:
            self._counters["vllm:prompt_tokens"].inc(len(s.prompt))
            self._observe("vllm:time_to_first_token_seconds", s.last - s.arrived)
            self._observe("sartor:chip_time_to_first_token_seconds", s.on_chip.first_s)
        else:
            self._observe("vllm:inter_token_latency_seconds", s.last - self._last[id(s)])
        self._last[id(s)] = s.last

    def finished(self, s: Stream) -> None:
        self._last.pop(id(s), None)
        if self._recorder:
            arrived_s = time.time() - (time.monotonic() - s.arrived)
            self._recorder.add(arrived_s, s.prompt, len(s.tokens), s.on_chip.batch, s.name)
        self._done.labels(self._model, s.reason).inc()
        if s.tokens:
            self._times(s)

    def _times(self, s: Stream) -> None:
        later = len(s.tokens) - 1
        self._observe("vllm:e2e_request_latency_seconds", s.last - s.arrived)
        self._observe("vllm:request_queue_time_seconds", s.admitted - s.arrived)
        self._observe("vllm:request_prefill_time_seconds", s.decoding - s.admitted)
        self._observe("vllm:request_decode_time_seconds", s.last - s.decoding)
        self._observe("vllm:request_inference_time_seconds", s.last - s.admitted)
        self._observe("vllm:request_prompt_tokens", len(s.prompt))
        self._observe("vllm:request_generation_tokens", len(s.tokens))
        if later:
            self._observe("vllm:request_time_per_output_token_seconds", (s.last - s.first) / later)
            chip = (s.on_chip.last_s - s.on_chip.first_s) / later
            self._observe("sartor:chip_time_per_output_token_seconds", chip)

    def _observe(self, name: str, value: float) -> None:
        self._histograms[name].observe(value)
