"""What users and operators saw: percentiles, goodput, queue, energy and money of a simulation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..workload.traffic import Slo

SHOWN = (50, 90, 95, 99)


@dataclass(frozen=True)
class Answers:
    """Each request's times, in seconds [requests]. NaN: never; a TPOT needs two tokens."""

    arrival_s: np.ndarray
    first_s: np.ndarray
    last_s: np.ndarray
    output_tokens: np.ndarray

    @property
    def finished(self) -> np.ndarray:
        return np.isfinite(self.last_s)

    @property
    def ttft_s(self) -> np.ndarray:
        return self.first_s - self.arrival_s

    @property
    def latency_s(self) -> np.ndarray:
        return self.last_s - self.arrival_s

    @property
    def tpot_s(self) -> np.ndarray:
        """(latency - TTFT) / (output tokens - 1)."""
        gaps = np.where(self.output_tokens > 1, self.output_tokens - 1, np.nan)
        return (self.last_s - self.first_s) / gaps

    def kept(self, slo: Slo) -> np.ndarray:
        """Requests that were answered within the SLO; one of a single token has no TPOT to keep."""
        slow = np.nan_to_num(self.tpot_s, nan=0.0) > slo.tpot_s
        return self.finished & (self.ttft_s <= slo.ttft_s) & ~slow

    def span_s(self) -> float:
        """From the first arrival to the last token."""
        last = np.max(self.last_s, initial=0.0, where=self.finished)
        return float(max(last - self.arrival_s[0], self.arrival_s[-1] - self.arrival_s[0]))


def percentiles(values: np.ndarray) -> dict[str, float | None]:
    """Mean and percentiles of what is a number; nothing where none is.

    >>> percentiles(np.array([1.0, 3.0, np.nan]))["mean"]
    2.0
    """
    known = values[np.isfinite(values)]
    if not len(known):
        return {"mean": None, **{f"p{p}": None for p in SHOWN}}
    return {
        "mean": float(known.mean()),
        **{f"p{p}": float(v) for p, v in zip(SHOWN, np.percentile(known, SHOWN), strict=True)},
    }


def latencies(answers: Answers, slo: Slo) -> dict[str, Any]:
    """What users saw."""
    span, kept = max(answers.span_s(), 1e-9), answers.kept(slo)
    tokens = float(answers.output_tokens[answers.finished].sum())
    return {
        "ttft_s": percentiles(answers.ttft_s), "tpot_s": percentiles(answers.tpot_s),
        "latency_s": percentiles(answers.latency_s),
        "slo": {"ttft_s": slo.ttft_s, "tpot_s": slo.tpot_s, "percentile": slo.percentile,
                "share": float(kept.mean()), "kept": bool(kept.mean() >= slo.percentile / 100)},
        "goodput": float(kept.sum()) / span,
        "requests_per_s": float(answers.finished.sum()) / span, "tokens_per_s": tokens / span, "duration_s": span,
    }  # fmt: skip
