"""Kind `cost`: what chips cost to make, and what an hour of one is rented for, against what is published.

Form: the table of docs/validation.md (a CSV); a line is one published figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import cost_limits, cost_predict
from .files import packaged
from .kind import Column, Form, Inputs, Prediction, Refused, Row

_INPUTS = {
    "group": Column("group"),
    "item": Column("item"),
    "unit": Column("unit"),
    "date": Column("date", optional=True),
}
_UNITS = {"published_cost": ("USD", "USD"), "gpu_rental": ("USD/GPU-h", "USD/h")}
FORMS = {
    group: Form(group, _INPUTS, {"value": Column("cost", unit)},
                {end: Column(end, unit, optional=True) for end in ("low", "high")})
    for group, (_, unit) in _UNITS.items()
}  # fmt: skip


def _plain(unit: str) -> str:
    """A unit as our files write it: of dollars, and of dollars an hour of one chip.

    >>> _plain("usd"), _plain("$/GPU-hour"), _plain("EUR")
    ('USD', 'USD/GPU-h', 'EUR')
    """
    plain = unit.strip().upper().replace("US$", "USD").replace("$", "USD").replace("HOUR", "H").replace("HR", "H")
    return {"USD": "USD", "USD/GPU-H": "USD/GPU-h", "USD/GPU/H": "USD/GPU-h", "USD/H": "USD/GPU-h"}.get(plain, unit)


class Cost:
    """See the top of this file."""

    def default(self) -> list[Path]:
        return packaged("prices.csv")

    def form(self, row: Mapping[str, Any]) -> Form | str:
        group = row.get("group")
        if group is None:
            return "no column 'group': not a form of kind cost"
        if group not in FORMS:
            return f"group {group!r}: nothing is predicted for it"
        if _plain(str(row.get("unit"))) != _UNITS[group][0]:
            return f"{group}: unit {row.get('unit')!r} is not {_UNITS[group][0]}"
        return FORMS[group]

    def impossible(self, rows: Sequence[Row]) -> Sequence[str | None]:
        return [cost_limits.impossible(row) for row in rows]

    def predict(self, rows: Sequence[Inputs]) -> Iterable[Prediction]:
        return [_predicted(row) for row in rows]

    def labels(self, inputs: Inputs) -> Mapping[str, str]:
        asked = cost_predict.asked(inputs["group"], inputs["item"], inputs.get("date") or "")
        chip, what = ("", "") if isinstance(asked, str) else (asked.chip.name, asked.what)
        part = what in cost_predict.PARTS
        return {"kind": "part" if part else what, "chip": chip, "format": what if part else ""}


def _predicted(inputs: Inputs) -> Prediction:
    asked = cost_predict.asked(inputs["group"], inputs["item"], inputs.get("date") or "")
    if isinstance(asked, str):
        return Refused(asked)
    found = cost_predict.usd(asked)
    return Refused(f"{asked.chip.name}: {found}") if isinstance(found, str) else {"cost": found}

