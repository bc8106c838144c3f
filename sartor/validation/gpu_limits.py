"""Measurements that no chip can give: faster than its memory or its arithmetic, or in a wrong unit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..chip.spec import Chip
from ..formats.spec import format_named
from . import names
from .gpu_work import CACHE, FORMATS, by_group, work
from .kind import Inputs, Row
from .ticks import AS_READ

# Boost clocks are up to a tenth above the clock of the data sheet's peak.
CLOCK_ROOM = 1.1
# A step may take so many times its roofline, and each kernel this long besides.
SLOW = 300.0
KERNEL_S = 50e-6
UNIT_FACTOR = 5.0  # J = W s holds better than this
POWER_ROOM = 1.6  # short peaks above the power limit
LEAST_CLOCK, MOST_CLOCK = 0.05, 1.5  # of the data sheet's: chips rest at a tenth, and boost by a tenth (CLOCK_ROOM)
LEAST_POWER = 0.02  # of the limit: chips rest at a tenth and more


def impossible(rows: Sequence[Row]) -> list[str | None]:
    """Why each of `rows`, whose names are all known, cannot be; None where it can."""
    floors = by_group([row.inputs for row in rows], _floors)
    return [_time(row, *floor) or _power(row) or _clock(row) for row, floor in zip(rows, floors, strict=True)]


def _time(row: Row, memory_s: float, compute_s: float, kernels: int) -> str | None:
    seconds = row.measured["latency"]
    if seconds < memory_s:
        return "faster than the DRAM's peak: data came from a cache, or the unit of time is wrong"
    if seconds < compute_s / CLOCK_ROOM:
        return "faster than the peak of the arithmetic: the unit of time may be wrong"
    if seconds > SLOW * (max(memory_s, compute_s) + kernels * KERNEL_S):
        return "hundreds of times slower than the chip: the unit of time may be wrong"
    return None


def _power(row: Row) -> str | None:
    joules = row.measured.get(AS_READ, row.measured.get("energy"))
    watts, seconds = row.beside.get("power"), row.measured["latency"]
    limit_w = _chip(row.inputs).tdp_w
    if joules and watts and not 1 / UNIT_FACTOR < joules / (watts * seconds) < UNIT_FACTOR:
        return "joules are not watts times seconds: a unit is wrong"
    if joules and limit_w and joules / seconds > POWER_ROOM * limit_w:
        return "more power than the chip may draw: a unit may be wrong"
    if joules and limit_w and joules / seconds < LEAST_POWER * limit_w:
        return "less power than the chip draws at rest: a unit is wrong"
    return None


def _clock(row: Row) -> str | None:
    hz = row.beside.get("clock")
    if hz and not LEAST_CLOCK < hz / _chip(row.inputs).clock_hz < MOST_CLOCK:
        return "sm_mhz is no clock of such a chip: a wrong unit"
    return None


def _floors(rows: Sequence[Inputs]) -> list[Any]:
    """Least seconds of the memory and of the arithmetic by the data sheet, and the operators run."""
    (operators, step), chip = work(rows), _chip(rows[0])
    form = names.number_format(rows[0].get("format", CACHE)) or CACHE
    peak_bytes = chip.memory.bandwidth_bytes_per_s or chip.sram_bandwidth_bytes_per_s
    weights = [
        g.weight_elements_read(step) * format_named(FORMATS.get(g.tensor, form)).bits() for g in operators.gemms
    ]
    cache = [a.cache_elements_read(step) * format_named(CACHE).bits() for a in operators.attentions]
    memory_s = sum(weights + cache) / 8 / peak_bytes
    compute_s = 2 * operators.macs(step) / chip.peaks.get(form, max(chip.peaks.values()))
    count = sum(g.count for g in operators.gemms) + sum(a.count for a in operators.attentions)
    return list(zip(*np.broadcast_arrays(memory_s, compute_s, count, np.zeros(len(rows)))[:3], strict=True))


def _chip(inputs: Inputs) -> Chip:
    found = names.chip(inputs["chip"])
    assert found is not None
    return found
