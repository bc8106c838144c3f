"""How many times as long something takes on one chip as on another, estimated and measured: what is off alike on both,
such as a stack's own kernels and what is between them, drops out of it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sartor.validation.points_fit import pairs, points_on
from sartor.validation.points_layout import arranged
from sartor.validation.record import Recorded, record
from sartor.validation.summary import Pair

Sized = Iterable[tuple[Hashable, Pair]]
FEW = 8  # requests at once at most: a token's time is a decode step there, and nearly nothing else


def ratios(there: Sized, known: Sized) -> Iterator[tuple[Any, Pair]]:
    """Of everything that is on both chips its key, and its time `there` over that on the `known` one."""
    on_known = dict(known)
    for key, one in there:
        if other := on_known.get(key):
            times = one.predicted / other.predicted, one.measured / other.measured
            yield key, Pair(one.where, one.labels, one.quantity, *times)


def records(points: Path, there: str, known: str) -> list[Recorded]:
    """Of whole services: the time of a token on `there` over that on the `known` chip, all else equal; of all, and
    where few requests run at once."""
    found = list(ratios(_tokens(points, there), _tokens(points, known)))
    name, few = f"tpot {there} over {known}", [pair for key, pair in found if dict(key)["at_once"] <= FEW]
    every = [pair for _, pair in found]
    return [record("serving", "unseen", *one) for one in ((name, every), (f"{name} few", few)) if one[1]]


def _tokens(points: Path, chip: str) -> Iterator[tuple[Hashable, Pair]]:
    rows = points_on(points, (chip,))
    tpot = [pair for pair in pairs(rows) if pair.quantity == "tpot"]
    return ((sizes(arranged(row.inputs)), pair) for row, pair in zip(rows, tpot, strict=True))


def sizes(inputs: Mapping[str, Any]) -> Hashable:
    """What two rows have alike that differ in their chip alone."""
    return tuple(sorted((name, value) for name, value in inputs.items() if name != "chip"))
