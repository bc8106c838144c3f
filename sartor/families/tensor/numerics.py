"""The integer part of the numeric contract: quantizing, block products, reductions (docs/numerics.md).

The golden model and the tests of the hardware call these; nothing else defines what the chip computes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...formats.group_scale import POWER_BIAS, half_of_e4m3
from . import float32, functions
from .core import GROUP
from .isa import Function, Reduce, Scale

EXPONENT_BIAS = 133  # a group with largest biased exponent B has the scale 2^(B - 133)
PARTIALS = 32  # running sums of a reduction
ONE_HALF_PRECISION = 0x3C00
UNIT_BIAS = 512  # of the `unit` of an instruction


def biased_exponent(x: Any) -> np.ndarray:
    """Exponent field of binary32 numbers, 0 for zero."""
    return (float32.bits(x) >> 23 & 255).astype(np.int64)


def _largest_exponent(x: np.ndarray) -> np.ndarray:
    """The biased exponent of the largest magnitude along the last axis."""
    return biased_exponent(np.maximum.reduce(np.abs(x), axis=-1))


def quantize(x: Any, exponent: Any) -> np.ndarray:
    """Codes of x with the scale 2^(exponent - 133), as int8: to nearest even, at most +-127.

    >>> quantize(np.float32([1.0, 0.51, -2.0]), 128)
    array([ 32,  16, -64], dtype=int8)
    """
    scaled = np.multiply(x, SCALES[exponent], dtype=np.float64)
    np.rint(scaled, out=scaled)
    np.minimum(scaled, 127, out=scaled)
    return np.maximum(scaled, -127, out=scaled).astype(np.int8)


SCALES = np.ldexp(1.0, EXPONENT_BIAS - np.arange(256))  # that make codes of numbers, by biased exponent


def quantize_groups(x: Any) -> tuple[np.ndarray, np.ndarray]:
    """Codes int8 [..., groups, 32] and biased exponents [..., groups] of x [..., groups * 32]."""
    x = np.asarray(x, np.float32)
    groups = x.reshape(*x.shape[:-1], -1, GROUP)
    exponent = _largest_exponent(groups)
    return quantize(groups, exponent[..., None]), exponent


def half_parts(code: Any) -> tuple[np.ndarray, np.ndarray]:
    """Signed mantissa (12 bits) and exponent field (at least 1) of binary16 codes: value = m 2^(e - 25).

    >>> half_parts(np.uint16([0x3C00, 0xB800]))
    (array([ 1024, -1024]), array([15, 14]))
    """
    code = np.asarray(code).astype(np.int64)
    field, fraction = code >> 10 & 31, code & 1023
    mantissa = np.where(field == 0, fraction, fraction + 1024)
    return np.where(code >> 15 & 1, -mantissa, mantissa), np.maximum(field, 1)


def shift_round(value: Any, shift: Any, lost: int = 0) -> np.ndarray:
    """value / 2^(shift + lost), a half rounded up; 0 from a shift of 32.

    >>> shift_round(np.array([5, -5, 6]), np.array([1, 1, 40]))
    array([ 3, -2,  0])
    """
    value, shift = np.asarray(value, np.int64), np.minimum(np.asarray(shift, np.int64), 32)
    rounded = (value + ((1 << shift + lost) >> 1)) >> shift + lost
    return np.where(shift == 32, 0, rounded)


def block_terms(
    codes: Any, x: Any, x_shift: Any, d: Any, m: Any | None, top: int, scale: Scale = Scale.SCALE, lost: int = 0
) -> np.ndarray:
    """What one block of 32 weights, or 16 of PAIR, adds to the accumulator.

    codes [..., 32] integers as the format says (signed, or unsigned with a minimum), x int8 [..., 32],
    x_shift = E - e of the group, d of `scale` and m binary16 codes, `top` the largest exponent field of the tensor,
    `lost` of the element.
    """
    x = np.asarray(x, np.int64)
    product = (np.asarray(codes, np.int64) * x).sum(-1)
    mantissa, field = parts_of(scale, d)
    term = shift_round(product * mantissa, x_shift + (top - field), lost)
    if m is None:
        return term
    mantissa, field = half_parts(m)
    return term + shift_round(x.sum(-1) * mantissa, x_shift + (top - field))


def plane_terms(codes: Any, x: Any, x_shift: Any, d: Any, m: Any, top: int) -> np.ndarray:
    """The same of 32 binary codes: the sum of the terms of their planes, and of the offset m. d [..., planes].

    >>> one = np.uint16([0x3C00, 0x4000])  # 1 and 2: code 1 is 1 - 2 of each of 32 ones, and the offset 1
    >>> int(plane_terms(np.full(32, 1), np.ones(32, np.int8), 0, one, one[0], 25))
    0
    """
    codes, d = np.asarray(codes, np.int64), np.asarray(d)
    total = shift_round(0, 0)
    for plane in range(d.shape[-1]):
        signs, offset = 2 * (codes >> plane & 1) - 1, m if plane == 0 else None
        total = total + block_terms(signs, x, x_shift, d[..., plane], offset, top)
    return total


def parts_of(scale: Scale, code: Any) -> tuple[np.ndarray, np.ndarray]:
    """Mantissa and field of scales of any kind: d = mantissa 2^(field - 25), for E8M0 less 112 in the exponent.

    >>> parts_of(Scale.POWER, [127]), parts_of(Scale.PAIR, [0x38, 0x01])
    ((array([1024]), array([127])), (array([1024, 1024]), array([15,  6])))
    """
    code = np.asarray(code).astype(np.int64)
    if scale == Scale.POWER:
        return np.full_like(code, 1024), code
    return half_parts(half_of_e4m3(code) if scale == Scale.PAIR else code)


def unit_of(scale: Scale, top: int, counted: int = 0, power: int = 0) -> int:
    """The `unit` of an instruction: an accumulator counts 2^(E + unit - UNIT_BIAS). `top` is the largest field of its
    scales; elements count 2^-counted, less what is lost of them, and the whole tensor has the scale 2^power."""
    least = 10 + POWER_BIAS if scale == Scale.POWER else 25
    return UNIT_BIAS - EXPONENT_BIAS + top - least - counted + power


def result(accumulator: Any, column_exponent: Any, unit: int) -> np.ndarray:
    """binary32 of an accumulator."""
    return float32.from_fixed(accumulator, np.asarray(column_exponent) + unit - UNIT_BIAS)


def reduce(kind: int, x: Any) -> np.ndarray:
    """A reduction of x [..., n] over its last axis, n a multiple of 32.

    SUM keeps 32 running sums, element i in sum i mod 32, each from 0 in order of i; then sums k and k + 16
    are added for all k, then k and k + 8, and so on. MAX and MAGNITUDE (of `marked` numbers) do not depend on order.
    """
    x = np.asarray(x, np.float32)
    if kind == Reduce.MAX:
        return x.max(axis=-1)
    if kind == Reduce.MAGNITUDE:
        return marked(x).max(axis=-1)
    rows = x.reshape(*x.shape[:-1], -1, PARTIALS)
    total = np.zeros((*rows.shape[:-2], PARTIALS), np.float32)
    for i in range(rows.shape[-2]):
        total = float32.add(total, rows[..., i, :])
    while total.shape[-1] > 1:
        half = total.shape[-1] // 2
        total = float32.add(total[..., :half], total[..., half:])
    return total[..., 0]


def function(kind: int, x: Any) -> np.ndarray:
    """One of the vector unit's functions."""
    return _FUNCTIONS[kind](x) if kind else np.asarray(x, np.float32)


_FUNCTIONS: dict[int, Callable[[Any], np.ndarray]] = {
    Function.EXP2: functions.exp2, Function.RECIPROCAL: functions.reciprocal, Function.RSQRT: functions.rsqrt,
}  # fmt: skip


def marked(x: Any) -> np.ndarray:
    """|x| with the sign of x in the lowest bit of its fraction: what MAGNITUDE takes the largest of."""
    code = float32.bits(x)
    return float32.from_bits(code & 0x7FFFFFFE | code >> 31)
