"""Fit a traffic profile to a trace: quantile tables of gaps, prompts and outputs, and their rank correlation.

As a script it writes the TOML of a profile: `python -m sartor.workload.fit_profile NAME TRACE`.
"""

from __future__ import annotations

import sys

import numpy as np

from ..errors import InputError
from .profiles import Profile
from .traces import read_trace
from .traffic import Traffic

# Dense in the tail, which carries most of the variance of a bursty trace.
LEVELS = (0.0, 0.01, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.96, 0.97,
          0.98, 0.99, 0.995, 0.9975, 0.999, 0.9995, 1.0)  # fmt: skip
MIN_REQUESTS = 100


def fit(traffic: Traffic, name: str = "", date: str = "") -> Profile:
    """The profile that generates requests like those of `traffic`."""
    if len(traffic) < MIN_REQUESTS:
        raise InputError(f"{traffic.name}: {len(traffic)} requests are too few to fit (try {MIN_REQUESTS})")
    gaps = np.diff(traffic.arrival_s)
    if not gaps.mean() > 0:
        raise InputError(f"{traffic.name}: all requests arrive at once, so there is no rate to fit")
    return Profile(
        name=name or traffic.name,
        rate_per_s=_digits(1 / gaps.mean(), 5),
        prefix_hit=round(traffic.prefix_hit, 4),
        rank_correlation=round(spearman(traffic.prompt_tokens, traffic.output_tokens), 3),
        levels=LEVELS,
        gaps=_table(gaps / gaps.mean(), 4),
        prompt_tokens=_table(traffic.prompt_tokens, 5),
        output_tokens=_table(traffic.output_tokens, 5),
        source=traffic.source,
        date=date,
        fitted_to=f"{traffic.name}, {len(traffic)} requests",
    )


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Rank correlation, equal values sharing their mean rank; 0 where one side is constant.

    >>> spearman(np.array([1, 2, 3]), np.array([10, 20, 90])), spearman(np.array([1, 2]), np.array([5, 5]))
    (1.0, 0.0)
    """
    x, y = _ranks(a), _ranks(b)
    if x.std() == 0 or y.std() == 0:
        return 0.0
    return float(np.clip(np.mean((x - x.mean()) * (y - y.mean())) / (x.std() * y.std()), -1, 1))


def _ranks(values: np.ndarray) -> np.ndarray:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]


def _table(values: np.ndarray, digits: int) -> tuple[float, ...]:
    return tuple(_digits(v, digits) for v in np.quantile(values, LEVELS))


def _digits(value: float, digits: int) -> float:
    return float(f"{value:.{digits}g}")


def to_toml(profile: Profile) -> str:
    """`profile` as an entry of traffic.toml (the levels stand once at the top of that file)."""
    lines = [f"[{profile.name}]"]
    for key in ("source", "date", "fitted_to"):
        lines.append(f'{key} = "{getattr(profile, key)}"')
    for key in ("rate_per_s", "prefix_hit", "rank_correlation"):
        lines.append(f"{key} = {getattr(profile, key):g}")
    for key in ("gaps", "prompt_tokens", "output_tokens"):
        lines.append(f"{key} = [{', '.join(f'{v:g}' for v in getattr(profile, key))}]")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(to_toml(fit(read_trace(sys.argv[2]), sys.argv[1])))
