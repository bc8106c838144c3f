"""Held-out predictions: each row by figures that were fitted without the rows like it.

Rows alike are left out together, never one by one: all steps of a model, all GEMMs of a weight's shape, all attention
of a head's shape. Neighbors in batch or context are near-duplicates and would tell each other's time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import gpu_predict
from .gpu_fit import Fit, fit
from .gpu_speaks import speaks
from .kind import Inputs, Prediction, Refused, Row
from .summary import Pair

FOLDS = 4
_ALIKE = {"gemm": ("k", "n"), "attn_decode": ("heads", "kv_heads", "head_dim"),
          "attn_prefill": ("heads", "kv_heads", "head_dim"), "decode": ("model",), "prefill": ("model",)}  # fmt: skip


def alike(inputs: Inputs) -> tuple[Any, ...]:
    """What rows that are left out together share.

    >>> alike({"form": "decode", "model": "llama3-8b", "batch": 1})
    ('llama3-8b',)
    """
    return tuple(inputs[name] for name in _ALIKE[inputs["form"]])


def folds(rows: Sequence[Row]) -> np.ndarray:
    """The fold of each of `rows`, 0 to 3: what is alike, in order, is dealt round."""
    kinds: dict[str, list[Any]] = {}
    for row in rows:
        name = ",".join(_ALIKE[row.inputs["form"]])
        kinds.setdefault(name, [])
        if alike(row.inputs) not in kinds[name]:
            kinds[name].append(alike(row.inputs))
    order = {(name, one): i for name, many in kinds.items() for i, one in enumerate(sorted(many))}
    return np.array([order[",".join(_ALIKE[r.inputs["form"]]), alike(r.inputs)] % FOLDS for r in rows])


@dataclass(frozen=True)
class HeldOut:
    """A fit to all rows, and for each row what a fit without its fold says."""

    whole: Fit
    parts: tuple[Fit, ...]
    predictions: tuple[Prediction, ...]

    def pairs(self, rows: Sequence[Row], labels: Callable[[Inputs], Mapping[str, str]]) -> list[Pair]:
        """Held-out predictions beside what was measured."""
        return [
            Pair(row.where, labels(row.inputs), quantity, float(one[quantity]), measured, row.least.get(quantity, ()))
            for row, one in zip(rows, self.predictions, strict=True)
            if not isinstance(one, Refused)
            for quantity, measured in row.measured.items()
            if quantity in one
        ]

    def range_of(self, figure: str) -> tuple[float, float]:
        """How far a figure moves as folds are left out, at least 3 % to each side."""
        found = [part.values[figure] for part in (*self.parts, self.whole) if figure in part.values]
        value = self.whole.values[figure]
        return min(*found, 0.97 * value), max(*found, 1.03 * value)


def held_out(
    rows: Sequence[Row], generation: str, every: int = 1, step: Callable[[], None] = lambda: None
) -> HeldOut:
    """Fit and predict; of large files every so many rows are fitted to, all are predicted. `step` is called after each
    fold's fit, of which there are `FOLDS`; the fit to all comes last."""
    fold, found = folds(rows), np.empty(len(rows), dtype=object)
    told = [(r, f) for r, f in zip(rows, fold, strict=True) if speaks(r.inputs)]
    parts = []
    for left_out in range(FOLDS):
        parts.append(fit([r for r, f in told if f != left_out][::every], generation))
        step()
        here = [i for i, f in enumerate(fold) if f == left_out]
        inputs = [rows[i].inputs for i in here]
        for i, one in zip(here, gpu_predict.predict(inputs, parts[-1].tech), strict=True):
            found[i] = one
    return HeldOut(fit([r for r, _ in told][::every], generation), tuple(parts), tuple(found))
