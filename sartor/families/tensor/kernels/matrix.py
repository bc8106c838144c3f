"""Accumulators of a matrix times activations, and their binary32 (golden_matrix.py)."""

from __future__ import annotations

import math

import numpy as np

from ..core import GROUP
from .compiled import compiled
from .numbers import fixed

_LEAST_SHIFT = 64  # 2^-64 and less give terms of 0 alike


@compiled
def accumulate(codes, scale, minimum, own, parts, x, exponents, top, dots, total):
    """`total` [sequences, columns, rows] of weights [tiles, groups, size or 1, rows], `parts` groups for each of x
    [sequences, columns, groups, 32], whose exponents are at most `top`. With `own` a tile is a sequence.

    All binary64 is exact. `dots` [rows] of one group are int32 or int64, as their bits need."""
    rows = dots.size
    total[:] = 0
    for tile in range(len(codes)):
        first, last = (tile, tile + 1) if own else (0, len(x))
        at = 0 if own else tile * rows
        for g in range(x.shape[2]):
            for s in range(first, last):
                for c in range(x.shape[1]):
                    unit = math.ldexp(1.0, -min(top[s, c] - exponents[s, c, g], _LEAST_SHIFT))
                    sums = total[s, c, at : at + rows]
                    for part in range(g * parts, g * parts + parts):
                        _dots(codes[tile, part], x[s, c, g], part * codes.shape[2] % GROUP, dots)
                        _terms(dots, unit, scale[tile, part, 0], sums)
                    if g < minimum.shape[1]:
                        dots[:] = _sum(x[s, c, g])
                        _terms(dots, unit, minimum[tile, g, 0], sums)


@compiled
def _dots(codes, x, first, dots):
    """Of codes [size, rows] with x from `first`; four at once, so that they are read and written less often."""
    dots[:] = 0
    for k in range(0, len(codes), 4):
        a, b, c, d = x[first + k], x[first + k + 1], x[first + k + 2], x[first + k + 3]
        w, v, u, t = codes[k], codes[k + 1], codes[k + 2], codes[k + 3]
        for r in range(dots.size):
            dots[r] += a * w[r] + b * v[r] + c * u[r] + d * t[r]


@compiled
def _terms(dots, unit, scale, sums):
    for r in range(dots.size):
        sums[r] += np.floor(dots[r] * (unit * scale[r]) + 0.5)


@compiled
def _sum(x):
    total = 0
    for each in x:
        total += each
    return total


@compiled
def rounded(total, top, unit, y):
    """y [sequences, columns, n]: binary32 of accumulators [sequences, columns, n or more], which count
    2^(top + unit)."""
    for s in range(y.shape[0]):
        for c in range(y.shape[1]):
            each = math.ldexp(1.0, top[s, c] + unit)
            for r in range(y.shape[2]):
                y[s, c, r] = fixed(total[s, c, r], each)
