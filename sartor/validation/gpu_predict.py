"""Seconds and joules of rows of kind `gpu` by the family's estimate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..chip.spec import Chip
from ..errors import Unsupported
from ..families.gpu.estimate import Replica
from ..families.gpu.family import Existing
from ..families.gpu.machine import Machine
from ..families.gpu.passes import Setting
from ..formats.spec import format_named
from ..formulas.phase import Phase
from ..tech.technology import NOMINAL, Technology
from . import names
from .gpu_work import CACHE, FORMATS, by_group, work
from .kind import Inputs, Prediction, Refused

INT4 = "int4: the estimate stands for good kernels, and PyTorch's packed one is not"


def predict(rows: Sequence[Inputs], tech: Technology = NOMINAL) -> list[Prediction]:
    """One prediction a row, in its order."""
    return by_group(rows, lambda alike: _alike(alike, tech))


def _alike(rows: Sequence[Inputs], tech: Technology) -> Sequence[Prediction]:
    """Rows of one group."""
    form = names.number_format(rows[0].get("format", CACHE)) or CACHE
    if form.startswith("int4"):
        return [Refused(INT4)] * len(rows)
    chip, (operators, step) = _chip(rows[0]), work(rows)
    whole, casts = "model" in rows[0], rows[0].get("casts", False)
    machine = Machine(chip, tech, dynamic=casts and format_named(form).element_bits < 16)

    def seconds_and_joules(sustained: bool) -> Phase:
        setting = Setting(sustained, casts=whole or casts, pads=whole)
        return Replica(machine, 1, form, CACHE, FORMATS, setting).phase(operators, step)

    try:
        # Kernels alone are timed in a moment, on operands that are ready; for joules they run as long as steps do.
        short, long = seconds_and_joules(whole), seconds_and_joules(True)
    except Unsupported as unsupported:
        return [Refused(str(unsupported))] * len(rows)
    static_w = Existing(chip, form, CACHE, tech).static_w
    joules = long.dynamic_j + static_w * long.latency_s
    both = np.broadcast_arrays(short.latency_s, joules, np.zeros(len(rows)))[:2]
    return [{"latency": s, "energy": j} for s, j in zip(*both, strict=True)]


def _chip(inputs: Inputs) -> Chip:
    found = names.chip(inputs["chip"])
    assert found is not None
    return found
