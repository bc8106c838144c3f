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
def fit(x, planes, rounds, share, ridge, alphas, offsets):
    """Alphas [groups, planes] and offsets [groups] of ascending float32 x [groups, size]."""
    groups, size = x.shape
    levels, sums = 1 << planes, np.zeros(size + 1)
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
        for r in range(rounds):
            for c in range(levels):
                value[c] = found[planes]
                for i in range(planes):
                    value[c] += found[i] if c >> i & 1 else -found[i]
            turned = False
            for k in range(1, levels):  # nearly in order since the round before
                c, at = order[k], k
                while at > 0 and value[order[at - 1]] > value[c]:
                    order[at] = order[at - 1]
                    at, turned = at - 1, True
                order[at] = c
            first, moved = 0, r == 0
            for k in range(levels):
                end = size
                if k < levels - 1:  # near where it was
                    end, middle = ends[k], (value[order[k]] + value[order[k + 1]]) / 2
                    while end < size and row[end] <= middle:
                        end += 1
                    while end > 0 and row[end - 1] > middle:
                        end -= 1
                    moved |= end != ends[k]
                    ends[k] = end
                count[order[k]], total[order[k]] = end - first, sums[end] - sums[first]
                first = end
            if not (moved or turned):
                break  # the same numbers give the same levels again
            for i in range(planes):
                for c in range(levels):
                    if not c >> i & 1:
                        a, b = count[c], count[c | 1 << i]
                        count[c], count[c | 1 << i] = a + b, b - a
                        a, b = total[c], total[c | 1 << i]
                        total[c], total[c | 1 << i] = a + b, b - a
            n = planes + 1
            for i in range(n):
                mine = 1 << i if i < planes else 0
                for j in range(n):
                    gram[i, j] = count[mine ^ (1 << j if j < planes else 0)]
                gram[i, i] += ridge * size
                gram[i, n] = total[mine]
            for i in range(n):  # positive definite: no pivots
                for j in range(i + 1, n):
                    factor = gram[j, i] / gram[i, i]
                    for m in range(i, n + 1):
                        gram[j, m] -= factor * gram[i, m]
            for i in range(n - 1, -1, -1):
                rest = gram[i, n]
                for m in range(i + 1, n):
                    rest -= gram[i, m] * found[m]
                found[i] = rest / gram[i, i]
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
