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


def canonical(x: Any) -> np.ndarray:
    """Subnormals and -0 become +0, infinities the largest finite number."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        return _flushed(np.array(x, np.float32))


def _flushed(x: Any) -> np.ndarray:
    """`x` made canonical in place; called where overflow is no error."""
    x = np.asarray(x)  # a scalar becomes an array to write to
    np.minimum(x, MOST, out=x)
    np.maximum(x, -MOST, out=x)
    np.copyto(x, _ZERO, where=np.abs(x) < LEAST)
    return x


def add(a: Any, b: Any) -> np.ndarray:
    """a + b. A tiny sum is exact, so that flushing it after rounding is flushing it before."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        return _flushed(np.add(a, b, dtype=np.float32))


def multiply(a: Any, b: Any) -> np.ndarray:
    """a b. A product below 2^-126 before rounding is 0."""
    a, b = np.asarray(a, np.float32), np.asarray(b, np.float32)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        product = _flushed(np.multiply(a, b))
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
    rounded = np.ldexp(value.astype(np.float32).astype(np.float64), exponent)
    tiny = np.abs(np.ldexp(value.astype(np.float64), exponent)) < float(LEAST)  # exact: 40 bits
    return np.where(tiny, np.float32(0), canonical(rounded))


def bits(x: Any) -> np.ndarray:
    """The encoding as uint32."""
    return np.ascontiguousarray(x, np.float32).view(np.uint32)


def from_bits(x: Any) -> np.ndarray:
    return np.ascontiguousarray(x, np.uint32).view(np.float32)
