"""Scales of weights times powers of two: a row of a matrix grows or shrinks, its codes stay what they are."""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from .element import E4M3
from .group_scale import Scale, scale_values

NO_POWER = 0xFF  # E8M0: not a number


def scaled(scale: Scale, codes: np.ndarray, powers: np.ndarray) -> np.ndarray:
    """Codes [n, ...] of scales, those of row i times 2^powers[i]: exact, but for what falls below the least normal
    number of their encoding, which is rounded; too large ones are refused.

    >>> scaled(Scale.POWER, np.uint8([[127]]), np.array([-2])), scaled(Scale.PAIR, np.uint8([[0x38]]), np.array([1]))
    (array([[125]], dtype=uint8), array([[64]], dtype=uint8))
    """
    each = np.asarray(powers, np.int32).reshape(-1, *[1] * (codes.ndim - 1))
    if scale == Scale.POWER:
        found = codes.astype(np.int32) + each
        _check((found < NO_POWER) | (codes == NO_POWER))
        return np.where(codes == NO_POWER, codes, np.maximum(found, 0)).astype(codes.dtype)
    values = scale_values(scale, codes)
    wanted = np.ldexp(values, each)
    if scale == Scale.PAIR:
        _check(np.abs(wanted) <= E4M3.largest)
        return E4M3.nearest(wanted)
    with np.errstate(over="ignore"):  # refused below
        halves = wanted.astype(np.float16)
    _check(np.isfinite(halves) | ~np.isfinite(values))
    return halves.view(codes.dtype)


def _check(right: np.ndarray) -> None:
    if not right.all():
        row = int(np.argwhere(~right)[0, 0])
        raise InputError(f"the scales of row {row} are too large for what they are to be multiplied by")
