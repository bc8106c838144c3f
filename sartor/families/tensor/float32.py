"""binary32 as the vector unit does it: round to nearest even, no subnormals, no infinities, no negative zero.

Part of the numeric contract (docs/numerics.md, section 2). Every function takes and gives float32 arrays of
canonical numbers: zero is +0, all else is normal and finite.
"""

from __future__ import annotations

from typing import Any

import numpy as np

LEAST = np.float32(2.0**-126)
MOST = np.finfo(np.float32).max


def canonical(x: Any) -> np.ndarray:
    """Subnormals and -0 become +0, infinities the largest finite number."""
    with np.errstate(over="ignore", under="ignore"):
        y = np.asarray(x).astype(np.float32)
    return np.where(np.abs(y) < LEAST, np.float32(0), np.clip(y, -MOST, MOST))


def add(a: Any, b: Any) -> np.ndarray:
    """a + b. A tiny sum is exact, so that flushing it after rounding is flushing it before."""
    with np.errstate(over="ignore", under="ignore"):
        return canonical(np.add(a, b, dtype=np.float32))


def multiply(a: Any, b: Any) -> np.ndarray:
    """a b. A product below 2^-126 before rounding is 0; in binary64 it is exact."""
    return _rounded(np.multiply(a, b, dtype=np.float64))


def from_fixed(value: Any, exponent: Any) -> np.ndarray:
    """value 2^exponent, value an int64 of at most 40 bits: one rounding. What is below 2^-126 before rounding is 0.

    >>> from_fixed(2**30 - 1, -156), float(from_fixed(2**30, -156)) == 2.0**-126
    (array(0., dtype=float32), True)
    """
    return _rounded(np.ldexp(np.asarray(value, np.float64), exponent))


def _rounded(exact: np.ndarray) -> np.ndarray:
    """binary32 of binary64."""
    return np.where(np.abs(exact) < LEAST, np.float32(0), canonical(exact))


def bits(x: Any) -> np.ndarray:
    """The encoding as uint32."""
    return np.ascontiguousarray(x, np.float32).view(np.uint32)


def from_bits(x: Any) -> np.ndarray:
    return np.ascontiguousarray(x, np.uint32).view(np.float32)
