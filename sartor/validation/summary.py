"""Errors of many predictions in a few figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

# What a kind of row is first judged by: groups of it go without the quantity's name.
MAIN = ("latency", "efficiency", "area", "cost")


@dataclass(frozen=True)
class Pair:
    """One quantity of one row: what was predicted and what was measured, in coherent units."""

    where: str
    labels: Mapping[str, str]
    quantity: str
    predicted: float
    measured: float
    least: tuple[tuple[float, float], ...] = ()  # errors that a perfect estimate would have, and the chance of each
    spread: float = 0.0  # half the logarithm of the range that the measured figure itself is published with
    unfitted: float | None = None  # of a row that figures were fitted to: what figures say that were fitted without it

    @property
    def left_out(self) -> Pair:
        """The same, predicted without the row and the rows like it."""
        return self if self.unfitted is None else replace(self, predicted=self.unfitted)

    @property
    def ape(self) -> float:
        """Absolute error as a fraction of what was measured."""
        return abs(self.predicted / self.measured - 1)


def figures(pairs: Sequence[Pair]) -> dict[str, Any]:
    """How many, and the absolute error as a fraction: median, 90th percentile, worst; `bias` is the median of
    the error with its sign.

    >>> figures([Pair("", {}, "s", p, 1.0) for p in (1.1, 0.8, 1.0)])["median_ape"].round(3)
    np.float64(0.1)
    """
    if not pairs:
        return {"n": 0, "median_ape": None, "p90_ape": None, "worst_ape": None, "bias": None}
    apes = np.array([p.ape for p in pairs])
    signed = np.array([p.predicted / p.measured - 1 for p in pairs])
    worst = pairs[int(np.argmax(apes))]
    return {
        "n": len(pairs), "median_ape": np.median(apes), "p90_ape": np.percentile(apes, 90),
        "worst_ape": worst.ape, "bias": np.median(signed), "worst_at": worst.where, **least(pairs),
    }  # fmt: skip


def least(pairs: Sequence[Pair]) -> dict[str, Any]:
    """What the instrument alone leaves: the same figures of an estimate that is never wrong; none where a row does not
    say how far off it may be read.

    >>> least([Pair("", {}, "energy as read", 1.0, 1.0, ((0.01, 0.9), (0.13, 0.1)))])["least_median_ape"].item()
    0.01
    """
    if not all(p.least for p in pairs):
        return {}
    off, chance = np.array([one for p in pairs for one in p.least]).T
    found = np.quantile(off, (0.5, 0.9), weights=chance, method="inverted_cdf")
    return {"least_median_ape": found[0], "least_p90_ape": found[1]}


def by_label(pairs: Sequence[Pair]) -> dict[str, dict[str, Any]]:
    """Figures of every group: the kind of row alone, then with each of its other labels, then with pairs of
    them. Groups of a quantity that is not the `MAIN` one end with its name."""
    groups: dict[str, list[Pair]] = {}
    for pair in pairs:
        for name in _groups(pair):
            groups.setdefault(name, []).append(pair)
    return {name: figures(groups[name]) for name in sorted(groups)}


def _groups(pair: Pair) -> Iterable[str]:
    first, *others = filter(None, pair.labels.values())
    tail = () if pair.quantity in MAIN else (pair.quantity,)
    for size in range(3):
        for some in combinations(others, size):
            yield " ".join((first, *some, *tail))
