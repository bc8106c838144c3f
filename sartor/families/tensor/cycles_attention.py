"""Cycles of attention on one core: keys and values stored, then passes over the cache of each KV head."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...formulas import tile
from ...workload.operators import Attention
from ...workload.step import Step
from . import cycles_matrix, cycles_store
from .cycles import MATRIX_LATENCY, between, vector
from .cycles_control import DECODE, PRODUCT
from .machine import Machine
from .passes import Work, nothing, once, passes

CACHE_LATENCY = MATRIX_LATENCY + PRODUCT  # of a matrix whose size is that of the cache
LAST = cycles_matrix.LATENCY  # of a matrix from its last word on, beside its drain
FETCHES = 3 * (DECODE + 2 * PRODUCT)  # keys, scales, values
FETCHED = 2 * (DECODE + 2 * PRODUCT)  # of scales and values, while the keys are on their way
CACHE_CONTROL = FETCHES + 2  # of a pass over the cache: two registers moved
LAYER_CONTROL = 8  # registers set, loops, the fence
SOFTMAX = "max", "function", "sum", "multiply_quantize"  # passes over the scores
TURN_CONTROL = 3  # of a token's rotation, where there are several: registers moved


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
    stores = m.once(("stores", op.key_dim, op.value_dim), lambda: cycles_store.stores(m, op))
    offsets = m.once(("offsets", op), lambda: _offsets(m, op))
    control = ((LAYER_CONTROL + offsets + stores.fence + m.rest_cycles) * chunks + turns) * step.batch / d.cores
    vector_ = all_.vector + _stored(m, op, stores, stored) * (heads * chunks) + control
    return Attending(all_.matrix, vector_, all_.moved_bytes, all_.lost_bytes)


def _offsets(m: Machine, op: Attention) -> Any:
    """What keys of 4 bits lose, from the weight stream, once a pass over the layers."""
    return vector(m, once("stream", op.kv_heads * op.key_dim), 1) * (m.keys.element_bits == 4)


def _positions(m: Machine, attended: Any, tokens: Any, chunks: Any) -> Any:
    """The cache is read in granules up to the last token of a chunk: whole ones for one chunk, half a one more in
    the mean over many."""
    whole = np.ceil((attended + (tokens - 1) / 2) / m.granule) * m.granule
    if np.ndim(chunks) == 0 and chunks == 1:
        return whole
    return np.where(chunks == 1, whole, np.maximum(attended + (m.granule - 1) / 2, m.granule))


def _over_cache(m: Machine, op: Attention, share: Any, positions: Any, columns: Any) -> Attending:
    """One pass over one head's cache. Its keys come while the queries are quantized and multiplied; scales and values
    follow the last of them, while the scores are weighed."""
    d = m.designs
    key_bytes, value_bytes = (positions * (each / share.heads) for each in (share.key_bytes, share.value_bytes))
    codes_bytes = positions * (op.value_dim * m.values.element_bits / 8)  # the vector unit takes their scales before
    drain, beat = columns * m.drain, m.beat_cycles(m.keys)
    all_there, folds, tail = drain + CACHE_LATENCY, tile.folds(op.value_dim, d.rows), drain + LAST
    keys = between(tile.folds(op.key_dim, d.lanes) * beat, positions / d.rows - 1, drain, all_there)
    values = between(positions / d.lanes * m.value_code_cycles, folds - 1, drain, all_there)
    before, softmax, after = _around_cache(op.key_dim, op.value_dim)
    queries, scored = vector(m, before, columns), m.at(_scored())
    weighing = (scored[0] * columns + m.at(_SCALES)[0]) * positions + vector(m, softmax, columns)
    wait = m.fetched - FETCHED - queries  # for the first key
    brought = m.from_empty(key_bytes, wait)
    first = np.maximum(keys + np.maximum(wait, 0), brought + tail)
    second = m.from_full(values, value_bytes, codes_bytes, folds, weighing + (first - brought), tail)
    vectors = queries + weighing + vector(m, after, columns) + CACHE_CONTROL
    return Attending(first + second, vectors, key_bytes + value_bytes, (2 + folds) * m.break_bytes)


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


def _stored(m: Machine, op: Attention, stores: cycles_store.Stores, columns: Any) -> Any:
    """Keys and values of one head, a token a column: its largest value is found, then both are quantized. A memory that
    rests takes no writes; it may do so while the largest value is found."""
    largest = vector(m, passes("max", op.value_dim), columns)
    idle = np.minimum(largest, m.rest)
    rested = (m.rest - idle / 2) * idle / m.rest_every
    return stores.cycles(columns) / (1 - m.resting) + (largest + rested + cycles_store.CONTROL)
