"""Seconds and joules of rows of kind `gpu` by the family's estimate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..chip.spec import Chip
from ..errors import Unsupported
from ..families.gpu.estimate import LIMIT, Replica
from ..families.gpu.family import Existing
from ..families.gpu.machine import BLOCKS, DYNAMIC, GROUPS, STACK, UNPACKED, Machine
from ..families.gpu.passes import Setting
from ..formats.spec import format_named
from ..tech.technology import NOMINAL, Technology
from ..workload.operators import Operators
from ..workload.step import Step
from . import names
from .gpu_work import CACHE, FORMATS, by_group, work
from .kind import Inputs, Prediction, Refused
from .ticks import AS_READ

# Calls from idle until the middle of what is timed, and the least seconds they take (measuring/torch_timing.py). Steps
# are the median of five replays, after two calls, two replays and one more; kernels too, of graphs of four and more,
# for 12 ms at least. Tables come from loops long enough that large GEMMs run at the power limit and small ones do not:
# between 15 and 150 calls in a row tell their rows alike.
STEPS, KERNELS, TABLES = (7.5, 0.0), (22.0, 6e-3), (45.0, 0.0)
INT4 = (
    "int4: PyTorch's packed kernel slows down with each row more, and was measured with one model alone; the estimate "
    "stands for good ones (try a table of a serving stack, gemm_dtype = int4_wo, or dt = bf16)"
)


@dataclass(frozen=True)
class Asked:
    """Rows of one group, ready to be priced as one array."""

    first: Inputs
    operators: Operators
    step: Step
    n: int


def asked(rows: Sequence[Inputs]) -> Asked:
    """`rows`, all of one group."""
    return Asked(rows[0], *work(rows), len(rows))


def predict(rows: Sequence[Inputs], tech: Technology = NOMINAL) -> list[Prediction]:
    """One prediction a row, in its order."""
    return by_group(rows, lambda alike: _alike(asked(alike), tech))


def _alike(some: Asked, tech: Technology) -> Sequence[Prediction]:
    found = priced(some, tech)
    if isinstance(found, Refused):
        return [found] * some.n
    return [{"latency": s, "energy": j, AS_READ: j} for s, j in zip(*found, strict=True)]


def priced(some: Asked, tech: Technology) -> tuple[Any, Any] | Refused:
    """Seconds and joules; arrays [rows]."""
    first, chip = some.first, _chip(some.first)
    form = names.number_format(first.get("format", CACHE)) or CACHE
    if form.startswith("int4") and not first.get("called"):
        return Refused(INT4)
    whole, called = "model" in first, first.get("called", False)
    alone = names.weight_only(first.get("format", CACHE))
    machine = Machine(chip, tech, kernels(first), weight_only=alone)

    setting = Setting(casts=whole or (called and not alone), pads=whole, alone=not whole)
    replica = Replica(machine, 1, form, CACHE, FORMATS, setting)
    try:
        phase = replica.phase(some.operators, some.step, keep=True)
    except Unsupported as unsupported:
        return Refused(str(unsupported))
    joules = phase.dynamic_j + Existing(chip, form, CACHE, tech).static_w * phase.latency_s
    # For joules all run until the power limit acts; for seconds in a burst.
    full_s = phase.latency_s - sum(op.latency_s for op in phase.operators if op.name == LIMIT)
    calls, least_s = STEPS if whole else TABLES if called else KERNELS
    seconds = burst_s(full_s, phase.latency_s, machine, np.maximum(calls * full_s, least_s))
    return tuple(np.broadcast_arrays(seconds, joules, np.zeros(some.n))[:2])  # type: ignore[return-value]


def kernels(inputs: Inputs) -> str:
    """Whose kernels a row is of: our own are PyTorch's, and narrow operands of its GEMMs are given ready."""
    given = inputs.get("format", CACHE)
    bits = format_named(names.number_format(given) or CACHE).element_bits
    if not inputs.get("called"):
        return ""
    if names.weight_only(given):
        return UNPACKED
    if bits >= 16:
        return STACK
    if "block" in given.lower():
        return BLOCKS
    return GROUPS if bits < 8 else DYNAMIC


def burst_s(full_s: Any, limited_s: Any, machine: Machine, after_s: Any) -> Any:
    """Seconds of one of many calls, `after_s` from idle: the power limit lowers the clock only after a while."""
    return full_s + (limited_s - full_s) * (1 - np.exp(-after_s / machine.gen("limit_reaction")))


def _chip(inputs: Inputs) -> Chip:
    found = names.chip(inputs["chip"])
    assert found is not None
    return found
