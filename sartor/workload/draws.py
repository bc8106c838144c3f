"""Draws from quantile tables: stratified, correlated with each other or along time; and a table's moments."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate

import numpy as np

Values = Sequence[float] | np.ndarray
# How long a busy time lasts. With 1000 requests one correlation gives the variance of Azure's conversations
# over 3 to 1000 arrivals.
MEMORY_REQUESTS = 1000
_GOLDEN = (math.sqrt(5) - 1) / 2


def correlated(n: int, r: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two stratified uniform draws [n], joined by the normal copula of correlation `r`.

    Source: Nelsen, "An Introduction to Copulas", 2006, section 2.3.
    """
    first, other = rng.standard_normal(n), rng.standard_normal(n)
    second = r * first + math.sqrt(1 - r * r) * other
    return strata(first, rng), strata(second, rng)


def clustered(n: int, clustering: float, rng: np.random.Generator) -> np.ndarray:
    """Stratified uniform draws [n], correlated along the sequence by -1 <= `clustering` <= 1.

    Above 0 that share of the variance moves slowly (a first-order autoregression over MEMORY_REQUESTS); below
    0 it follows a low-discrepancy sequence, which spreads like values evenly; at 0 draws are independent.
    """
    white = rng.standard_normal(n)
    steady = slow_normals(n, rng) if clustering > 0 else spread_uniforms(n, rng)
    share = abs(clustering)
    return strata(math.sqrt(share) * steady + math.sqrt(1 - share) * white, rng)


def slow_normals(n: int, rng: np.random.Generator) -> np.ndarray:
    """Normal draws [n] whose correlation falls by e over MEMORY_REQUESTS."""
    keep = math.exp(-1 / MEMORY_REQUESTS)
    shocks = rng.standard_normal(n)
    shocks[1:] *= math.sqrt(1 - keep * keep)
    return np.fromiter(accumulate(shocks.tolist(), lambda last, shock: keep * last + shock), float, n)


def spread_uniforms(n: int, rng: np.random.Generator) -> np.ndarray:
    """Uniform draws [n] of mean 0 and variance 1 in golden-ratio order: any run of them is spread evenly."""
    return ((np.arange(n) * _GOLDEN + rng.random()) % 1 - 0.5) * math.sqrt(12)


def strata(order: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Uniform draws [n], one in each of n equal slices of 0 to 1, ranked as `order` is."""
    rank = np.empty(len(order))
    rank[np.argsort(order, kind="stable")] = np.arange(len(order))
    return (rank + rng.random(len(order))) / len(order)


def quantile_draws(u: np.ndarray, levels: Values, values: Values) -> np.ndarray:
    """What a table gives at the levels `u`.

    >>> quantile_draws(np.array([0.25, 0.5]), (0, 0.5, 1), (0, 10, 90)).tolist()
    [5.0, 10.0]
    """
    return np.interp(u, levels, values)


def table_moments(levels: Values, values: Values) -> tuple[float, float]:
    """Mean and coefficient of variation of a table; from a to b the mean square is (aa + ab + bb) / 3.

    >>> table_moments((0, 1), (0, 2))  # uniform on 0..2: variance 4/12
    (1.0, 0.5773502691896257)
    """
    weight = np.diff(levels)
    a, b = np.asarray(values[:-1], float), np.asarray(values[1:], float)
    mean = float(weight @ (a + b)) / 2
    square = float(weight @ (a * a + a * b + b * b)) / 3
    return mean, math.sqrt(max(0.0, square / mean**2 - 1))


def dispersion(gaps: np.ndarray, k: int) -> float:
    """Variance of the time of `k` arrivals over k mean gaps squared: 1 for Poisson at any k.

    At k = 1 it is the squared coefficient of variation. Source: Sriram, Whitt, "Characterizing superposition
    arrival processes", IEEE JSAC 4(6), 1986: the index of dispersion for intervals.

    >>> dispersion(np.array([1.0, 3.0, 1.0, 3.0]), 1), dispersion(np.array([1.0, 3.0, 1.0, 3.0]), 2)
    (0.25, 0.0)
    """
    sums = np.concatenate([[0.0], np.cumsum(gaps)])
    return float((sums[k:] - sums[:-k]).var()) / (k * float(gaps.mean()) ** 2)
