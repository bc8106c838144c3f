"""Cycles of one core: matrices and vector passes, and what the weight stream makes of them; cycles_attention.py.

Array formulas over designs; their constants are those of the hardware (cycles_*.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import cycles_matrix
from .cycles_control import DECODE, ISSUE
from .machine import Machine
from .passes import Work

MATRIX_LATENCY = DECODE + ISSUE + cycles_matrix.LATENCY


def vector(m: Machine, work: Work, columns: Any, share: Any = None) -> Any:
    """Passes of the vector unit; their elements are shared by `share` cores."""
    element, column, fixed = m.at(work)
    if element is None:  # nothing to share
        return fixed if column is None else column * columns + fixed
    return ((element if share is None else element / share) + column) * columns + fixed


def matrix(tile_cycles: Any, tiles: Any, drain: Any) -> Any:
    """One pass over a matrix whose words are all there. A row tile takes its codes or is drained, whichever is
    longer; the first finds the drain idle, and the last is drained after.

    Two row tiles of 9 cycles, drained in 4: 2 x 9 + 4 + 14.
    >>> float(matrix(tile_cycles=9.0, tiles=2.0, drain=4.0))
    36.0
    """
    return between(tile_cycles, tiles - 1, drain, drain + MATRIX_LATENCY)


def between(tile_cycles: Any, tiles_after: Any, drain: Any, tail: Any) -> Any:
    """The same of what is worked out: all tiles but one, and the drain of the last with the latency. The shorter of
    tile and drain is what the longer leaves of their sum."""
    return tiles_after * np.maximum(tile_cycles, drain) + (tile_cycles + tail)


def taken(m: Any, gap: Any, busy: Any, weight_cycles: Any, tail: Any = 0.0, other_cycles: Any = 0.0) -> Any:
    """A matrix and the work before it: as long as both take, or as long as the memory brings its weights.

    100 cycles fill the FIFO, so that the memory rests for 200 of the 300 before the matrix:
    >>> from types import SimpleNamespace as Fake
    >>> float(taken(Fake(fill_cycles=100.0), gap=300.0, busy=500.0, weight_cycles=1000.0))
    1200.0
    """
    return np.maximum(gap + busy, by_memory(m, gap, weight_cycles, tail, other_cycles))


def by_memory(m: Any, gap: Any, weight_cycles: Any, tail: Any = 0.0, other_cycles: Any = 0.0) -> Any:
    """From the last word of the matrix before to that of this one, as the memory brings it, which rests when the FIFO
    is full. From the last word on a matrix takes `tail` more cycles, in which the memory is busy with the next one.
    `other_cycles`: what the memory gives the cache queue meanwhile; below 0 what it is `behind`."""
    return weight_cycles + np.maximum(gap + (tail - m.fill_cycles), other_cycles)


def behind(m: Any, taken: Any, by_memory: Any) -> Any:
    """What the memory has yet to bring when a matrix's last word is taken, less what it has: below 0 by the words of
    the next ones that are in the FIFO, at most as many as it holds.

    A matrix took 500 cycles, its words were there after 430; 70 cycles later, and no more than 50 fit:
    >>> from types import SimpleNamespace as Fake
    >>> float(behind(Fake(fill_cycles=50.0), taken=500.0, by_memory=430.0))
    -50.0
    """
    return np.maximum(by_memory - taken, -m.fill_cycles)
