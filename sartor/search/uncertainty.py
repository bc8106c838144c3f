"""Does the winner survive? Every fact drawn from its range; the same draws for every chip."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..tables import Fact, draws, high, low, one_at
from ..tech.technology import Technology

DRAWS = 400
FOUR_IN_FIVE = 1.2816  # standard deviations to either side that hold 80 %


@dataclass
class Survival:
    """`band[name]`: (10 %, 50 %, 90 %) of each candidate's dollars; `wins[name]`: share of draws in which it is the
    cheapest; `keeps`: share of draws in which the winner keeps every limit; `swings`: facts by how far their range
    alone moves the winner, largest first."""

    band: dict[str, tuple[float, ...]]
    wins: dict[str, float]
    keeps: float
    swings: list[dict[str, Any]]


PriceAt = Callable[[Technology], Any]  # dollars per million tokens, a float or [draws]
KeepsAt = Callable[[Technology], Any]  # whether every limit is kept


@dataclass(frozen=True)
class Lead:
    """How far one chip leads the next, as a factor of dollars, beside the errors of both estimates: `error` is the
    factor, less 1, that a lead must exceed."""

    chip: str
    over: str
    factor: float
    error: float

    @property
    def beyond(self) -> bool:
        return self.factor > 1 + self.error


# Of two candidates: the correlation of the errors of their estimates, which a model that both share makes alike.
Alike = Callable[[str, str], float]


def apart(one: str, other: str) -> float:
    """Errors that have nothing in common."""
    return 0.0


def lead(usd: Mapping[str, float], errors: Mapping[str, float], alike: Alike = apart) -> Lead | None:
    """Of the cheapest of `usd` over the next; `errors`: half widths of 80 % bands of logarithms. What is wrong with
    both alike does not change which of them is cheaper.

    >>> lead({"a": 1.0, "b": 1.5}, {"a": 0.3, "b": 0.4}).beyond  # 1.5 is less than exp(0.5)
    False
    >>> lead({"a": 1.0, "b": 1.5}, {"a": 0.3, "b": 0.4}, lambda a, b: 0.7).beyond  # more than exp(0.29)
    True
    """
    known = sorted((value, name) for name, value in usd.items() if math.isfinite(value))
    if len(known) < 2:
        return None
    (best, chip), (second, over) = known[:2]
    one, other = errors[chip], errors[over]
    square = one**2 + other**2 - 2 * alike(chip, over) * one * other
    return Lead(chip, over, second / best, math.expm1(math.sqrt(max(square, 0.0))))


def survival(
    candidates: dict[str, PriceAt],
    winner: str,
    keeps: KeepsAt,
    seed: int,
    most: int = 12,
    errors: Mapping[str, float] | None = None,
    alike: Alike = apart,
) -> Survival:
    """Price every candidate under the same draws of all facts; `keeps` is asked of the winner. `errors`: the half
    width of the 80 % band of each one's estimate, as a logarithm; it is drawn too, for candidates together as far as
    their errors are `alike`."""
    tech, drawn = Technology(draws(DRAWS, seed)), _normal(list(candidates), alike, seed)
    missed = {name: np.exp(z * ((errors or {}).get(name, 0.0) / FOUR_IN_FIVE)) for name, z in drawn.items()}
    usd = {
        name: np.broadcast_to(np.asarray(price(tech), float), (DRAWS,)) * missed[name]
        for name, price in candidates.items()
    }
    known = {name: values for name, values in usd.items() if np.isfinite(values).all()}
    stacked = np.stack(list(known.values()))
    first = np.argmin(stacked, axis=0)
    return Survival(
        {
            name: tuple(float(q) for q in np.quantile(values, (0.1, 0.5, 0.9)))
            for name, values in known.items()
        },
        {name: float((first == i).mean()) for i, name in enumerate(known)},
        float(np.mean(np.broadcast_to(keeps(tech), (DRAWS,)))),
        swings(candidates[winner], most),
    )


def _normal(names: list[str], alike: Alike, seed: int) -> dict[str, Any]:
    """Standard normal draws for each of `names`, correlated as they are `alike`."""
    shares = np.array([[1.0 if a == b else alike(a, b) for b in names] for a in names])
    values, vectors = np.linalg.eigh(shares)  # pairs of measured shares may miss being a covariance by a little
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    root = root / np.linalg.norm(root, axis=1, keepdims=True)
    found = root @ np.random.default_rng(seed).standard_normal((len(names), DRAWS))
    return dict(zip(names, found, strict=True))


def swings(price: PriceAt, most: int) -> list[dict[str, Any]]:
    """Facts whose range alone moves the price, at their low and high ends."""
    base = float(np.ravel(price(Technology()))[0])
    rows: list[tuple[str, float, float]] = []
    for name in sorted(used_facts(price)):
        below, above = (float(np.ravel(price(Technology(one_at(name, e))))[0]) / base - 1 for e in (low, high))
        rows.append((name, below, above))
    rows.sort(key=lambda r: -max(abs(r[1]), abs(r[2])))
    return [{"fact": name, "low": lo, "high": hi} for name, lo, hi in rows[:most] if lo != hi]


def used_facts(price: PriceAt) -> set[str]:
    """Names of the facts with a range that a price asks for; a column is asked for as a whole."""
    asked: set[str] = set()

    def watch(fact: Fact) -> float:
        if fact.low < fact.high:
            asked.add(fact.name)
        return fact.value

    price(Technology(watch))
    return asked
