"""Binary codes with an offset: w = z + sum of alpha_i b_i over q planes, b_i = -1 or 1; alphas and z in binary16.

Bit i of a code is b_i = 1. Start: alpha_i = s 2^(i - 1), equal steps s over most of the span of the group, and z its
middle. Then ROUNDS times: to each weight the nearest of the 2^q levels (the lower of two equally near), then alphas and
z by least squares. The alphas are made positive and binary16, and the codes once more nearest. The start matters: from
the means of what is left plane by plane (the usual one) four planes end at 1.19 times the error, three at 1.06 times
(normal weights, groups of 64).
Uniform INTq is the special case alpha_i = s 2^(i - 1).
Sources: Xu et al., "Alternating Multi-bit Quantization", arXiv 1802.00150; Park et al., "LUT-GEMM", arXiv 2206.09557
(the offset); Park et al., "FIGLUT", arXiv 2503.06862.
"""

from __future__ import annotations

import numpy as np

from .beside import Part, half, real
from .codec import Codec, Parts
from .element import above
from .grouped import Grouped
from .spec import NumberFormat

ROUNDS = 6
SHARE = {2: 0.85, 3: 0.85}  # of the span of a group, by planes: best on normal and heavy-tailed weights
Levels = tuple[np.ndarray, np.ndarray]  # alphas [n, groups, planes], offset [n, groups]
RIDGE = 1e-5  # of the group's size: planes that say the same are told apart by it


def made(form: NumberFormat) -> Codec:
    return Bcq(form)


class Bcq(Grouped):
    @property
    def planes(self) -> int:
        return int(self.form.element_bits)

    @property
    def stored(self) -> tuple[Part, ...]:
        return (Part("alphas", np.uint16, (self.planes,)), Part("offset", np.uint16))

    def params(self, x: np.ndarray, whole: Parts) -> Parts:
        alphas, offset = levels = uniform(x, self.planes)
        ascending = np.sort(x, axis=-1)
        sums = np.cumsum(np.concatenate([np.zeros_like(x[..., :1]), ascending], axis=-1), axis=-1)
        for _ in range(ROUNDS):
            alphas, offset = levels = least_squares(ascending, sums, levels)
        return {"alphas": half(np.abs(alphas)), "offset": half(offset)}

    def codes(self, x: np.ndarray, params: Parts) -> np.ndarray:
        return nearest(x, (real(params["alphas"]), real(params["offset"])))

    def values(self, codes: np.ndarray, params: Parts) -> np.ndarray:
        levels = all_levels(real(params["alphas"]), real(params["offset"]))
        return np.take_along_axis(levels, codes.astype(np.intp), axis=-1)


def signs(codes: np.ndarray, planes: int) -> np.ndarray:
    """float32 [..., planes]: the b of codes.

    >>> signs(np.array([0, 2], np.uint8), 2).tolist()
    [[-1.0, -1.0], [-1.0, 1.0]]
    """
    bits = (codes[..., None] >> np.arange(planes, dtype=np.uint8)) & np.uint8(1)
    return np.float32(2) * bits - np.float32(1)


def all_levels(alphas: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """float32 [..., 2^planes]: plane by plane from the lowest, the offset last."""
    b = signs(np.arange(2 ** alphas.shape[-1], dtype=np.uint8), alphas.shape[-1])
    total = alphas[..., :1] * b[:, 0]
    for i in range(1, alphas.shape[-1]):
        total = total + alphas[..., i, None] * b[:, i]
    return total + offset[..., None]


def nearest(x: np.ndarray, levels: Levels) -> np.ndarray:
    """The code of the nearest level."""
    ascending, order = _ascending(levels)
    rank = above(x, (ascending[..., 1:] + ascending[..., :-1]) / np.float32(2))
    return np.take_along_axis(order, rank.astype(np.intp), axis=-1)


def _ascending(levels: Levels) -> tuple[np.ndarray, np.ndarray]:
    """The levels in their order, and their codes."""
    numbers = all_levels(*levels)
    order = np.argsort(numbers, axis=-1, kind="stable")
    return np.take_along_axis(numbers, order, axis=-1), order.astype(np.uint8)


def uniform(x: np.ndarray, planes: int) -> Levels:
    """Alphas and offset to start with: equal steps over most of what there is."""
    low, high = x.min(-1), x.max(-1)
    step = (high - low) * np.float32(SHARE.get(planes, 1.0) / (2**planes - 1))
    alphas = [step * np.float32(2.0 ** (i - 1)) for i in range(planes)]
    return np.stack(alphas, axis=-1), (low + high) / np.float32(2)


def least_squares(x: np.ndarray, sums: np.ndarray, levels: Levels) -> Levels:
    """Alphas and offset that fit x best, given which level is nearest to each. x ascends, so that those of a level are
    neighbors: `sums` [n, groups, size + 1] of the first i numbers, and how many are below each middle, say all."""
    planes = levels[0].shape[-1]
    ascending, order = _ascending(levels)
    middles = (ascending[..., 1:] + ascending[..., :-1]) / np.float32(2)
    ends = [(x <= middles[..., i, None]).sum(-1, dtype=np.int16) for i in range(middles.shape[-1])]
    first, last = np.zeros_like(ends[0]), np.full_like(ends[0], x.shape[-1])
    edges = np.stack([first, *ends, last], axis=-1)
    count = np.diff(edges, axis=-1).astype(np.float32)
    total = np.diff(np.take_along_axis(sums, edges.astype(np.intp), axis=-1), axis=-1)
    b = np.concatenate([signs(order, planes), np.ones((*order.shape, 1), np.float32)], axis=-1)
    gram = [[(count * b[..., i] * b[..., j]).sum(-1) for j in range(planes + 1)] for i in range(planes + 1)]
    right = [(total * b[..., i]).sum(-1) for i in range(planes + 1)]
    for i in range(planes + 1):
        gram[i][i] += np.float32(RIDGE * x.shape[-1])
    *alphas, offset = solved(gram, right)
    return np.stack(alphas, axis=-1), offset


def solved(matrix: list[list[np.ndarray]], right: list[np.ndarray]) -> list[np.ndarray]:
    """Positive definite systems, all groups at once: elimination without pivots."""
    size = len(right)
    for i in range(size):
        for j in range(i + 1, size):
            factor = matrix[j][i] / matrix[i][i]
            for m in range(i, size):
                matrix[j][m] = matrix[j][m] - factor * matrix[i][m]
            right[j] = right[j] - factor * right[i]
    found: list[np.ndarray] = []
    for i in reversed(range(size)):
        rest = sum((matrix[i][m] * found[size - 1 - m] for m in range(i + 1, size)), np.float32(0))
        found.append((right[i] - rest) / matrix[i][i])
    return found[::-1]
