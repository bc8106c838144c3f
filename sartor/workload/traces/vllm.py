"""vLLM's benchmark result: lists in one object, as `vllm bench serve --save-result --save-detailed` writes.

Source: vllm/benchmarks/serve.py, read 2026-11: input_lens, output_lens, start_times, queue_times, errors,
request_rate ("inf" where all requests are sent at once), duration.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import BrokenFile, InputError
from ..traffic import Traffic
from .columns import column, finished, join, time_rule
from .formats import number

NAME = "vLLM benchmark JSON"
MAX_RATE_PER_S = 1e9  # a faster client is a broken number


def traffic(result: dict, path: Path) -> Traffic:
    """The traffic of a benchmark: when the client wanted to send each request, and its lengths."""
    inputs, outputs = (_list(result, key, path.name) for key in ("input_lens", "output_lens"))
    _check_length(outputs, "output_lens", len(inputs), path.name)
    arrival_s, note = _arrivals(result, len(inputs), path.name)
    kept = finished(arrival_s, inputs, outputs, number, ("input_lens", "output_lens"), _place(path.name))
    return join([kept], path.stem, path.name, f"{NAME} {path.name}{note}")


def _place(name: str) -> Any:
    return lambda i: f"{name}, request {i}"


def _list(result: dict, key: str, name: str) -> list:
    if key not in result:
        raise InputError(f"{name}: {NAME} without {key!r} (try the benchmark again with --save-detailed)")
    if not isinstance(result[key], list):
        raise BrokenFile(f"{name}: {key} = {repr(result[key])[:60]} is not a list of numbers")
    return result[key]


def _check_length(values: list, key: str, n: int, name: str) -> None:
    if len(values) != n:
        raise BrokenFile(f"{name}: {key} has {len(values)} entries, but input_lens has {n}")


def _arrivals(result: dict, n: int, name: str) -> tuple[np.ndarray, str]:
    """When each request was sent; Poisson where an older file has no times.

    A client that limits its concurrency holds requests back: its queue's wait is taken off, unless it was
    told to send all at once, where only the times of sending mean anything.
    """
    if not result.get("start_times"):
        return poisson_like(n, _rate(result, name)), "; arrivals not recorded: Poisson at the mean rate"
    start_s = _times(result, "start_times", n, name)
    if result.get("queue_times") and is_rate(result.get("request_rate")):
        start_s = start_s - _times(result, "queue_times", n, name)
    return start_s, ""


def _times(result: dict, key: str, n: int, name: str) -> np.ndarray:
    values = _list(result, key, name)
    _check_length(values, key, n, name)
    return column(values, number, time_rule("a time in seconds"), key, _place(name))


def _rate(result: dict, name: str) -> float:
    """The rate asked for, or where all were sent at once the rate at which they were served."""
    for key in ("request_rate", "request_throughput"):
        if is_rate(result.get(key)):
            return float(result[key])
    raise InputError(f"{name}: {NAME} without start_times, request_rate or request_throughput: no arrivals")


def is_rate(value: Any) -> bool:
    return type(value) in (int, float) and 0 < value < MAX_RATE_PER_S


def poisson_like(n: int, rate_per_s: float) -> np.ndarray:
    """`n` arrivals whose gaps are spread evenly over the exponential's quantiles: Poisson without chance.

    The golden ratio orders the quantiles, so that any run of gaps has the mean and variance of the whole.
    """
    u = ((np.arange(n) + 0.5) * (math.sqrt(5) - 1) / 2) % 1
    return np.cumsum(-np.log1p(-u)) / rate_per_s
