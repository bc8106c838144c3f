"""How traffic differs from other traffic: its figures side by side, and how far its distributions are apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from .traffic import WINDOWS, Traffic

BURSTS = WINDOWS.index(64)  # the window whose dispersion is shown


def drift(before: Traffic, now: Traffic, percentile: float = 95.0) -> dict[str, Any]:
    """`figures`: [before, now] of each. `distances` (Kolmogorov-Smirnov): the largest difference of two distribution
    functions, 0 for equal ones and 1 where they do not overlap; of gaps over their mean."""
    one, two = before.demand(percentile), now.demand(percentile)
    names = ("rate_per_s", "arrival_scv", "prompt_mean", "prompt_tail", "output_mean", "decode_context_mean",
             "context_max", "prefix_hit")  # fmt: skip
    figures = {name: [getattr(one, name), getattr(two, name)] for name in names}
    figures["dispersion"] = [one.dispersion[BURSTS], two.dispersion[BURSTS]]
    distances = {
        "prompt_tokens": distance(before.prompt_tokens, now.prompt_tokens),
        "output_tokens": distance(before.output_tokens, now.output_tokens),
        "gaps": distance(_gaps(before), _gaps(now)),
    }
    return {"before": before.name, "now": now.name, "requests": len(now), "figures": figures, "distances": distances,
            "recorded_batch": now.recorded_batch}  # fmt: skip


def _gaps(traffic: Traffic) -> np.ndarray:
    gaps = np.diff(traffic.arrival_s)
    return gaps / gaps.mean() if len(gaps) and gaps.mean() > 0 else np.ones(1)


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """Kolmogorov and Smirnov's of two samples.

    >>> distance(np.array([1, 2]), np.array([1, 2])), distance(np.array([1, 2]), np.array([2, 3]))
    (0.0, 0.5)
    """
    a, b = np.sort(a), np.sort(b)
    at = np.concatenate([a, b])
    below = (np.searchsorted(one, at, side="right") / len(one) for one in (a, b))
    first, second = below
    return float(np.abs(first - second).max())
