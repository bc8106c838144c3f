"""MM of the golden model: decoded weights, exact accumulators, and their binary32.

Block products are float32 matrix products (exact below 2^24), scaling is float64 (exact below 2^53). Weights lie
in tiles of some hundred rows, so that what is worked on stays in the processor's cache.
"""

from __future__ import annotations

import functools
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from . import numerics
from .core import GROUP
from .golden_state import State
from .isa import Instruction, Scale
from .layout import unpack_matrix
from .stream_shape import Shape

TILE_ROWS = 256  # at most: a product of a tile and a group is too small for BLAS to start threads
CHUNK_BYTES = 2**18  # of terms at a time
THREADS = min(2, os.cpu_count() or 1)
LEAST_FOR_THREADS = 2**19  # weights times columns


@dataclass(frozen=True, eq=False)
class Weights:
    """Of `n` rows: float32 [tiles, groups, rows, 32] codes as signed integers; float64 [tiles, groups, rows]
    mantissa 2^(field - top) of scale and minimum."""

    n: int
    codes: np.ndarray
    scale: np.ndarray
    minimum: np.ndarray | None


Kept = dict[tuple[int, int], Weights]


def run(s: State, i: Instruction, kept: Kept) -> None:
    """One matrix; `kept`: decoded weights by the byte where they lie."""
    run_many([s], i, kept)


def run_many(states: list[State], i: Instruction, kept: Kept) -> None:
    """One matrix that all `states` pass, which then stand at the same place of the weight queue. A column's
    accumulators depend on no other column."""
    s, columns = states[0], 1 if i.argmax else i.columns
    n = s.count(i.tiles, i.tiles_dynamic) * s.core.rows
    k = s.count(i.folds, i.folds_dynamic) * s.core.lanes
    weights = _weights(s, i, n, k, kept)
    parts = [_activations(each, columns, k // GROUP) for each in states]
    x, exponent = (np.concatenate(p) if len(states) > 1 else p[0] for p in zip(*parts, strict=True))
    top = np.concatenate([each.top[:columns] for each in states])
    y = numerics.result(product(weights, x, top, exponent), top[:, None], i.exponent)
    for c, each in enumerate(states):
        each.weights_at = s.weights_at
        _take(each, i, y[c * columns :][:columns])


def _take(s: State, i: Instruction, y: np.ndarray) -> None:
    """Results float32 [columns, n] to where they go."""
    if i.argmax:
        s.logits, s.best_index = y[0], int(np.argmax(y[0]))
        s.best_value = y[0, s.best_index]
        return
    for c in range(i.columns):
        s.write_scratch((i.d_addr + s.registers[i.d_reg] + c * i.d_stride) * GROUP, y[c])


def _activations(s: State, columns: int, groups: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes [columns, groups, 32] and exponents; groups beyond the buffer meet zero weights."""
    x, e = s.codes[:columns, :groups], s.exponents[:columns, :groups]
    missing = groups - x.shape[1]
    if missing <= 0:
        return x, e
    return np.pad(x, ((0, 0), (0, missing), (0, 0))), np.pad(e, ((0, 0), (0, missing)))


def _weights(s: State, i: Instruction, n: int, k: int, kept: Kept) -> Weights:
    shape = Shape(s.core, n, k, 8 if i.code8 else 4, Scale(i.scale), i.share)
    nbytes = shape.words * s.core.port_bytes
    if i.cache:
        return decoded(shape, s.take_cache(nbytes), i.exponent)
    key = s.weights_at, n
    raw = s.take_weights(nbytes)
    if key not in kept:
        kept[key] = decoded(shape, raw, i.exponent)
    return kept[key]


def decoded(shape: Shape, raw: np.ndarray, top: int) -> Weights:
    """The weights in the stream `raw`."""
    codes, d, m = unpack_matrix(shape.core, raw, shape.n, shape.k, shape.bits, shape.scale, shape.share)
    tiled = _tiled(codes.reshape(shape.n, -1, GROUP))
    planes = np.empty(tiled.shape, np.float32)
    offset = 8 if shape.bits == 4 and shape.scale == Scale.SCALE else 0
    np.subtract(tiled, np.float32(offset), out=planes, dtype=np.float32)
    if d is None:
        d = np.full((shape.n, shape.k // shape.group), numerics.ONE_HALF_PRECISION, np.uint16)
    minimum = None if m is None else _relative(m, top, 1 << shape.share)
    return Weights(shape.n, planes, _relative(d, top, 1 << shape.share), minimum)


def _tiled(x: np.ndarray) -> np.ndarray:
    """[n, groups, ...] to [tiles, groups, rows, ...], the last tile padded with zeros."""
    tiles = -(-len(x) // TILE_ROWS)
    rows = -(-len(x) // tiles)
    if missing := tiles * rows - len(x):
        x = np.concatenate([x, np.zeros((missing, *x.shape[1:]), x.dtype)])
    return x.reshape(tiles, rows, *x.shape[1:]).swapaxes(1, 2)


@functools.cache
def _relatives(top: int) -> np.ndarray:
    """float64 [65536]: mantissa 2^(field - top) of every binary16 number."""
    mantissa, field = numerics.half_parts(np.arange(65536))
    return np.ldexp(mantissa.astype(np.float64), field - top)


def _relative(halves: np.ndarray, top: int, blocks: int) -> np.ndarray:
    """[tiles, blocks, rows] of binary16 codes [n, groups], of `blocks` blocks each."""
    return _relatives(top)[np.ascontiguousarray(_tiled(np.repeat(halves, blocks, axis=1)))]


def product(w: Weights, x: np.ndarray, top: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    """Accumulators int64 [columns, n] of codes x int8 [columns, groups, 32] with `exponent` [columns, groups].

    A term is floor(v + 1/2), v = S mantissa 2^-shift: float64 holds v and v + 1/2 exactly, and a shift of 32
    and more leaves |v| <= 1/2, which gives 0.
    """
    factor = np.ldexp(1.0, exponent - top[:, None]).T[:, :, None]  # [groups, columns, 1]
    sums = x.sum(-1, dtype=np.int64).T[:, :, None] * factor
    columns = np.ascontiguousarray(x.transpose(1, 2, 0), np.float32)  # [groups, 32, columns]
    tiles, _, rows, _ = w.codes.shape
    total = np.empty((tiles, len(x), rows))
    work = functools.partial(_tiles, w, columns, factor, sums, total)
    if THREADS > 1 and tiles > 1 and w.codes.size * len(x) >= LEAST_FOR_THREADS:
        list(_pool().map(work, [0, tiles // 2], [tiles // 2, tiles]))
    else:
        work(0, tiles)
    return total.transpose(1, 0, 2).reshape(len(x), -1)[:, : w.n].astype(np.int64)


def _tiles(
    w: Weights, x: np.ndarray, factor: np.ndarray, sums: np.ndarray, total: np.ndarray, first: int, end: int
) -> None:
    """Accumulators of the tiles from `first` to `end`, some at a time."""
    step = max(1, CHUNK_BYTES // (total[0].nbytes * len(x)))
    for start in range(first, end, step):
        part = slice(start, min(start + step, end))
        terms = w.scale[part, :, None] * factor  # [tiles, groups, columns, rows]
        terms *= np.matmul(w.codes[part], x).swapaxes(-1, -2)
        total[part] = _summed(terms)
        if w.minimum is not None:
            np.multiply(w.minimum[part, :, None], sums, out=terms)
            total[part] += _summed(terms)


def _summed(terms: np.ndarray) -> np.ndarray:
    """The sum over groups of floor(term + 1/2)."""
    terms += 0.5
    np.floor(terms, out=terms)
    return np.asarray(terms.sum(axis=1))


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS)
