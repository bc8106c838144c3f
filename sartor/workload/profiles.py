"""Traffic profiles: generators whose parameters are fitted to public traces, and the finder of any traffic.

A profile keeps quantile tables, not requests: of the gap between arrivals (over its mean), of the prompt
and of the output length. Gaps are independent (a renewal process), so a profile has the burstiness of its
trace from one arrival to the next, but no daily rhythm. Fit one to your own trace with `fit_profile.fit`.
"""

from __future__ import annotations

import functools
import itertools
import math
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from ..errors import BrokenFile, InputError, UnknownName
from ..tables import data_text
from .traces import read_trace
from .traffic import Demand, Traffic

SAMPLE_REQUESTS = 100_000  # what stands for a profile in closed forms
SAMPLE_SEED = 20231116  # the day of the Azure trace; any other would do


@dataclass(frozen=True)
class Profile:
    """A generator of traffic. Tables give values at the quantile levels `levels`, linear in between."""

    name: str
    rate_per_s: float
    prefix_hit: float  # fraction of prompt tokens found in an infinite prefix cache
    rank_correlation: float  # Spearman, prompt against output length
    levels: tuple[float, ...]
    gaps: tuple[float, ...]  # inter-arrival time over its mean
    prompt_tokens: tuple[float, ...]
    output_tokens: tuple[float, ...]
    source: str = ""
    date: str = ""
    fitted_to: str = ""

    def __post_init__(self) -> None:
        if not (self.rate_per_s > 0 and math.isfinite(self.rate_per_s)):
            raise InputError(f"[{self.name}] rate_per_s = {self.rate_per_s} must be above 0 and finite")
        if not 0 <= self.prefix_hit <= 1:
            raise InputError(f"[{self.name}] prefix_hit = {self.prefix_hit} must be between 0 and 1")
        if not -1 <= self.rank_correlation <= 1:
            raise InputError(f"[{self.name}] rank_correlation = {self.rank_correlation} must be from -1 to 1")
        if len(self.levels) < 2 or self.levels[0] != 0 or self.levels[-1] != 1 or _falls(self.levels):
            raise InputError(f"[{self.name}] levels must rise from 0 to 1 in at least two steps")
        for key, least in (("gaps", 0), ("prompt_tokens", 1), ("output_tokens", 1)):
            _check_table(self, key, least)


def _falls(values: tuple[float, ...]) -> bool:
    return any(not a <= b for a, b in itertools.pairwise(values))


def _check_table(profile: Profile, key: str, least: float) -> None:
    table = getattr(profile, key)
    if len(table) != len(profile.levels):
        raise InputError(f"[{profile.name}] {key} has {len(table)} values for {len(profile.levels)} levels")
    if _falls(table) or table[0] < least or not math.isfinite(table[-1]):
        raise InputError(f"[{profile.name}] {key} must be finite, never fall and start at {least} or more")


def generate(
    profile: Profile, requests: int, rng: np.random.Generator, rate_per_s: float | None = None
) -> Traffic:
    """`requests` requests drawn from `profile`, at its own rate or at `rate_per_s`.

    Draws are stratified: one in each of `requests` equal slices of every distribution, in random order, so
    that a short sample has the tails of a long one. The rank correlation comes from a Gaussian copula.
    """
    if requests < 1:
        raise InputError(f"profile {profile.name}: requests = {requests} must be at least 1")
    rate = profile.rate_per_s if rate_per_s is None else rate_per_s
    if not (rate > 0 and math.isfinite(rate)):
        raise InputError(f"profile {profile.name}: rate_per_s = {rate} must be above 0 and finite")
    first, second = correlated_normals(requests, profile.rank_correlation, rng)
    gaps = np.interp(strata(rng.random(requests), rng), profile.levels, profile.gaps) / rate
    return Traffic(
        name=profile.name,
        arrival_s=np.cumsum(gaps) - gaps[0],
        prompt_tokens=_tokens(strata(first, rng), profile.levels, profile.prompt_tokens),
        output_tokens=_tokens(strata(second, rng), profile.levels, profile.output_tokens),
        prefix_hit=profile.prefix_hit,
        source=profile.source,
    )


def correlated_normals(n: int, spearman: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two normal draws [n] of rank correlation `spearman`: Pearson's r = 2 sin(pi/6 rho) (Pearson, 1907)."""
    r = 2 * math.sin(math.pi / 6 * spearman)
    first, other = rng.standard_normal(n), rng.standard_normal(n)
    return first, r * first + math.sqrt(max(0.0, 1 - r * r)) * other


def strata(order: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Uniform draws [n], one in each of n equal slices of 0..1, in the order that `order` ranks them."""
    rank = np.empty(len(order))
    rank[np.argsort(order, kind="stable")] = np.arange(len(order))
    return (rank + rng.random(len(order))) / len(order)


def _tokens(u: np.ndarray, levels: tuple[float, ...], table: tuple[float, ...]) -> np.ndarray:
    return np.maximum(1, np.rint(np.interp(u, levels, table))).astype(np.int64)


@functools.cache
def profiles() -> dict[str, Profile]:
    """The built-in profiles of `sartor/data/traffic.toml`, by name."""
    data = tomllib.loads(data_text("traffic.toml"))
    levels = tuple(data.pop("levels"))
    return {name: _from_toml(name, levels, entry) for name, entry in data.items()}


def _from_toml(name: str, levels: tuple[float, ...], entry: dict) -> Profile:
    known = {f.name for f in fields(Profile)} - {"name", "levels"}
    for key in entry:
        if key not in known:
            raise UnknownName("key", key, known, f"traffic.toml: [{name}]")
    if missing := sorted(known - set(entry)):
        raise BrokenFile(f"traffic.toml: [{name}] lacks {missing[0]}")
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()}
    return Profile(name=name, levels=levels, **values)


def names() -> list[str]:
    """The names of the built-in profiles."""
    return list(profiles())


def profile(
    name: str, *, requests: int, rng: np.random.Generator, rate_per_s: float | None = None
) -> Traffic:
    """`requests` requests of the built-in profile `name`; the same `rng` state gives the same requests."""
    if name not in profiles():
        raise UnknownName("traffic profile", name, names())
    return generate(profiles()[name], requests, rng, rate_per_s)


@functools.lru_cache(maxsize=16)
def sample(name: str) -> Traffic:
    """The fixed sample that stands for the profile `name`; its arrays are read-only, since it is shared."""
    traffic = profile(name, requests=SAMPLE_REQUESTS, rng=np.random.default_rng(SAMPLE_SEED))
    for array in (traffic.arrival_s, traffic.prompt_tokens, traffic.output_tokens):
        array.setflags(write=False)
    return traffic


def find_traffic(name_or_path: str | Path) -> Traffic:
    """The traffic of a built-in profile (its fixed sample) or of a trace file."""
    text = str(name_or_path)
    if text in profiles():
        return sample(text)
    path = Path(text)
    if path.suffix or len(path.parts) > 1 or path.exists():
        return read_trace(path)
    raise UnknownName("traffic", text, names(), "not a trace file either")


@functools.lru_cache(maxsize=64)
def demand(name_or_path: str | Path, percentile: float = 95.0) -> Demand:
    """The moments of a profile or trace, kept for the next call (a changed trace is not read again)."""
    return find_traffic(name_or_path).demand(percentile)
