"""Seconds and joules of rows of kind `gpu` by the family's estimate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..chip.spec import Chip
from ..errors import Unsupported
from ..families.gpu.estimate import LIMIT, Replica
from ..families.gpu.family import Existing
from ..families.gpu.machine import BLOCKS, DYNAMIC, Machine
from ..families.gpu.passes import Setting
from ..formats.spec import format_named
from ..tech.technology import NOMINAL, Technology
from . import names
from .gpu_work import CACHE, FORMATS, by_group, work
from .kind import Inputs, Prediction, Refused
from .ticks import AS_READ

# A step's time is the median of five replays, after two calls, two replays and one more (measuring/torch_timing.py).
REPLAYS = 7.5
INT4 = "int4: the estimate stands for good kernels, and PyTorch's packed one is not"


def predict(rows: Sequence[Inputs], tech: Technology = NOMINAL) -> list[Prediction]:
    """One prediction a row, in its order."""
    return by_group(rows, lambda alike: _alike(alike, tech))


def _alike(rows: Sequence[Inputs], tech: Technology) -> Sequence[Prediction]:
    """Rows of one group."""
    form = names.number_format(rows[0].get("format", CACHE)) or CACHE
    if form.startswith("int4") and not rows[0].get("casts"):
        return [Refused(INT4)] * len(rows)
    chip, (operators, step) = _chip(rows[0]), work(rows)
    whole, casts = "model" in rows[0], rows[0].get("casts", False)
    alone, narrow = names.weight_only(rows[0].get("format", CACHE)), format_named(form).element_bits < 16
    machine = Machine(chip, tech, scaling(rows[0]) if narrow and not alone else "", weight_only=alone)
    casts = casts and not alone

    replica = Replica(machine, 1, form, CACHE, FORMATS, Setting(casts=whole or casts, pads=whole))
    try:
        phase = replica.phase(operators, step, keep=True)
    except Unsupported as unsupported:
        return [Refused(str(unsupported))] * len(rows)
    joules = phase.dynamic_j + Existing(chip, form, CACHE, tech).static_w * phase.latency_s
    # For joules all run until the power limit acts; kernels alone are timed in a moment.
    full_s = phase.latency_s - sum(op.latency_s for op in phase.operators if op.name == LIMIT)
    seconds = burst_s(full_s, phase.latency_s, machine) if whole else full_s
    both = np.broadcast_arrays(seconds, joules, np.zeros(len(rows)))[:2]
    return [{"latency": s, "energy": j, AS_READ: j} for s, j in zip(*both, strict=True)]


def scaling(inputs: Inputs) -> str:
    """How the narrow operands of a row are scaled: of our own GEMMs they are given ready."""
    if not inputs.get("casts"):
        return ""
    return BLOCKS if "block" in inputs["format"].lower() else DYNAMIC


def burst_s(full_s: Any, limited_s: Any, machine: Machine) -> Any:
    """Seconds of a step in a short burst from idle: the power limit lowers the clock only after a while."""
    return full_s + (limited_s - full_s) * (1 - np.exp(-REPLAYS * full_s / machine.gen("limit_reaction")))


def _chip(inputs: Inputs) -> Chip:
    found = names.chip(inputs["chip"])
    assert found is not None
    return found
