"""Binary codes with an offset: w = z + sum of alpha_i b_i over q planes, b_i = -1 or 1; alphas and z in binary16.

Bit i of a code is b_i = 1. Start: z the mean, then plane by plane b = sign of what is left (0 counts as 1) and alpha
its mean magnitude. Then ROUNDS times: given the b, alphas and z by least squares; given those, the nearest of the 2^q
levels, the lower of two equally near. The alphas are made positive and binary16, and the codes once more nearest.
Uniform INTq is the special case alpha_i = s 2^(i - 1).
Sources: Xu et al., "Alternating Multi-bit Quantization", arXiv 1802.00150; Park et al., "LUT-GEMM", arXiv 2206.09557
(the offset); Park et al., "FIGLUT", arXiv 2503.06862.
"""

from __future__ import annotations

import numpy as np

from .codec import Codec, Parts
from .element import above
from .grouped import Grouped, Part, half, real
from .spec import NumberFormat

ROUNDS = 10
RIDGE = 1e-6  # of the group's size: planes that say the same are told apart by it


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
        levels = greedy(x, self.planes)
        for _ in range(ROUNDS):
            levels = least_squares(x, nearest(x, *levels), self.planes)
        alphas, offset = levels
        return {"alphas": half(np.abs(alphas)), "offset": half(offset)}

    def codes(self, x: np.ndarray, params: Parts) -> np.ndarray:
        return nearest(x, real(params["alphas"]), real(params["offset"]))

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


def nearest(x: np.ndarray, alphas: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """The code of the nearest level."""
    levels = all_levels(alphas, offset)
    order = np.argsort(levels, axis=-1, kind="stable").astype(np.uint8)
    ascending = np.take_along_axis(levels, order.astype(np.intp), axis=-1)
    rank = above(x, (ascending[..., 1:] + ascending[..., :-1]) / np.float32(2))
    return np.take_along_axis(order, rank.astype(np.intp), axis=-1)


def greedy(x: np.ndarray, planes: int) -> tuple[np.ndarray, np.ndarray]:
    """Alphas [n, groups, planes] and offset [n, groups] to start with."""
    offset = x.mean(-1)
    left, alphas = x - offset[..., None], []
    for _ in range(planes):
        alphas.append(np.abs(left).mean(-1))
        left = left - np.where(left >= 0, alphas[-1][..., None], -alphas[-1][..., None])
    return np.stack(alphas, axis=-1), offset


def least_squares(x: np.ndarray, codes: np.ndarray, planes: int) -> tuple[np.ndarray, np.ndarray]:
    """Alphas and offset that fit x best, given the codes."""
    size = x.shape[-1]
    b = np.concatenate([signs(codes, planes), np.ones((*codes.shape, 1), np.float32)], axis=-1)
    gram = b.swapaxes(-1, -2) @ b + np.float32(RIDGE * size) * np.eye(planes + 1, dtype=np.float32)
    right = (x[..., None, :] @ b)[..., 0, :, None]
    found = np.linalg.solve(gram, right)[..., 0]
    return found[..., :-1], found[..., -1]
