"""Cycles of one core: matrices, vector passes and attention, and what the weight stream makes of them.

Array formulas over designs; their constants are those of the hardware (cycles_*.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...formulas import tile
from ...workload.operators import Attention, Step
from . import cycles_matrix, cycles_vector
from .core import GROUP
from .cycles_control import DECODE, FETCH_TO_REQUEST, PRODUCT, RESPONSE_TO_WORD
from .machine import Machine
from .passes import Work, passes

MATRIX_LATENCY = DECODE + cycles_matrix.LATENCY
ADDS = 2  # registers moved by a pass over the cache
HEAD_ADDS = 3  # and by storing a head
_BYTE_BITS = 8.0


def fetched(m: Machine) -> Any:
    """From a FETCH to its first word."""
    return m.latency + FETCH_TO_REQUEST + RESPONSE_TO_WORD + m.break_bytes / m.bytes_per_cycle


def vector(m: Machine, work: Work, columns: Any, share: Any) -> Any:
    """Passes of the vector unit; their elements are shared by `share` cores."""
    i = m.width
    return (work.element[i] / share * m.narrower + work.column[i]) * columns + work.fixed[i]


def matrix(m: Machine, place: Any, columns: Any) -> Any:
    """One pass over a matrix whose words are all there: a row tile takes its codes, or is drained."""
    return (
        place.tiles * np.maximum(place.tile_cycles, drain(m, columns)) + place.scale_cycles + MATRIX_LATENCY
    )


def drain(m: Machine, columns: Any) -> Any:
    """Of one row tile: min(rows, vector lanes) results a cycle."""
    d = m.designs
    return columns * np.maximum(d.rows / d.vector_lanes, 1)


def taken(m: Any, gap: Any, busy: Any, weight_bytes: Any, other_bytes: Any = 0.0) -> Any:
    """A matrix and the work before it: as long as both take, or as long as the memory needs for its bytes, which
    rests when the FIFO is full. `other_bytes` go to the cache queue meanwhile.

    >>> from types import SimpleNamespace as Fake
    >>> m = Fake(bytes_per_cycle=64.0, weight_fifo_bytes=6400.0)
    >>> float(taken(m, gap=300.0, busy=500.0, weight_bytes=64000.0))
    1200.0
    """
    moved = (weight_bytes + other_bytes) / m.bytes_per_cycle
    rests = np.maximum(gap - (m.weight_fifo_bytes + other_bytes) / m.bytes_per_cycle, 0)
    return np.maximum(gap + busy, moved + rests)


@dataclass(frozen=True)
class Attending:
    """Attention of one layer on one core: cycles by unit, and bytes moved, those of jumps included."""

    matrix: Any
    vector: Any
    moved_bytes: Any
    lost_bytes: Any
    columns: Any
    chunks: Any

    @property
    def cycles(self) -> Any:
        return self.matrix + self.vector


def attention(m: Machine, op: Attention, share: Any, step: Step, attended: Any) -> Attending:
    """Keys and values stored; then for each KV head the cache once a pass: of all its queries of one token, or of
    one query of many."""
    d = m.designs
    chunks = tile.folds(step.tokens, d.columns)
    if step.tokens == 1:
        passes_ = tile.folds(share.group, d.columns)
        columns = share.group / passes_
    else:
        passes_, columns = share.group * chunks, np.minimum(step.tokens, d.columns)
    heads = step.batch * share.heads / d.cores
    positions = np.ceil(attended / m.granule) * m.granule
    one = _over_cache(m, op, share, positions, columns)
    stored = _stored(m, op, np.minimum(step.tokens, d.columns)) * heads * chunks
    vector_ = heads * passes_ * one[1] + stored
    return Attending(
        heads * passes_ * one[0], vector_, heads * passes_ * one[2], heads * passes_ * one[3],
        np.minimum(step.rows, d.columns), tile.folds(step.rows, d.columns),
    )  # fmt: skip


def _over_cache(m: Machine, op: Attention, share: Any, positions: Any, columns: Any) -> tuple[Any, ...]:
    """One pass over one head's cache: cycles of matrices and of vector passes, bytes moved, bytes' time lost."""
    d = m.designs
    key_bytes = positions * (share.token_bytes / share.heads) * (op.key_dim / (op.key_dim + op.value_dim))
    value_bytes = key_bytes * (op.value_dim / op.key_dim)
    keys = _cached(m, positions, op.key_dim, m.cache.scale_bits, columns)
    values = _cached(m, op.value_dim, positions, 0.0, columns)
    queries = vector(m, passes("quantize", op.key_dim), columns, 1)
    softmax = vector(m, _softmax(), columns * positions, 1) + vector(m, _softmax_fixed(), columns, 1)
    last = vector(m, passes("scale", op.value_dim), columns, 1)
    control = 3 * (DECODE + 2 * PRODUCT) + ADDS + 2 * (DECODE + PRODUCT)
    wait = fetched(m)
    runs = 2 + tile.folds(op.value_dim, d.rows)
    lost = runs * m.break_bytes
    first = np.maximum(keys, key_bytes / m.bytes_per_cycle) + np.maximum(wait - queries, 0)
    ahead = np.minimum(m.cache_fifo_bytes, softmax * m.bytes_per_cycle)
    second = np.maximum(values, (value_bytes + lost - ahead) / m.bytes_per_cycle)
    return first + second, queries + softmax + last + control, key_bytes + value_bytes, lost


def _cached(m: Machine, n: Any, k: Any, scale_bits: Any, columns: Any) -> Any:
    """A matrix n x k from the cache queue, whose words are all there."""
    d = m.designs
    tiles, folds = tile.folds(n, d.rows), tile.folds(k, d.lanes)
    words = m.dot_units * (GROUP / _BYTE_BITS) / m.port_bytes
    beat = np.maximum(words * m.cache.element_bits, m.cache.steps)
    scales = tiles * folds * words * scale_bits
    return tiles * np.maximum(folds * beat, drain(m, columns)) + scales + MATRIX_LATENCY


def _softmax() -> Work:
    """Of one score in one column: largest, exponential, sum, times the value's scale."""
    both = passes("max", 1, 0) + passes("function", 1, 0)
    return both + passes("sum", 1, 0) + passes("multiply_quantize", 1, 0)


def _softmax_fixed() -> Work:
    parts = ("scales", "max", "function", "sum", "multiply_quantize")
    return sum((passes(kind, 0, 1, dynamic=1) for kind in parts), passes("copy", 0, 0))


def _stored(m: Machine, op: Attention, columns: Any) -> Any:
    """Keys and values of one head, a token a column."""
    d = m.designs
    words, groups = GROUP / d.vector_lanes, op.key_dim / GROUP
    given = m.port_bytes, d.rows, d.lanes, m.multiplier_bits
    keys = groups * (words + cycles_vector.key_cycles(given[0], given[3]))
    values = groups * (words + cycles_vector.value_cycles(*given))
    largest = vector(m, passes("max", op.value_dim), columns, 1)
    return (keys + values) * columns + largest + 2 * _a_pass() + HEAD_ADDS


def _a_pass() -> int:
    """Cycles of a pass beside its elements."""
    return DECODE + 1 + cycles_vector.READ + cycles_vector.LAUNCH + 1
