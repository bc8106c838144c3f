"""The integer part of the numeric contract: quantizing, block products, reductions (docs/numerics.md).

The golden model and the tests of the hardware call these; nothing else defines what the chip computes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...formats.decode import POWER_BIAS, half_of_e4m3
from . import float32, functions
from .core import GROUP
from .isa import Function, Reduce, Scale

EXPONENT_BIAS = 133  # a group with largest biased exponent B has the scale 2^(B - 133)
KEY_LOW, KEY_HIGH = 119, 138  # B of keys and values: the scale is a normal binary16 number, 2^-14 to 2^5
CACHE_EXPONENT = {8: 20, 4: 24}  # the largest binary16 exponent field of a key's scale, by bits of a code
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


def cache_scale(largest: Any, bits: int) -> np.ndarray:
    """Scale of keys or values in codes of `bits`, of their `largest` magnitude (`marked`): 4 e + m, and 1,024 where it
    is negative, for +-(1 + m/4) 2^(e - 127).

    Codes of 8 bits have powers of two. Those of 4 bits also have quarters between them and a sign, the opposite of that
    of the largest, so that its code is -8: where it rounds down -7, and where it rounds up -9, which is cut off.
    >>> cache_scale(np.float32([1.0, 1.9, 1e-9, 1e9]), 8).tolist(), cache_scale(marked([1.0, -1.9]), 4).tolist()
    ([484, 484, 452, 528], [1520, 500])
    """
    if bits == 8:
        return power_scale(np.clip(biased_exponent(largest), KEY_LOW, KEY_HIGH))
    code = float32.bits(largest).astype(np.int64)
    eighths = np.clip(code >> 20 & 2047, 8 * KEY_LOW, 8 * KEY_HIGH + 7)
    return np.asarray((eighths + 1 >> 1) - 12 + (1 - (code & 1) << _SIGN))


def key_scale(groups: Any, bits: int) -> np.ndarray:
    """Of keys [..., 32]; of 4 bits by what decides: the eighths of an octave, and the sign, negative where any of the
    largest is."""
    if bits == 8:
        return cache_scale(np.abs(groups).max(-1), bits)
    code = float32.bits(groups)
    return cache_scale(float32.from_bits(code & 0x7FF00000 | code >> 31).max(-1), bits)


def power_scale(exponent: Any) -> np.ndarray:
    """The scale 2^(exponent - 133), as cache_scale has it."""
    return 4 * (np.asarray(exponent) + (_EXPONENT - EXPONENT_BIAS))


def scale_value(scale: Any) -> np.ndarray:
    """binary64 of scales as cache_scale has them."""
    scale = np.asarray(scale)
    return np.ldexp((1 + (scale & 3) / 4) * (1 - 2 * (scale >> _SIGN)), (scale >> 2 & 255) - _EXPONENT)


_SIGN = 10  # bits below it
_EXPONENT = 127


def quantize_keys(x: Any, bits: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Codes int8 [..., groups, 32] and scales (cache_scale) [..., groups] of keys [..., groups * 32]."""
    groups = np.asarray(x, np.float32).reshape(*np.shape(x)[:-1], -1, GROUP)
    scale = key_scale(groups, bits)
    return _coded(groups, scale[..., None], bits), scale


def quantize_values(x: Any, largest: Any, bits: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Codes int8 [..., n] and scales (cache_scale) [...] of values, whose `largest` magnitudes (`marked`) are [...]."""
    scale = cache_scale(largest, bits)
    return _coded(x, scale[..., None], bits), scale


def coded(x: Any, scale: Any, bits: int) -> np.ndarray:
    """To nearest even, at most +-127, or -8 to 7. A quotient that is no tie is none in binary64."""
    most = (1 << bits - 1) - 1
    codes = np.asarray(np.rint(x / scale))
    return np.clip(codes, -most - (bits == 4), most, out=codes)


def _coded(x: Any, scale: np.ndarray, bits: int) -> np.ndarray:
    return coded(np.asarray(x, np.float64), scale_value(scale), bits).astype(np.int8)
