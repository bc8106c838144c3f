"""Matrix products of the golden model: decoded weights, and the exact accumulators they give."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import numerics
from .core import GROUP, Core
from .isa import Instruction, Scale
from .layout import unpack_matrix


@dataclass(frozen=True, eq=False)
class Weights:
    """float32 [groups, n, 32] codes as signed integers; float64 [groups, n] mantissa 2^(field - top) of scale
    and minimum."""

    codes: np.ndarray
    scale: np.ndarray
    minimum: np.ndarray | None


def decoded(core: Core, raw: np.ndarray, n: int, k: int, bits: int, i: Instruction) -> Weights:
    """The weights [n, k] in the stream `raw`."""
    codes, d, m = unpack_matrix(core, raw, n, k, bits, Scale(i.scale), i.repeat)
    offset = 8 if bits == 4 and i.scale == Scale.SCALE else 0
    planes = codes.reshape(n, k // GROUP, GROUP).transpose(1, 0, 2).astype(np.float32)
    if d is None:
        d = np.full((n, k // GROUP), numerics.ONE_HALF_PRECISION, np.uint16)
    scale = _relative(d, i.exponent)
    minimum = None if m is None else _relative(m, i.exponent)
    return Weights(np.ascontiguousarray(planes - np.float32(offset)), scale, minimum)


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
