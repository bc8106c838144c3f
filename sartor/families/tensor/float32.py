"""binary32 as the vector unit does it: round to nearest even, no subnormals, no infinities, no negative zero.

Part of the numeric contract (docs/numerics.md, section 2). Every function takes and gives float32 arrays of
canonical numbers: zero is +0, all else is normal and finite.
"""

from __future__ import annotations

from typing import Any

import numpy as np

LEAST = np.float32(2.0**-126)
MOST = np.finfo(np.float32).max
_ZERO = np.float32(0)
_NO_SIGN, _NOT_PLAIN = np.uint32(0x7FFFFFFF), np.uint32(0x00800001)
_EXACT = 87  # 40 bits and such an exponent: finite, and not tiny
_PLAIN = np.uint32(0x7F7FFFFF - 0x00800001)  # of what is_plain subtracts, the largest


def quiet() -> np.errstate:
    """Where overflow is no error: around `added` and `multiplied`, however many."""
    return np.errstate(over="ignore", under="ignore", invalid="ignore")


def canonical(x: Any) -> np.ndarray:
    """Subnormals and -0 become +0, infinities the largest finite number."""
    with quiet():
        return _flushed(np.array(x, np.float32))


def is_plain(x: np.ndarray) -> bool:
    """All of `x` are finite and larger than 2^-126: canonical, and no product that was rounded up to it. Most arrays
    are, and to see it takes less time than to make them so.

    >>> is_plain(np.float32([1, -2])), is_plain(np.float32([1, 0])), is_plain(np.float32([np.inf]))
    (True, False, False)
    """
    size = x.view(np.uint32) & _NO_SIGN
    size -= _NOT_PLAIN  # what is smaller wraps to the largest numbers
    return bool(np.maximum.reduce(size, axis=None, initial=0) <= _PLAIN)


def _flushed(x: Any) -> np.ndarray:
    """`x` made canonical in place; called where overflow is no error."""
    x = np.asarray(x)  # a scalar becomes an array to write to
    if is_plain(x):
        return x
    np.minimum(x, MOST, out=x)
    np.maximum(x, -MOST, out=x)
    np.copyto(x, _ZERO, where=np.abs(x) < LEAST)
    return x


def add(a: Any, b: Any) -> np.ndarray:
    """a + b. A tiny sum is exact, so that flushing it after rounding is flushing it before."""
    with quiet():
        return added(a, b)


def added(a: Any, b: Any) -> np.ndarray:
    """add, called where overflow is no error."""
    return _flushed(np.add(a, b, dtype=np.float32))


def multiply(a: Any, b: Any) -> np.ndarray:
    """a b. A product below 2^-126 before rounding is 0."""
    with quiet():
        return multiplied(a, b)


def multiplied(a: Any, b: Any) -> np.ndarray:
    """multiply, called where overflow is no error."""
    product = np.asarray(np.multiply(a, b, dtype=np.float32))
    if is_plain(product):
        return product
    a, b, product = np.asarray(a, np.float32), np.asarray(b, np.float32), _flushed(product)
    edge = np.abs(product) == LEAST
    if edge.any():  # rounded up to the least normal number, or that number itself
        tiny = np.abs(a.astype(np.float64) * b.astype(np.float64)) < float(LEAST)
        product = np.where(edge & tiny, np.float32(0), product)
    return product


def from_fixed(value: Any, exponent: Any) -> np.ndarray:
    """value 2^exponent, value an int64 of at most 40 bits: one rounding, then an exact shift. What is below 2^-126
    before rounding is 0.

    >>> from_fixed(2**30 - 1, -156), float(from_fixed(2**30, -156)) == 2.0**-126
    (array(0., dtype=float32), True)
    """
    value = np.asarray(value, np.int64)
    if np.all(np.abs(exponent) < _EXACT):  # of any number but 0: no result is below 2^-126, or too large
        return np.asarray(value.astype(np.float32) * np.ldexp(np.float32(1), exponent))
    rounded = np.ldexp(value.astype(np.float32).astype(np.float64), exponent)
    tiny = np.abs(np.ldexp(value.astype(np.float64), exponent)) < float(LEAST)  # exact: 40 bits
    return np.where(tiny, np.float32(0), canonical(rounded))


def bits(x: Any) -> np.ndarray:
    """The encoding as uint32."""
    return np.ascontiguousarray(x, np.float32).view(np.uint32)


def from_bits(x: Any) -> np.ndarray:
    return np.ascontiguousarray(x, np.uint32).view(np.float32)
