"""Cycles of one core: matrices, vector passes and attention, and what the weight stream makes of them.

Array formulas over designs; their constants are those of the hardware (cycles_*.py).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...formulas import tile
from ...workload.operators import Attention, Step
from . import cycles_matrix, cycles_vector
from .core import GROUP
from .cycles_control import DECODE, ISSUE, PRODUCT
from .machine import Machine
from .passes import Work, nothing, passes

MATRIX_LATENCY = DECODE + ISSUE + cycles_matrix.LATENCY
STORE_LATENCY = DECODE + ISSUE + cycles_vector.READ + cycles_vector.LAUNCH + 1  # of a pass into the cache
FETCHES = 3 * (DECODE + 2 * PRODUCT)  # keys, scales, values
FETCHED = 2 * (DECODE + 2 * PRODUCT)  # of scales and values, while the keys are on their way
CACHE_CONTROL = (
    FETCHES + 2 * PRODUCT + 2
)  # of a pass over the cache: two dynamic matrices, two registers moved
STORE_CONTROL = 3  # of storing a head: registers moved
LAYER_CONTROL = 8  # registers set, loops, the fence
SOFTMAX = "max", "function", "sum", "multiply_quantize"  # passes over the scores
TURN_CONTROL = 3  # of a token's rotation, where there are several: registers moved


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
    """A matrix and the work before it: as long as both take, or as long as the memory brings its weights, which
    rests when the FIFO is full. From the last word on a matrix takes `tail` more cycles, in which the memory is busy
    with the next one. `other_cycles`: what the memory gives the cache queue meanwhile.

    100 cycles fill the FIFO, so that the memory rests for 200 of the 300 before the matrix:
    >>> from types import SimpleNamespace as Fake
    >>> float(taken(Fake(fill_cycles=100.0), gap=300.0, busy=500.0, weight_cycles=1000.0))
    1200.0
    """
    return np.maximum(gap + busy, weight_cycles + np.maximum(gap + (tail - m.fill_cycles), other_cycles))


@dataclass(frozen=True)
class Attending:
    """Attention on one core: cycles by unit, and bytes moved, and those that jumps cost."""

    matrix: Any
    vector: Any
    moved_bytes: Any
    lost_bytes: Any

    def times(self, n: Any) -> Attending:
        return Attending(self.matrix * n, self.vector * n, self.moved_bytes * n, self.lost_bytes * n)


def attention(m: Machine, op: Attention, share: Any, step: Step, attended: Any) -> Attending:
    """One layer. Keys and values are stored; then for each KV head the cache once a pass: of all its queries of
    one token, or of one query of many."""
    d, one_token = m.designs, np.ndim(step.tokens) == 0 and step.tokens == 1
    chunks = 1.0 if one_token else tile.folds(step.tokens, d.columns)
    heads = step.batch * share.heads / d.cores
    if one_token:
        passes_ = tile.folds(share.group, d.columns)
        columns, stored, turns = share.group / passes_, 1.0, 0
    else:
        passes_, turns = share.group * chunks, TURN_CONTROL * step.tokens
        columns = stored = np.minimum(step.tokens, d.columns)
    one = _over_cache(m, op, share, _positions(m, attended, step.tokens, chunks), columns)
    all_ = one.times(heads * passes_)
    control = (LAYER_CONTROL * chunks + turns) * step.batch / d.cores
    vector_ = all_.vector + _stored(m, op, stored) * (heads * chunks) + control
    return Attending(all_.matrix, vector_, all_.moved_bytes, all_.lost_bytes)


def _positions(m: Machine, attended: Any, tokens: Any, chunks: Any) -> Any:
    """The cache is read in granules up to the last token of a chunk: whole ones for one chunk, half a one more in
    the mean over many."""
    whole = np.ceil((attended + (tokens - 1) / 2) / m.granule) * m.granule
    if np.ndim(chunks) == 0 and chunks == 1:
        return whole
    return np.where(chunks == 1, whole, np.maximum(attended + (m.granule - 1) / 2, m.granule))


def _over_cache(m: Machine, op: Attention, share: Any, positions: Any, columns: Any) -> Attending:
    """One pass over one head's cache."""
    d = m.designs
    key_bytes = positions * (share.token_bytes * (op.key_dim / (op.key_dim + op.value_dim)) / share.heads)
    value_bytes = key_bytes * (op.value_dim / op.key_dim)
    codes_bytes = positions * (op.value_dim * m.cache.element_bits / 8)  # the vector unit takes their scales before
    drain, beat = columns * m.drain, m.beat_cycles(m.cache)
    tail, folds = drain + MATRIX_LATENCY, tile.folds(op.value_dim, d.rows)
    keys = between(tile.folds(op.key_dim, d.lanes) * beat, positions / d.rows - 1, drain, tail)
    values = between(positions / d.lanes * m.cache_code_cycles, folds - 1, drain, tail)
    before, softmax, after = _around_cache(op.key_dim, op.value_dim)
    queries, scored = vector(m, before, columns), m.at(_scored())
    weighing = (scored[0] * columns + m.at(_SCALES)[0]) * positions + vector(m, softmax, columns)
    breaks = 1 + folds  # of scales and values, whose words follow the last of the keys
    first = np.maximum(keys, m.from_empty(key_bytes) + tail) + np.maximum(m.fetched - FETCHED - queries, 0)
    second = np.maximum(values, m.from_full(codes_bytes, weighing + tail, breaks) + tail)
    vectors = queries + weighing + vector(m, after, columns) + CACHE_CONTROL
    return Attending(first + second, vectors, key_bytes + value_bytes, (1 + breaks) * m.break_bytes)


_SCALES = passes("scales", 1, 0)  # of one value's scale, whatever the columns


@functools.cache
def _scored() -> Work:
    """Of one score in one column: largest, exponential, sum, times the value's scale."""
    return sum((passes(kind, 1, 0) for kind in SOFTMAX), nothing())


@functools.cache
def _around_cache(key_dim: int, value_dim: int) -> tuple[Work, Work, Work]:
    """Of a column: before the scores; softmax, beside what each score takes; after the values."""
    softmax = sum((passes(kind, 0, 1, dynamic=1) for kind in ("scales", *SOFTMAX)), nothing())
    return passes("quantize", key_dim), softmax, passes("scale", value_dim)


def _stored(m: Machine, op: Attention, columns: Any) -> Any:
    """Keys and values of one head, a token a column: its largest value is found, then both are quantized."""
    groups, words = op.key_dim / GROUP, GROUP / m.designs.vector_lanes
    largest = vector(m, passes("max", op.value_dim), columns)
    waits = m.store_waits(columns * (m.values_writes * (op.value_dim / GROUP) + 1))
    return largest + (m.stored_cycles * groups + 1) * columns + 2 * (STORE_LATENCY + words) + STORE_CONTROL + waits
