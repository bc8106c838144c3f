"""Seconds and joules of rows of kind `gpu` by the family's estimate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import Unsupported
from ..families import priced
from . import names
from .gpu_work import CACHE, FORMATS, by_group, work
from .kind import Inputs, Prediction, Refused

INT4 = "int4: the estimate stands for good kernels, and PyTorch's packed one is not"


def predict(rows: Sequence[Inputs]) -> list[Prediction]:
    """One prediction a row, in its order."""
    return by_group(rows, _alike)


def _alike(rows: Sequence[Inputs]) -> Sequence[Prediction]:
    """Rows of one group."""
    form = names.number_format(rows[0].get("format", CACHE)) or CACHE
    if form.startswith("int4"):
        return [Refused(INT4)] * len(rows)
    chip = priced(names.chip(rows[0]["chip"]), form, CACHE)  # type: ignore[arg-type]
    operators, step = work(rows)
    try:
        phase = chip.replica(1, FORMATS).phase(operators, step)
    except Unsupported as unsupported:
        return [Refused(str(unsupported))] * len(rows)
    joules = phase.dynamic_j + chip.static_w * phase.latency_s
    both = np.broadcast_arrays(phase.latency_s, joules, np.zeros(len(rows)))[:2]
    return [{"latency": s, "energy": j} for s, j in zip(*both, strict=True)]
