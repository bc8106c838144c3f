"""A generator of traffic: what a profile keeps of a trace, and the drawing of requests from it.

A profile keeps quantile tables, not requests: of the gap between arrivals (over its mean), of the prompt and
of the output length, and the correlations: of prompt with output, and of gaps near each other. It has the
bursts of its trace over seconds and minutes, but no daily rhythm. `fit_profile.fit` makes one from any trace.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from .draws import clustered, correlated, quantile_draws
from .traffic import Traffic


@dataclass(frozen=True)
class Profile:
    """A generator of traffic. Tables give values at the quantile levels `levels`, linear in between."""

    name: str
    rate_per_s: float
    prefix_hit: float  # fraction of prompt tokens found in an infinite prefix cache
    copula: float  # correlation of the normal copula that joins prompt and output length
    clustering: float  # of gaps: above 0 busy times last, below 0 gaps are spread evenly (draws.clustered)
    levels: tuple[float, ...]
    gaps: tuple[float, ...]  # inter-arrival time over its mean
    prompt_tokens: tuple[float, ...]
    output_tokens: tuple[float, ...]
    source: str = ""
    date: str = ""
    fitted_to: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.rate_per_s < math.inf:
            raise InputError(f"[{self.name}] rate_per_s = {self.rate_per_s} must be above 0 and finite")
        if not 0 <= self.prefix_hit <= 1:
            raise InputError(f"[{self.name}] prefix_hit = {self.prefix_hit} must be from 0 to 1")
        for key in ("copula", "clustering"):
            if not -1 <= getattr(self, key) <= 1:
                raise InputError(f"[{self.name}] {key} = {getattr(self, key)} must be from -1 to 1")
        if len(self.levels) < 2 or self.levels[0] != 0 or self.levels[-1] != 1 or _falls(self.levels):
            raise InputError(f"[{self.name}] levels must rise from 0 to 1 in one step or more")
        for key, least in (("gaps", 0), ("prompt_tokens", 1), ("output_tokens", 1)):
            self._check_table(key, least)

    def _check_table(self, key: str, least: float) -> None:
        values = getattr(self, key)
        if len(values) != len(self.levels):
            raise InputError(f"[{self.name}] {key} has {len(values)} values for {len(self.levels)} levels")
        if _falls(values) or not least <= values[0] or not values[-1] < math.inf:
            raise InputError(f"[{self.name}] {key} must be finite, never fall and start at {least} or more")


def _falls(values: Sequence[float]) -> bool:
    return any(not a <= b for a, b in itertools.pairwise(values))


def generate(
    profile: Profile, requests: int, rng: np.random.Generator, rate_per_s: float | None = None
) -> Traffic:
    """`requests` requests like those of `profile`, at its own rate or at `rate_per_s`.

    Draws are stratified: one in each of `requests` equal slices of every distribution, in random order, so
    that a short sample has the tails of a long one.
    """
    rate = profile.rate_per_s if rate_per_s is None else rate_per_s
    if not requests >= 1:
        raise InputError(f"profile {profile.name}: requests = {requests} must be at least 1")
    if not 0 < rate < math.inf:
        raise InputError(f"profile {profile.name}: rate_per_s = {rate} must be above 0 and finite")
    first, second = correlated(requests, profile.copula, rng)
    gaps = quantile_draws(clustered(requests, profile.clustering, rng), profile.levels, profile.gaps)
    return Traffic(
        name=profile.name,
        arrival_s=(np.cumsum(gaps) - gaps[0]) / rate,
        prompt_tokens=_tokens(first, profile.levels, profile.prompt_tokens),
        output_tokens=_tokens(second, profile.levels, profile.output_tokens),
        prefix_hit=profile.prefix_hit,
        source=profile.source,
    )


def _tokens(u: np.ndarray, levels: Sequence[float], values: Sequence[float]) -> np.ndarray:
    return np.rint(quantile_draws(u, levels, values)).astype(np.int64)
