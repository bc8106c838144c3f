"""The search for binary codes (bcq.py) as machine code: numba compiles its loops where they are first run.

Of a group, x ascends, so that the numbers that are nearest to one level are neighbors: how many, and their sum, come
from where they end. Sums over codes of products of signs, which least squares need, are a Walsh-Hadamard transform.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

MOST = 16  # levels: 4 planes


def compiled(loop: Callable[..., Any]) -> Any:
    """`loop`, compiled at its first call, kept where a folder of the user's is writable."""
    try:
        return numba.njit(cache=True, nogil=True)(loop)
    except RuntimeError:
        return numba.njit(nogil=True)(loop)


@compiled
def ordered(value, order, levels):
    """Sorts the `levels` in `order` by their `value`: nearly in order since the round before. Whether any moved."""
    moved = False
    for k in range(1, levels):
        c, at = order[k], k
        while at > 0 and value[order[at - 1]] > value[c]:
            order[at] = order[at - 1]
            at, moved = at - 1, True
        order[at] = c
    return moved


@compiled
def parted(row, value, order, ends, levels):
    """`ends` [levels]: how many numbers of the ascending `row` are nearest to the levels up to each; looked for where
    they were. Whether any moved."""
    size, moved = len(row), ends[levels - 1] != len(row)
    ends[levels - 1] = size
    for k in range(levels - 1):
        end, middle = ends[k], (value[order[k]] + value[order[k + 1]]) / 2
        while end < size and row[end] <= middle:
            end += 1
        while end > 0 and row[end - 1] > middle:
            end -= 1
        moved |= end != ends[k]
        ends[k] = end
    return moved


@compiled
def transformed(values, planes):
    """Sums over codes become sums over codes times products of their signs, in place."""
    for i in range(planes):
        for c in range(1 << planes):
            if not c >> i & 1:
                a, b = values[c], values[c | 1 << i]
                values[c], values[c | 1 << i] = a + b, b - a


@compiled
def solved(gram, found, n):
    """`found` [n] of gram [n, n + 1], positive definite: no pivots."""
    for i in range(n):
        for j in range(i + 1, n):
            factor = gram[j, i] / gram[i, i]
            for m in range(i, n + 1):
                gram[j, m] -= factor * gram[i, m]
    for i in range(n - 1, -1, -1):
        rest = gram[i, n]
        for m in range(i + 1, n):
            rest -= gram[i, m] * found[m]
        found[i] = rest / gram[i, i]


@compiled
def fit(x, planes, rounds, share, ridge, alphas, offsets):
    """Alphas [groups, planes] and offsets [groups] of ascending float32 x [groups, size]."""
    groups, size = x.shape
    levels, sums, n = 1 << planes, np.zeros(size + 1), planes + 1
    order, value = np.empty(MOST, np.int64), np.empty(MOST)
    count, total = np.empty(MOST), np.empty(MOST)
    ends, gram, found = np.zeros(MOST, np.int64), np.empty((5, 6)), np.empty(5)
    for g in range(groups):
        row = x[g]
        for i in range(size):
            sums[i + 1] = sums[i] + row[i]
        step = (row[size - 1] - row[0]) * share / (levels - 1)
        for i in range(planes):
            found[i] = step * 2.0 ** (i - 1)
        found[planes] = (row[0] + row[size - 1]) / 2
        for c in range(levels):
            order[c] = c
        ends[:] = 0
        for _ in range(rounds):
            for c in range(levels):
                value[c] = found[planes]
                for i in range(planes):
                    value[c] += found[i] if c >> i & 1 else -found[i]
            turned = ordered(value, order, levels)
            if not (parted(row, value, order, ends, levels) or turned):
                break  # the same numbers give the same levels again
            first = 0
            for k in range(levels):
                count[order[k]], total[order[k]] = ends[k] - first, sums[ends[k]] - sums[first]
                first = ends[k]
            transformed(count, planes)
            transformed(total, planes)
            for i in range(n):
                mine = 1 << i if i < planes else 0
                for j in range(n):
                    gram[i, j] = count[mine ^ (1 << j if j < planes else 0)]
                gram[i, i] += ridge * size
                gram[i, n] = total[mine]
            solved(gram, found, n)
        for i in range(planes):
            alphas[g, i] = abs(found[i])
        offsets[g] = found[planes]


@compiled
def codes(x, alphas, offsets, out):
    """Of float32 x [groups, size] the code of the nearest level, of two equally near the lower; all in binary32."""
    groups, size = x.shape
    planes = alphas.shape[1]
    levels = 1 << planes
    order, value = np.empty(MOST, np.int64), np.empty(MOST, np.float32)
    ranks = np.empty(size, np.int32)
    for g in range(groups):
        for c in range(levels):
            sum_ = alphas[g, 0] if c & 1 else -alphas[g, 0]
            for i in range(1, planes):
                sum_ += alphas[g, i] if c >> i & 1 else -alphas[g, i]
            value[c] = sum_ + offsets[g]
            at = c
            while at > 0 and value[order[at - 1]] > value[c]:
                order[at] = order[at - 1]
                at -= 1
            order[at] = c
        row = x[g]
        ranks[:] = 0
        for k in range(levels - 1):  # all compared, several at once: faster than a search for each
            middle = (value[order[k + 1]] + value[order[k]]) / np.float32(2)
            for i in range(size):
                ranks[i] += row[i] > middle
        for i in range(size):
            out[g, i] = order[ranks[i]]
