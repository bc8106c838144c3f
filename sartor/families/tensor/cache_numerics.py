"""The numeric contract of the cache: scales and codes of keys and values (docs/numerics.md)."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import float32
from .core import GROUP
from .numerics import EXPONENT_BIAS, biased_exponent

KEY_LOW, KEY_HIGH = 119, 138  # B of keys and values: the scale is a normal binary16 number, 2^-14 to 2^5
CACHE_EXPONENT = {8: 20, 4: 24}  # the largest binary16 exponent field of a key's scale, by bits of a code
_SIGN = 10  # bits below it
_EXPONENT = 127


def cache_scale(largest: Any, bits: int) -> np.ndarray:
    """Scale of keys or values in codes of `bits`, of their `largest` magnitude (`marked`): 4 e + m, and 1,024 where it
    is negative, for +-(1 + m/4) 2^(e - 127).

    Codes of 8 bits have powers of two. Those of 4 bits also have quarters between them and a sign, the opposite of that
    of the largest, so that its code is -8: where it rounds down -7, and where it rounds up -9, which is cut off.
    >>> from sartor.families.tensor.numerics import marked
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
