"""Traffic from a server's counters, as `sartor watch` writes them: how many requests came in each interval, and how
long they were, as histograms.

What the counters do not tell is drawn: times at random within an interval, lengths at random within a bucket so that
the interval has the tokens that were counted, and which prompt goes with which answer. So bursts shorter than an
interval are lost, and a request counts when it ends.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from ...errors import BrokenFile
from ..traffic import Traffic
from .columns import MAX_TOKENS

KEY = "scraped_at"
SEED = 2026
MOST = 50_000_000  # requests of a file; more is a broken number
_BEYOND = 2.0  # what is longer than the last bound is at most so many times as long
_HALVINGS = 50


def read(file: IO[str], path: Path, first: int, line: str) -> Traffic:
    """The lines of `file`, of which `line` was the first that is not blank."""
    rng = np.random.default_rng(SEED)
    parts = [_requests(entry, rng, where) for entry, where in _entries(file, path.name, first, line)]
    arrivals, prompts, outputs = (np.concatenate([part[i] for part in parts]) for i in range(3))
    if not len(arrivals):
        raise BrokenFile(f"{path.name}: no request came while it was written (watch for longer)")
    if len(arrivals) > MOST:
        raise BrokenFile(f"{path.name}: {len(arrivals):,} requests are more than {MOST:,}")
    order = np.argsort(arrivals, kind="stable")
    queries, hits = (sum(part[i] for part in parts) for i in (3, 4))
    return Traffic(
        path.stem, arrivals[order] - arrivals.min(), prompts[order], outputs[order],
        min(hits / queries, 1.0) if queries else 0.0, f"counters of a server, {path.name}",
    )  # fmt: skip


def _entries(file: IO[str], name: str, first: int, line: str) -> Iterator[tuple[dict[str, Any], str]]:
    for number, text in enumerate([line, *file], start=first):
        if not text.strip():
            continue
        where = f"{name} line {number}"
        try:
            entry = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise BrokenFile(f"{where}: {text.strip()[:60]!r} is not whole JSON: {error}") from None
        if not isinstance(entry, dict) or KEY not in entry:
            raise BrokenFile(f"{where}: {text.strip()[:60]!r} is not a line of `sartor watch`")
        yield entry, where


def _requests(entry: dict[str, Any], rng: np.random.Generator, where: str) -> tuple[Any, Any, Any, float, float]:
    """Arrivals, prompts, outputs [requests] of one interval; tokens looked for in the prefix cache, and found."""
    try:
        at, seconds = float(entry[KEY]), float(entry["seconds"])
        histograms = [_histogram(entry[name]) for name in ("prompt_tokens", "generation_tokens")]
        queries, hits = float(entry.get("prefix_queries", 0)), float(entry.get("prefix_hits", 0))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BrokenFile(f"{where}: {error!r} (is it a line of `sartor watch`?)") from None
    if not (math.isfinite(at) and 0 <= seconds < math.inf and 0 <= hits < math.inf and 0 <= queries < math.inf):
        raise BrokenFile(f"{where}: scraped_at = {at}, seconds = {seconds}: not finite, or below 0")
    lengths = [_lengths(*histogram, rng) for histogram in histograms]
    count = min(map(len, lengths))  # a request is counted twice, and a look may fall between
    arrivals = np.sort(at - seconds * rng.random(count))
    return arrivals, lengths[0][:count], lengths[1][:count], queries, hits


def _histogram(entry: dict[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Of each bucket: above what, at most what, how many; and the sum of all."""
    bounds = sorted((float(bound), float(count)) for bound, count in entry["counts"].items())
    most, counts = (np.array([b[i] for b in bounds]) for i in (0, 1))
    total = float(entry["sum"])
    if (counts < 0).any() or (np.floor(counts) != counts).any() or counts.sum() > MOST or not 0 <= total < math.inf:
        raise ValueError("counts must be whole numbers and the sum of tokens finite, not below 0")
    if (most <= 0).any() or np.isnan(most).any() or (most[np.isfinite(most)] > MAX_TOKENS).any():
        raise ValueError(f"bounds must be from 1 to {MAX_TOKENS:g} tokens")
    if not len(most):
        return most, most, counts, total
    least = np.concatenate([[0.0], most[:-1]])
    last = least[-1] if np.isinf(most[-1]) else most[-1]
    most = np.where(np.isfinite(most), most, max(_BEYOND * last, 2 * total / max(counts.sum(), 1.0), 2.0))
    return least, most, counts, total


def _lengths(
    least: np.ndarray, most: np.ndarray, counts: np.ndarray, total: float, rng: np.random.Generator
) -> np.ndarray:
    """Lengths [requests] in their buckets, in random order: low + (high - low) u^k, with the k that gives the sum."""
    low, high = (np.repeat(a, counts.astype(int)) for a in (least, most))
    u = rng.random(len(low))
    small, large = -8.0, 8.0  # logarithms of k; the larger, the shorter
    for _ in range(_HALVINGS):
        middle = (small + large) / 2
        over = (low + (high - low) * u ** math.exp(middle)).sum() > total
        small, large = (middle, large) if over else (small, middle)
    lengths = np.maximum(np.rint(low + (high - low) * u ** math.exp(small)), 1).astype(np.int64)
    return np.asarray(rng.permutation(lengths))
