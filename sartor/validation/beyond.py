"""Columns of a file that are off alike by more than errors on record allow: cents for dollars, a day for an hour.

What is a thousand times off is out of any proportion (`wrong_units.py`). Less is told by the record: where the middle
of a file's rows is further off than twice the 80 % band of such rows, the file is not like what was measured. If it is
off by what another unit of its quantity comes to, that is why, and its rows are left out; if not, it is said.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median

from .record import on_record
from .summary import MAIN

FEWEST = 3  # rows that make a column
BANDS = 2.0  # half widths of the 80 % band: 2.6 standard deviations, of a single row
LEAST = math.log(2.0)  # no two units of a quantity are closer, nor is an estimate ever off record by less
NEAR = 0.1  # of a logarithm, from what is off to its unit, however good an estimate is
# How many of it make one of ours (USD an hour, USD, mm2, W, s, J); thousands are told without. Columns of services say
# their unit, and a TTFT a sixtieth of what is predicted is one that did not queue.
_MONEY = {"cents": 100.0}
_TIMES = {"minutes": 1 / 60, "hours": 1 / 3600}
UNITS: Mapping[tuple[str, str], Mapping[str, float]] = {
    ("rental", "cost"): _MONEY | {"the price of a day": 24.0, "of a month": 730.5, "of a year": 8766.0},
    ("", "cost"): _MONEY,
    ("", "area"): {"cm2": 0.01},
    ("", "efficiency"): {"percent": 100.0},
    ("", "latency"): _TIMES,
    ("", "energy"): {"watt hours": 1 / 3600},
}


@dataclass(frozen=True)
class Column:
    """One quantity of one kind of rows."""

    rows: str
    quantity: str
    said: str
    unit: float | None  # how many times too much it is; None: no unit that we know

    def holds(self, rows: str, quantity: str, measured: float, predicted: float) -> bool:
        """Whether a row's value is nearer to the other unit than to ours."""
        if self.unit is None or (rows, quantity) != (self.rows, self.quantity):
            return False
        return math.log(measured / predicted) / math.log(self.unit) > 0.5


Found = tuple[str, str, float, float]  # kind of row, quantity, measured, predicted


def columns(kind: str, values: Iterable[Found]) -> list[Column]:
    """Those of a file's `values` that are off alike beyond the record."""
    groups: dict[tuple[str, str], list[float]] = {}
    for rows, quantity, measured, predicted in values:
        groups.setdefault((rows, quantity), []).append(math.log(measured / predicted))
    found = (_column(kind, *name, logs) for name, logs in groups.items() if len(logs) >= FEWEST)
    return [one for one in found if one]


def _column(kind: str, rows: str, quantity: str, logs: list[float]) -> Column | None:
    middle, known = median(logs), band(kind, rows, quantity)
    if known is None or abs(middle) <= max(LEAST, BANDS * known):
        return None
    name, unit = _unit(rows, quantity, middle, min(LEAST, max(BANDS * known, NEAR)))
    why = f"in {name}?" if name else "another unit of it, or of an input?"
    said = (f"{quantity} of {len(logs)} rows of kind {rows} is {math.exp(middle):.3g} times what is predicted in the "
            f"middle; on record four in five are within {math.exp(known):.2f} times: {why}")  # fmt: skip
    return Column(rows, quantity, said, unit)


def band(kind: str, rows: str, quantity: str) -> float | None:
    """The half width of the 80 % band on record, as a logarithm.

    >>> round(band("rtl", "decode", "latency"), 3), band("rtl", "decode", "joy")
    (0.002, None)
    """
    form = "" if rows == "point" else f"{rows} "  # services of chips that do both phases go by their quantity alone
    group = rows if quantity in MAIN else f"{form if kind == 'serving' else rows + ' '}{quantity}"
    some = (on_record().get((kind, seen, group)) for seen in ("held_out", "unseen", "fitted"))
    return next((one.band for one in some if one), None)


def _unit(rows: str, quantity: str, middle: float, near_by: float) -> tuple[str, float | None]:
    """The unit that a column is off by, as near as its estimate is, and how many of it make one of ours."""
    some = UNITS.get((rows, quantity)) or UNITS.get(("", quantity), {})
    near = min(some, key=lambda name: abs(middle - math.log(some[name])), default="")
    return (near, some[near]) if near and abs(middle - math.log(some[near])) < near_by else ("", None)
