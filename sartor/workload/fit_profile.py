"""Fit a traffic profile to a trace, so that people can generate traffic like theirs at any rate and length.

As a script it writes the profile as TOML: `python -m sartor.workload.fit_profile NAME TRACE`.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable

import numpy as np

from ..errors import InputError
from .draws import clustered, correlated, dispersion, quantile_draws, table_moments
from .generator import Profile
from .traces import read_trace
from .traffic import Traffic

# Dense in the tail, which carries most of the variance of a bursty trace.
LEVELS = (0.0, 0.01, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95,
          0.96, 0.97, 0.98, 0.99, 0.995, 0.9975, 0.999, 0.9995, 1.0)  # fmt: skip
MIN_REQUESTS = 100
_SEED, _DRAWS = 1, 50_000  # of the sample on which correlations are fitted
_ARRIVALS = 100  # over which the variance of the arrivals is fitted


def fit(traffic: Traffic, name: str = "", source: str = "", date: str = "") -> Profile:
    """The profile that generates requests like those of `traffic`.

    It keeps the rate, the quantiles of both lengths, the mean of prompt x output (on which the context of
    decode steps depends), mean and variance of the gaps and, as far as it can, the variance of 100 of them.
    """
    n = len(traffic)
    if n < MIN_REQUESTS:
        raise InputError(f"{traffic.name}: {n} requests are too few to fit (try {MIN_REQUESTS} or more)")
    gaps = np.diff(traffic.arrival_s)
    if not gaps.mean() > 0:
        raise InputError(f"{traffic.name}: all requests arrive at once, so there is no rate to fit")
    spaced, prompts, outputs = gap_table(gaps), table(traffic.prompt_tokens), table(traffic.output_tokens)
    arrivals = min(_ARRIVALS, n // 10)
    product = float(np.mean(traffic.prompt_tokens.astype(float) * traffic.output_tokens))
    return Profile(
        name=name or traffic.name,
        rate_per_s=digits(1 / gaps.mean(), 5),
        prefix_hit=round(traffic.prefix_hit, 4),
        copula=fit_copula(prompts, outputs, product),
        clustering=fit_clustering(spaced, dispersion(gaps, arrivals), arrivals),
        levels=LEVELS,
        gaps=spaced,
        prompt_tokens=prompts,
        output_tokens=outputs,
        source=source or traffic.source,
        date=date,
        fitted_to=f"{traffic.name}, {n} requests",
    )


def table(values: np.ndarray) -> tuple[float, ...]:
    """The quantiles of `values` at LEVELS, to 5 digits."""
    return tuple(digits(v, 5) for v in np.quantile(values, LEVELS))


def gap_table(gaps: np.ndarray) -> tuple[float, ...]:
    """Quantiles of the gaps over their mean, bent by a power so that the table has mean 1 and the gaps' CV.

    Straight lines between quantiles are not the distribution: without this the code trace's mean is 8 % off.
    """
    raw = np.quantile(gaps / gaps.mean(), LEVELS)
    if not 0 < gaps.std() < np.inf:
        return tuple(1.0 for _ in LEVELS)
    power = bisect(lambda b: table_moments(LEVELS, raw**b)[1], float(gaps.std() / gaps.mean()), 0.05, 4.0)
    bent = raw**power
    return tuple(digits(v / table_moments(LEVELS, bent)[0], 5) for v in bent)


def fit_copula(prompts: tuple[float, ...], outputs: tuple[float, ...], product: float) -> float:
    """The correlation of the normal copula whose lengths have `product` as the mean of prompt x output."""

    def mean_product(r: float) -> float:
        first, second = correlated(_DRAWS, r, np.random.default_rng(_SEED))
        drawn = quantile_draws(first, LEVELS, prompts), quantile_draws(second, LEVELS, outputs)
        return float(np.mean(drawn[0] * drawn[1]))

    return round(bisect(mean_product, product, -1.0, 1.0, steps=14), 3)


def fit_clustering(gaps: tuple[float, ...], target: float, arrivals: int) -> float:
    """The clustering that gives `arrivals` gaps in a row the dispersion `target`, or comes nearest."""

    def found(clustering: float) -> float:
        u = clustered(_DRAWS, clustering, np.random.default_rng(_SEED))
        return dispersion(quantile_draws(u, LEVELS, gaps), arrivals)

    return round(bisect(found, target, -1.0, 1.0, steps=12), 3)


def bisect(f: Callable[[float], float], target: float, low: float, high: float, steps: int = 40) -> float:
    """Where the rising `f` crosses `target`, or the nearer end.

    >>> round(bisect(lambda x: x * x, 2.0, 0.0, 2.0), 6)
    1.414214
    """
    for _ in range(steps):
        middle = (low + high) / 2
        low, high = (middle, high) if f(middle) < target else (low, middle)
    return (low + high) / 2


def digits(value: float, n: int) -> float:
    return float(f"{value:.{n}g}")


def to_toml(profile: Profile) -> str:
    """`profile` as an entry of traffic.toml (the levels stand once, at the top of that file)."""
    name = profile.name if re.fullmatch(r"[\w-]+", profile.name, re.ASCII) else json.dumps(profile.name)
    lines = [f"[{name}]"]
    lines += [f"{key} = {json.dumps(getattr(profile, key))}" for key in ("source", "date", "fitted_to")]
    numbers = ("rate_per_s", "prefix_hit", "copula", "clustering")
    lines += [f"{key} = {getattr(profile, key):g}" for key in numbers]
    for key in ("gaps", "prompt_tokens", "output_tokens"):
        lines.append(f"{key} = [{', '.join(f'{v:g}' for v in getattr(profile, key))}]")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(to_toml(fit(read_trace(sys.argv[2]), sys.argv[1])))
