"""exp2, reciprocal and reciprocal square root: 64 straight segments an octave, in integers.

Part of the numeric contract (docs/numerics.md, section 4). An ordinate has 18 fraction bits; a segment is
T[i] + (D[i] r >> 10) with r the ten bits after the index. Relative error at most 1.6e-5, 7.5e-5 and 3.1e-5.
"""

from __future__ import annotations

import functools
import itertools
from decimal import Decimal, getcontext
from typing import Any

import numpy as np

from . import float32

SEGMENTS, FRACTION, STEP = 64, 18, 10
ONE = 1 << FRACTION
EXP2_LOW, EXP2_HIGH = -126, 128  # below: 0; from: the largest number
_FRACTION_BITS, _BIAS, _INFINITE = 23, 127, 255  # of binary32; fields of 255 are no numbers
_MOST_BITS = 0x7F7FFFFF


@functools.cache
def table(name: str) -> tuple[tuple[int, int], ...]:
    """(T, D) of `exp2` [64], `reciprocal` [64], `rsqrt` [128: even exponents, then odd ones].

    >>> table("exp2")[0], table("reciprocal")[0]
    ((0, 2855), (262143, -8065))
    """
    getcontext().prec = 40
    ends = {"exp2": _exp2, "reciprocal": _reciprocal, "rsqrt": _rsqrt}[name]
    rows: list[tuple[int, int]] = []
    for odd in (0, 1) if name == "rsqrt" else (0,):
        points = [ends(1 + Decimal(i) / SEGMENTS, odd) for i in range(SEGMENTS + 1)]
        rows += [(a, b - a) for a, b in itertools.pairwise(points)]
    return tuple(rows)


def _ordinate(value: Decimal) -> int:
    """The fraction of `value` in [1, 2), a half rounded to even; 2 becomes the largest fraction."""
    return min(int((value * ONE).to_integral_value("ROUND_HALF_EVEN")), 2 * ONE - 1) - ONE


def _exp2(x: Decimal, _odd: int) -> int:
    return _ordinate(Decimal(2) ** (x - 1)) if x < 2 else ONE  # reached by no index, but by the last slope


def _reciprocal(x: Decimal, _odd: int) -> int:
    return _ordinate(2 / x)


def _rsqrt(x: Decimal, odd: int) -> int:
    return _ordinate(2 / (x * (1 + odd)).sqrt())


@functools.cache
def arrays(name: str) -> tuple[np.ndarray, np.ndarray]:
    t, d = zip(*table(name), strict=True)
    return np.array(t, np.int64), np.array(d, np.int64)


def _assembled(name: str, index: np.ndarray, r: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    """The segment's (1 + fraction 2^-18) 2^exponent; below 2^-126 it is 0, and from 2^128 on the largest number."""
    t, d = arrays(name)
    field = exponent + _BIAS
    encoding = field << _FRACTION_BITS | t[index] + (d[index] * r >> STEP) << _FRACTION_BITS - FRACTION
    encoding[field <= 0] = 0
    encoding[field >= _INFINITE] = _MOST_BITS
    return encoding.astype(np.uint32).view(np.float32)


def exp2(x: Any) -> np.ndarray:
    """2^x with x rounded down to 16 fraction bits."""
    x = np.minimum(np.maximum(np.asarray(x, np.float32), np.float32(EXP2_LOW - 1)), np.float32(EXP2_HIGH))
    fixed = np.atleast_1d(np.floor(x * np.float64(2**16)).astype(np.int64))
    return _assembled("exp2", fixed >> STEP & SEGMENTS - 1, fixed & 1023, fixed >> 16).reshape(x.shape)


def _parts(x: np.ndarray) -> tuple[np.ndarray, ...]:
    """Sign, exponent (-127 for 0), index and r of a binary32 number."""
    b = np.atleast_1d(float32.bits(x)).astype(np.int64)
    return b >> 31, (b >> 23 & 255) - 127, b >> 17 & 63, b >> 7 & 1023


def reciprocal(x: Any) -> np.ndarray:
    """1 / x; of 0 the largest number."""
    x = np.asarray(x, np.float32)
    sign, exponent, index, r = _parts(x)
    y = _assembled("reciprocal", index, r, -exponent - 1)
    y[exponent == -127] = float32.MOST
    return np.where((sign == 1) & (y != 0), -y, y).reshape(x.shape)


def rsqrt(x: Any) -> np.ndarray:
    """1 / sqrt(x); of 0 and of negative numbers the largest number."""
    x = np.asarray(x, np.float32)
    sign, exponent, index, r = _parts(x)
    odd = exponent & 1
    y = _assembled("rsqrt", odd * SEGMENTS + index, r, -(exponent - odd >> 1) - 1)
    y[(sign == 1) | (exponent == -127)] = float32.MOST
    return y.reshape(x.shape)
