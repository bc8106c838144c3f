"""What a running vLLM tells of its traffic: the counters of its `/metrics`, and what they grew by."""

from __future__ import annotations

import math
import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from ..errors import BrokenFile, InputError

TIMEOUT_S = 10.0
PROMPT, OUTPUT = "vllm:request_prompt_tokens", "vllm:request_generation_tokens"
# Since version 1 of the engine, and before.
_QUERIES = ("vllm:prefix_cache_queries", "vllm:gpu_prefix_cache_queries")
_HITS = ("vllm:prefix_cache_hits", "vllm:gpu_prefix_cache_hits")


@dataclass(frozen=True)
class Counters:
    """As they stand. Of prompts and answers: how many are at most as long as each bound, and their tokens together.
    `queries`, `hits`: tokens looked for in the prefix cache, and found."""

    bounds: dict[str, tuple[float, ...]]
    counts: dict[str, tuple[float, ...]]
    sums: dict[str, float]
    queries: float = 0.0
    hits: float = 0.0

    @property
    def requests(self) -> float:
        return self.counts[OUTPUT][-1]

    def since(self, before: Counters) -> Counters:
        """What came since `before`. A server that began anew counts from 0: then all of it."""
        if self.bounds != before.bounds:
            return self
        pairs = (zip(self.counts[name], before.counts[name], strict=True) for name in (PROMPT, OUTPUT))
        if any(now < then for pair in pairs for now, then in pair):
            return self
        counts = {n: tuple(a - b for a, b in zip(c, before.counts[n], strict=True)) for n, c in self.counts.items()}
        sums = {name: total - before.sums[name] for name, total in self.sums.items()}
        return Counters(self.bounds, counts, sums, max(self.queries - before.queries, 0.0),
                        max(self.hits - before.hits, 0.0))  # fmt: skip

    def line(self, at_s: float, seconds: float) -> dict[str, Any]:
        """As a line of a file: what came in the `seconds` before `at_s` (since 1970); a histogram's counts stand each
        under the most tokens that it holds, without those below."""
        return {
            "scraped_at": round(at_s, 3), "seconds": round(seconds, 3), "requests": self.requests,
            "prompt_tokens": self._histogram(PROMPT), "generation_tokens": self._histogram(OUTPUT),
            "prefix_queries": self.queries, "prefix_hits": self.hits,
        }  # fmt: skip

    def _histogram(self, name: str) -> dict[str, Any]:
        below = (0.0, *self.counts[name])
        each = {_word(b): c - d for b, c, d in zip(self.bounds[name], self.counts[name], below, strict=False)}
        return {"sum": self.sums[name], "counts": each}


def _word(bound: float) -> str:
    return "+Inf" if math.isinf(bound) else f"{bound:g}"


def scrape(url: str) -> str:
    """The text of `/metrics`; a key stands in SARTOR_API_KEY."""
    place = url if url.rstrip("/").endswith("/metrics") else url.rstrip("/") + "/metrics"
    if not place.startswith(("http://", "https://")):
        raise InputError(f"{url}: not an address (try http://127.0.0.1:8000)")
    key = os.environ.get("SARTOR_API_KEY", "").split()
    try:
        asked = urllib.request.Request(place, headers={"Authorization": f"Bearer {key[0]}"} if key else {})
        with urllib.request.urlopen(asked, timeout=TIMEOUT_S) as answer:
            return str(answer.read().decode("utf-8", errors="replace"))
    except (OSError, ValueError, urllib.error.URLError) as error:
        raise InputError(f"{place}: cannot be read: {getattr(error, 'reason', None) or error}") from None


def counters(text: str, where: str, model: str | None = None) -> Counters:
    """Of one model; where several are served, of `model`."""
    from prometheus_client.parser import text_string_to_metric_families

    try:
        samples = [s for family in text_string_to_metric_families(text) for s in family.samples if _ours(s.name)]
    except (ValueError, KeyError, IndexError) as error:
        raise BrokenFile(f"{where}: no Prometheus metrics: {error}") from None
    models = sorted({s.labels.get("model_name", "") for s in samples})
    if model is None and len(models) > 1:
        raise InputError(f"{where}: serves several models: {', '.join(models)} (choose one with --model)")
    if model is not None and model not in models:
        raise InputError(f"{where}: does not serve {model!r} (it serves: {', '.join(models) or 'none'})")
    mine = [s for s in samples if model is None or s.labels.get("model_name") == model]
    parts = {name: _histogram(mine, name, where) for name in (PROMPT, OUTPUT)}
    return Counters(
        {name: bounds for name, (bounds, _, _) in parts.items()},
        {name: counts for name, (_, counts, _) in parts.items()},
        {name: total for name, (_, _, total) in parts.items()}, _total(mine, _QUERIES), _total(mine, _HITS),
    )  # fmt: skip


def _ours(name: str) -> bool:
    return name.startswith((PROMPT, OUTPUT, *_QUERIES, *_HITS))


def _histogram(samples: list[Any], name: str, where: str) -> tuple[tuple[float, ...], tuple[float, ...], float]:
    """Bounds, cumulative counts, sum: over all engines of the server."""
    counts: dict[float, float] = {}
    for s in samples:
        if s.name == f"{name}_bucket":
            counts[float(s.labels["le"])] = counts.get(float(s.labels["le"]), 0.0) + s.value
    if not counts or not all(map(math.isfinite, counts.values())):
        raise BrokenFile(f"{where}: no histogram {name!r}: is it vLLM's /metrics?")
    bounds = tuple(sorted(counts))
    return bounds, tuple(counts[b] for b in bounds), sum(s.value for s in samples if s.name == f"{name}_sum")


def _total(samples: list[Any], names: tuple[str, ...]) -> float:
    """The first of `names` that there is; a counter may end in _total."""
    found = (sum(s.value for s in samples if s.name.removesuffix("_total") == name) for name in names)
    return next((value for value in found if value), 0.0)
