"""One number of binary32 at a time: sums, products, functions, codes (float32.py, functions.py, numerics.py)."""

from __future__ import annotations

import math

import numpy as np

from .. import float32, functions
from ..isa import Function
from .compiled import compiled

LEAST, MOST, ZERO = np.float64(float32.LEAST), float32.MOST, np.float32(0)
_EXP2, _RECIPROCAL, _RSQRT = (functions.arrays(name) for name in ("exp2", "reciprocal", "rsqrt"))
_EXP2_KIND, _RECIPROCAL_KIND, _RSQRT_KIND = int(Function.EXP2), int(Function.RECIPROCAL), int(Function.RSQRT)


@compiled
def canonical(x):
    if abs(x) < LEAST:
        return ZERO
    return MOST if x > MOST else -MOST if x < -MOST else x


@compiled
def plus(a, b):
    return canonical(a + b)


@compiled
def times(a, b):
    exact = np.float64(a) * np.float64(b)
    return canonical(np.float32(exact)) if abs(exact) >= LEAST else ZERO


@compiled
def fixed(value, unit):
    """`value` times `unit`, a power of two: value a whole number of at most 40 bits, both binary64."""
    if abs(value * unit) < LEAST:
        return ZERO
    return canonical(np.float32(np.float64(np.float32(value)) * unit))


@compiled
def field(x):
    """The biased exponent."""
    return np.int64(np.float32(x).view(np.uint32) >> 23 & 255)


@compiled
def marked(x):
    """|x| with its sign in the lowest bit."""
    whole = np.float32(x).view(np.uint32)
    return np.uint32(whole & np.uint32(0x7FFFFFFE) | whole >> np.uint32(31)).view(np.float32)


@compiled
def _assembled(table, index, r, exponent):
    biased = exponent + 127
    if biased <= 0:
        return ZERO
    if biased >= 255:
        return MOST
    fraction = table[0][index] + (table[1][index] * r >> functions.STEP) << 5
    return np.uint32(biased << 23 | fraction).view(np.float32)


@compiled
def exp2(x):
    x = min(max(x, np.float32(functions.EXP2_LOW - 1)), np.float32(functions.EXP2_HIGH))
    whole = np.int64(math.floor(np.float64(x) * 65536.0))
    return _assembled(_EXP2, whole >> functions.STEP & 63, whole & 1023, whole >> 16)


@compiled
def reciprocal(x):
    bits = np.int64(np.float32(x).view(np.uint32))
    if bits >> 23 & 255 == 0:
        return MOST
    y = _assembled(_RECIPROCAL, bits >> 17 & 63, bits >> 7 & 1023, 126 - (bits >> 23 & 255))
    return -y if bits >> 31 and y != 0 else y


@compiled
def rsqrt(x):
    bits = np.int64(np.float32(x).view(np.uint32))
    exponent = (bits >> 23 & 255) - 127
    if bits >> 31 or exponent == -127:
        return MOST
    odd = exponent & 1
    return _assembled(_RSQRT, 64 * odd + (bits >> 17 & 63), bits >> 7 & 1023, -(exponent - odd >> 1) - 1)


@compiled
def function(kind, x):
    if kind == _EXP2_KIND:
        return exp2(x)
    if kind == _RECIPROCAL_KIND:
        return reciprocal(x)
    return rsqrt(x) if kind == _RSQRT_KIND else x


@compiled
def code(x, scale):
    """The INT8 code of x with 1 / `scale`, which is binary64."""
    return np.int8(max(min(np.rint(np.float64(x) * scale), 127.0), -127.0))
