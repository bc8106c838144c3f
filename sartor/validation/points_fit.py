"""The figures of a serving stack from measured points: least squares on logarithms, of TPOT and of TTFT apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..tables import Fact
from ..tech.technology import NOMINAL, Technology
from . import points_predict, pools_predict
from .kind import Refused, Row
from .points import FORM, POOLS, Points, as_rows
from .points_alike import chip_of, once
from .points_layout import arranged
from .points_predict import Parts, group, parts, times
from .rows import usable_rows
from .summary import Pair
from .tally import Tally

# Expected before any point is seen, in coherent units: a start of a millisecond, a prefill that goes first.
EXPECTED = {
    "factor": 0.9, "fused": 0.7, "prefill_share": 1.2, "step_start": 1e-3,
    "first_start": 40e-3, "steps_waited": 1.0, "prefills": 1.2, "queue": 0.07,
}  # fmt: skip
FITTED_CHIPS = ("h100-sxm", "b200-sxm")  # the others stay unseen
FIRM = 5.0  # an error of the logarithm of an expectation, as one of a row
OUTLIER = 0.1


def points_on(file: Path, chips: Sequence[str], form: str = FORM.name) -> list[Row]:
    """The points of `file` in `form` that the estimate stands for, each once, on `chips`; none: on all."""
    kind = Points()
    rows = once([row for row in as_rows(usable_rows(kind, file, Tally())) if row.inputs["form"] == form])
    return [row for row in rows if not chips or chip_of(row) in chips]


def pairs(rows: Sequence[Row], tech: Technology = NOMINAL) -> list[Pair]:
    """Predictions beside what was measured."""
    guesses = (pools_predict if rows and rows[0].inputs["form"] == POOLS.name else points_predict).predict(
        [row.inputs for row in rows], tech
    )
    return [
        Pair(row.where, Points().labels(row.inputs), quantity, float(guess[quantity]), measured)
        for row, guess in zip(rows, guesses, strict=True)
        if not isinstance(guess, Refused)
        for quantity, measured in row.measured.items()
    ]


def technology(stack: str, values: Mapping[str, float]) -> Technology:
    """The table's facts, but `values` for `stack`."""

    def pick(fact: Fact) -> Any:
        ours = fact.table == "serving_stacks" and fact.item == stack
        return values.get(fact.quantity, fact.value) if ours else fact.value

    return Technology(pick)


def fit(rows: Sequence[Row], stack: str) -> dict[str, float]:
    """The figures of `stack` from its `rows`, all of them predictable."""
    from scipy.optimize import least_squares

    names, start = list(EXPECTED), np.array(list(EXPECTED.values()))
    known = _together(rows)

    def errors(logs: np.ndarray) -> np.ndarray:
        tech = technology(stack, dict(zip(names, start * np.exp(logs), strict=True)))
        found = [np.log(guess / measured) for p, *measures in known
                 for guess, measured in zip(times(p, stack, tech), measures, strict=True)]  # fmt: skip
        return np.concatenate([*found, FIRM * logs])

    found = least_squares(errors, np.zeros(len(names)), loss="soft_l1", f_scale=OUTLIER)
    return dict(zip(names, (start * np.exp(found.x)).tolist(), strict=True))


def _together(rows: Sequence[Row]) -> list[tuple[Parts, np.ndarray, np.ndarray]]:
    """Parts of rows alike, with the TPOT and TTFT that were measured."""
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        groups.setdefault(group(arranged(row.inputs)), []).append(row)
    return [
        (parts([arranged(r.inputs) for r in some]), _column(some, "tpot"), _column(some, "ttft"))
        for some in groups.values()
    ]


def _column(rows: Sequence[Row], quantity: str) -> np.ndarray:
    return np.array([row.measured[quantity] for row in rows])
