"""Sourced facts: every number the estimates rest on, with its unit, range, kind, date and source.

A table is a CSV in `sartor/data` with the columns

    item,quantity,value,unit,low,high,kind,date,source

`kind` is seen (read in the source), measured (by us), derived (by a formula named in the source), recalled
(from memory: to be verified) or assumed. Values are converted to coherent units here and nowhere else.
"""

from __future__ import annotations

import csv
import functools
import hashlib
import math
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np

from .errors import BrokenFile, UnknownName
from .units import factor

KINDS = ("seen", "measured", "derived", "recalled", "assumed")


@dataclass(frozen=True)
class Fact:
    """One number in coherent units, between `low` and `high` (an 80 % range where the source gives none)."""

    table: str
    item: str
    quantity: str
    value: float
    low: float
    high: float
    unit: str  # as written in the table, for printing
    kind: str
    date: str
    source: str  # key into sources.toml, then free text

    @property
    def name(self) -> str:
        return f"{self.table}.{self.item}.{self.quantity}"


# A pick turns a fact into the figure that an estimate uses: a float, or an array of draws.
Pick = Callable[[Fact], Any]


def nominal(fact: Fact) -> float:
    return fact.value


def low(fact: Fact) -> float:
    return fact.low


def high(fact: Fact) -> float:
    return fact.high


def one_at(name: str, end: Pick) -> Pick:
    """Every fact nominal, but the one called `name` at its low or high end."""
    return lambda fact: end(fact) if fact.name == name else fact.value


def draws(n: int, seed: int) -> Pick:
    """`n` draws of each fact: half of them below its value and half above, thinning out linearly towards low
    and high. The same fact gives the same draws everywhere, so that two designs are compared under the same
    weather."""

    @functools.cache
    def pick(fact: Fact) -> Any:
        if fact.low == fact.high:
            return np.full(n, fact.value)
        key = int.from_bytes(hashlib.sha256(fact.name.encode()).digest()[:8], "little")
        u = np.random.default_rng([seed, key]).random(n)
        below = fact.value - (fact.value - fact.low) * (1 - np.sqrt(np.minimum(2 * u, 1)))
        above = fact.value + (fact.high - fact.value) * (1 - np.sqrt(np.minimum(2 * (1 - u), 1)))
        return np.where(u < 0.5, below, above)

    return pick


class Table:
    """Facts of one CSV, by item and quantity."""

    def __init__(self, name: str, facts: Sequence[Fact]) -> None:
        self.name = name
        self.facts = {(f.item, f.quantity): f for f in facts}
        self.items = tuple(dict.fromkeys(f.item for f in facts))
        self.quantities = tuple(dict.fromkeys(f.quantity for f in facts))

    def fact(self, item: str, quantity: str) -> Fact:
        if item not in self.items:
            raise UnknownName(_one_of(self.name), item, self.items)
        if (item, quantity) not in self.facts:
            have = [q for i, q in self.facts if i == item]
            raise UnknownName(f"quantity of {item}", quantity, have, f"{self.name}.csv")
        return self.facts[item, quantity]

    def column(self, quantity: str, pick: Pick = nominal) -> np.ndarray:
        """`quantity` of every item, [items] or [items, draws]; NaN where an item has none."""
        found = [self.facts.get((item, quantity)) for item in self.items]
        if not any(found):
            raise UnknownName("quantity", quantity, self.quantities, f"{self.name}.csv")
        picked = [np.nan if f is None else pick(f) for f in found]
        return np.stack(np.broadcast_arrays(*picked)).astype(float)

    def index(self, item: str) -> int:
        """The row of `item`, by which arrays of design points name it."""
        if item not in self.items:
            raise UnknownName(_one_of(self.name), item, self.items)
        return self.items.index(item)


def _one_of(name: str) -> str:
    """What one item of a table is called.

    >>> _one_of("nodes"), _one_of("memories")
    ('node', 'memory')
    """
    return f"{name[:-3]}y" if name.endswith("ies") else name.removesuffix("s")


def data_text(path: str) -> str:
    return files("sartor.data").joinpath(path).read_text(encoding="utf-8")


@functools.cache
def table(name: str) -> Table:
    """The table `sartor/data/NAME.csv`."""
    rows = csv.DictReader(data_text(f"{name}.csv").splitlines())
    return Table(name, [_fact(name, line, row) for line, row in enumerate(rows, start=2)])


def _fact(name: str, line: int, row: dict[str, str]) -> Fact:
    where = f"{name}.csv line {line}"
    try:
        scale = factor(row["unit"], where=where)
        value, lo, hi = (float(row[c]) * scale for c in ("value", "low", "high"))
    except (KeyError, ValueError) as error:
        raise BrokenFile(
            f"{where}: {error} (columns: item,quantity,value,unit,low,high,kind,date,source)"
        ) from None
    if not (math.isfinite(value) and lo <= value <= hi):
        raise BrokenFile(
            f"{where}: low {row['low']} <= value {row['value']} <= high {row['high']} does not hold"
        )
    if row["kind"] not in KINDS:
        raise UnknownName("kind of fact", row["kind"], KINDS, where)
    said = {key: row[key] for key in ("item", "quantity", "unit", "kind", "date", "source")}
    return Fact(name, value=value, low=lo, high=hi, **said)


@functools.cache
def sources() -> dict[str, dict[str, str]]:
    """The works that facts cite, by key."""
    return tomllib.loads(data_text("sources.toml"))
