"""MM of the golden model: decoded weights, exact accumulators, and their binary32.

Block products are float32 matrix products (exact below 2^24), scaling is float64 (exact below 2^53).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import numerics
from .core import GROUP
from .golden_state import State
from .isa import Instruction, Scale
from .layout import Shape, unpack_matrix


@dataclass(frozen=True, eq=False)
class Weights:
    """float32 [groups, n, 32] codes as signed integers; float64 [groups, n] mantissa 2^(field - top) of scale
    and minimum."""

    codes: np.ndarray
    scale: np.ndarray
    minimum: np.ndarray | None


Kept = dict[tuple[int, int], Weights]


def run(s: State, i: Instruction, kept: Kept) -> None:
    """One matrix; `kept`: decoded weights by the byte where they lie."""
    n = s.count(i.tiles, i.tiles_dynamic) * s.core.rows
    k = s.count(i.folds, i.folds_dynamic) * s.core.lanes
    weights = _weights(s, i, n, k, kept)
    columns = 1 if i.argmax else i.columns
    x, exponent = _activations(s, columns, k // GROUP)
    y = numerics.result(product(weights, x, s.top[:columns], exponent), s.top[:columns, None], i.exponent)
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
    shape = Shape(s.core, n, k, 8 if i.code8 else 4, Scale(i.scale), i.repeat)
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
    codes, d, m = unpack_matrix(shape.core, raw, shape.n, shape.k, shape.bits, shape.scale, shape.repeat)
    offset = np.float32(8 if shape.bits == 4 and shape.scale == Scale.SCALE else 0)
    planes = codes.reshape(shape.n, -1, GROUP).transpose(1, 0, 2).astype(np.float32)
    if d is None:
        d = np.full((shape.n, shape.k // GROUP), numerics.ONE_HALF_PRECISION, np.uint16)
    minimum = None if m is None else _relative(m, top)
    return Weights(np.ascontiguousarray(planes - offset), _relative(d, top), minimum)


def _relative(halves: np.ndarray, top: int) -> np.ndarray:
    mantissa, field = numerics.half_parts(halves)
    return np.ascontiguousarray(np.ldexp(mantissa.astype(np.float64), field - top).T)


def product(w: Weights, x: np.ndarray, top: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    """Accumulators int64 [columns, n] of codes x int8 [columns, groups, 32] with `exponent` [columns, groups].

    A term is floor(v + 1/2), v = S mantissa 2^-shift: float64 holds v and v + 1/2 exactly, and a shift of 32
    and more leaves |v| <= 1/2, which gives 0.
    """
    dots = np.matmul(w.codes, x.transpose(1, 2, 0).astype(np.float32))  # [groups, n, columns]
    factor = np.ldexp(1.0, exponent - top[:, None])  # [columns, groups]
    sums = x.sum(-1, dtype=np.int64) * factor
    total = np.zeros((len(x), w.codes.shape[1]))
    term = np.empty(w.codes.shape[1])
    for c in range(len(x)):
        for g in range(len(dots)):
            np.multiply(dots[g, :, c], w.scale[g], out=term)
            _accumulate(total[c], term, factor[c, g])
            if w.minimum is not None:
                np.copyto(term, w.minimum[g])
                _accumulate(total[c], term, sums[c, g])
    return total.astype(np.int64)


def _accumulate(total: np.ndarray, term: np.ndarray, factor: float) -> None:
    """total += floor(term factor + 1/2)."""
    term *= factor
    term += 0.5
    np.floor(term, out=term)
    total += term
