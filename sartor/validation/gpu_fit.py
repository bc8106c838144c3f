"""The figures of a GPU generation from measured rows: least squares on the logarithm of what is predicted.

The estimate itself is fitted, by letting another `Technology` pick the facts of the generation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..tables import Fact, table
from ..tech.technology import Technology
from . import gpu_predict, names
from .gpu_speaks import expectation, speaks
from .gpu_work import group
from .kind import Refused, Row

# How much an error of each counts: steps are what is asked for, power readings scatter.
WEIGHTS = {"decode": 1.0, "prefill": 0.6, "gemm": 0.4, "attn_decode": 0.4, "attn_prefill": 0.1}
WATTS_WEIGHT = {"decode": 0.4, "prefill": 0.2, "gemm": 0.1}
OUTLIER = 0.03  # relative error beyond which a row counts less than its square


@dataclass(frozen=True)
class Fit:
    """Fitted figures of one generation, in coherent units, and the rows they were fitted to."""

    generation: str
    values: Mapping[str, float]
    rows: int

    @property
    def tech(self) -> Technology:
        """Facts with the fitted figures in place."""
        return technology(self.generation, self.values)


def by_generation(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """`rows` by the generation of their chip."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        chip = names.chip(row.inputs["chip"])
        if chip is not None:
            found.setdefault(chip.generation, []).append(row)
    return found


def technology(generation: str, values: Mapping[str, float]) -> Technology:
    """The table's facts, but `values` for `generation`."""

    def pick(fact: Fact) -> Any:
        ours = fact.table == "gpu" and fact.item == generation
        return values.get(fact.quantity, fact.value) if ours else fact.value

    return Technology(pick)


def fit(rows: Sequence[Row], generation: str) -> Fit:
    """Fit the figures of `generation` that `rows` speak of."""
    from scipy.optimize import least_squares

    known, together = table("gpu").facts, _together(rows)
    figures = sorted({f for row in rows for f in speaks(row.inputs) if (generation, f) in known})
    start, firm = np.array([expectation(figure) for figure in figures]).T

    def errors(log_factors: np.ndarray) -> np.ndarray:
        tech = technology(generation, dict(zip(figures, start * np.exp(log_factors), strict=True)))
        return np.concatenate([*(_errors(some, tech) for some in together), firm * log_factors])

    found = least_squares(errors, np.zeros(len(figures)), loss="soft_l1", f_scale=OUTLIER, diff_step=1e-3)
    return Fit(generation, dict(zip(figures, (start * np.exp(found.x)).tolist(), strict=True)), len(rows))


@dataclass(frozen=True)
class _Together:
    """Rows of one group, and what was measured; NaN where joules were not."""

    asked: gpu_predict.Asked
    seconds: np.ndarray
    joules: np.ndarray


def _together(rows: Sequence[Row]) -> list[_Together]:
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        groups.setdefault(group(row.inputs), []).append(row)
    return [
        _Together(gpu_predict.asked([r.inputs for r in some]), *(_column(some, name) for name in ("latency", "energy")))
        for some in groups.values()
    ]


def _column(rows: Sequence[Row], name: str) -> np.ndarray:
    return np.array([row.measured.get(name, np.nan) for row in rows])


def _errors(some: _Together, tech: Technology) -> np.ndarray:
    """Weighted logarithms of predicted over measured: of seconds, and of watts, so that an error of time is not made
    good by one of energy; 0 where nothing is predicted."""
    guess, form = gpu_predict.priced(some.asked, tech), some.asked.first["form"]
    if isinstance(guess, Refused):
        return np.zeros(2 * some.asked.n)
    off = np.log(guess[0] / some.seconds)
    watts = WATTS_WEIGHT.get(form, 0.0) * (np.log(guess[1] / some.joules) - off)
    return np.concatenate([WEIGHTS[form] * off, np.nan_to_num(watts)])
