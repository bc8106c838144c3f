"""Does the winner survive? Every fact drawn from its range; the same draws for every chip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..tables import Fact, draws, high, low, one_at
from ..tech.technology import Technology

DRAWS = 400


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


def survival(
    candidates: dict[str, PriceAt], winner: str, keeps: KeepsAt, seed: int, most: int = 12
) -> Survival:
    """Price every candidate under the same draws of all facts; `keeps` is asked of the winner."""
    tech = Technology(draws(DRAWS, seed))
    usd = {
        name: np.broadcast_to(np.asarray(price(tech), float), (DRAWS,)) for name, price in candidates.items()
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
