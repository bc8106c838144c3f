"""The joules of a window, read off a counter that moves in ticks.

NVML brings a board's energy counter up to date every so often: `counter_tick`, 100 ms on an H100 (Yang et al., arXiv
2312.02741). A window of 7.5 ticks counts seven of them or eight, and equal work reads a seventh apart. How many were
counted follows from the window's length, the power limit and the clock that was read, without any prediction; where it
does not, nothing but the reading itself is judged.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from ..tables import table
from . import names
from .kind import Row

AS_READ = "energy as read"
UNSETTLED = "joules: how many ticks of the energy counter its window held cannot be told"
LONGEST_S = 3600.0  # that anybody reads for
STEP_WINDOW_S = 0.8  # for which steps are read, where a row does not say
LIMIT_ROOM = 1.03  # a board keeps its power limit within this, over several ticks
AT_LIMIT = 0.95  # of it is drawn at least while it holds the clock down
DOUBT = 0.15  # the chance of another number of ticks that is taken where nothing but the window's length tells
Chances = Mapping[int, float]


def settled(row: Row) -> Row:
    """`row` with the joules by its number of ticks, and beside them those that were read; `least` is how far off the
    reading may be, and how likely, whatever is predicted."""
    joules = row.measured.get("energy")
    if joules is None:
        return row
    window_s, tick_s = _window_s(row), _tick_s(row)
    if not window_s or not tick_s or "ticks" in row.beside:  # nothing is known, or it was read from tick to tick
        return row
    read, length = {**row.measured, AS_READ: joules}, window_s / tick_s
    ticks = chances(length)
    least = {AS_READ: tuple((abs(length / k - 1), chance) for k, chance in ticks.items())}
    counted = _counted(row, length, ticks)
    if counted is None:
        del read["energy"]
        return replace(row, measured=read, least=least, unjudged=UNSETTLED)
    return replace(row, measured={**read, "energy": joules * length / counted}, least=least)


def chances(length: float) -> Chances:
    """How many ticks a window of `length` of them may hold, and how likely each is.

    >>> {k: round(p, 2) for k, p in chances(7.9).items()}
    {7: 0.1, 8: 0.9}
    """
    below = math.floor(length)
    found = {below: 1 - (length - below), below + 1: length - below}
    return {k: p for k, p in found.items() if k > 0 and p > 0}


def _counted(row: Row, length: float, ticks: Chances) -> int | None:
    """The number of ticks that fits what the board may draw, or else the likely one; None where neither tells."""
    chip = names.chip(row.inputs["chip"])
    watts = row.beside["power"]
    drawn = {k: watts * length / k for k in ticks}
    if chip and chip.tdp_w:
        limit_w = chip.tdp_w
        drawn = {k: w for k, w in drawn.items() if w <= LIMIT_ROOM * limit_w}
        if row.beside.get("clock", math.inf) < chip.clock_hz:  # below that of the data sheet's peak
            drawn = {k: w for k, w in drawn.items() if w >= AT_LIMIT * limit_w}
    if len(drawn) == 1:
        return next(iter(drawn))
    return next((k for k in drawn if ticks[k] >= 1 - DOUBT), None)


def _window_s(row: Row) -> float | None:
    """The seconds that were read. Rows of `sartor measure gpu` before it wrote them down, which have a clock: a whole
    number of steps, each as long as its joules over its watts."""
    if "power" not in row.beside:
        return None
    one_s = row.measured["energy"] / row.beside["power"]
    if "window" in row.beside:
        return row.beside["window"] if one_s <= row.beside["window"] <= LONGEST_S else None
    if "clock" not in row.beside or row.inputs["form"] not in ("decode", "prefill"):
        return None
    return one_s * max(1, int(STEP_WINDOW_S / row.measured["latency"]))


def _tick_s(row: Row) -> float | None:
    chip = names.chip(row.inputs["chip"])
    fact = table("gpu").facts.get((chip.generation, "counter_tick")) if chip else None
    return fact.value if fact else None
