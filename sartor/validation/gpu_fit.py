"""The figures of a GPU generation from measured rows: least squares on the logarithm of what is predicted.

The estimate itself is fitted, by letting another `Technology` pick the facts of the generation.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
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
ENOUGH = 1e-5  # of the sum of squares, less than which a step gains: figures are then within 0.03 % of where they end


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


def technology(
    generation: str, values: Mapping[str, float], seen: Callable[[str], Any] = lambda name: None
) -> Technology:
    """The table's facts, but `values` for `generation`; each figure of it that is asked for is `seen`."""

    def pick(fact: Fact) -> Any:
        ours = fact.table == "gpu" and fact.item == generation
        if ours:
            seen(fact.quantity)
        return values.get(fact.quantity, fact.value) if ours else fact.value

    return Technology(pick)


def fit(rows: Sequence[Row], generation: str) -> Fit:
    """Fit the figures of `generation` that `rows` speak of."""
    from scipy.optimize import least_squares

    known = table("gpu").facts
    figures = sorted({f for row in rows for f in speaks(row.inputs) if (generation, f) in known})
    start, firm = np.array([expectation(figure) for figure in figures]).T
    expected = dict(zip(figures, start, strict=True))
    groups = [_errors_at(some, generation, expected) for some in _together(rows)]

    def errors(log_factors: np.ndarray) -> np.ndarray:
        values = dict(zip(figures, start * np.exp(log_factors), strict=True))
        return np.concatenate([*(errors_at(values) for errors_at in groups), firm * log_factors])

    found = least_squares(
        errors, np.zeros(len(figures)), loss="soft_l1", f_scale=OUTLIER, diff_step=1e-3, ftol=ENOUGH
    )
    return Fit(generation, dict(zip(figures, (start * np.exp(found.x)).tolist(), strict=True)), len(rows))


@dataclass(frozen=True)
class _Together:
    """Rows of one group, and what was measured; NaN where joules were not."""

    asked: gpu_predict.Asked
    seconds: np.ndarray
    joules: np.ndarray


def _errors_at(some: _Together, generation: str, start: Mapping[str, float]) -> Callable[[Mapping[str, float]], Any]:
    """The errors of `some` by the values of the figures of `generation`: worked out once for those that its estimate
    asks for, since a fit mostly changes one that it does not."""
    seen: set[str] = set()
    _errors(some, technology(generation, start, seen.add))
    names = [name for name in start if name in seen]

    @functools.lru_cache(2 * len(start))
    def at(*values: float) -> np.ndarray:
        return _errors(some, technology(generation, dict(zip(names, values, strict=True))))

    return lambda values: at(*(values[name] for name in names))


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
