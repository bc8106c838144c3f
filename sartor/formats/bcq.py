"""Binary codes with an offset: w = z + sum of alpha_i b_i over q planes, b_i = -1 or 1; alphas and z in binary16.

Bit i of a code is b_i = 1. Start: alpha_i = s 2^(i - 1), equal steps s over most of the span of the group, and z its
middle. Then ROUNDS times: to each weight the nearest of the 2^q levels (the lower of two equally near), then alphas and
z by least squares. The alphas are made positive and binary16, and the codes once more nearest. The start matters: from
the means of what is left plane by plane (the usual one) four planes end at 1.19 times the error, three at 1.06 times
(normal weights, groups of 64). The search is in binary64 (bcq_search.py), the last codes in binary32.
Uniform INTq is the special case alpha_i = s 2^(i - 1).
Sources: Xu et al., "Alternating Multi-bit Quantization", arXiv 1802.00150; Park et al., "LUT-GEMM", arXiv 2206.09557
(the offset); Park et al., "FIGLUT", arXiv 2503.06862.
"""

from __future__ import annotations

import numpy as np

from .beside import Part, half, real
from .codec import Codec, Parts
from .grouped import Grouped
from .spec import NumberFormat

ROUNDS = 6
SHARE = {2: 0.85, 3: 0.85}  # of the span of a group, by planes: best on normal and heavy-tailed weights
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
        from .bcq_search import fit  # a second to import, which not everybody needs

        groups, share = x.shape[:2], SHARE.get(self.planes, 1.0)
        alphas, offset = np.empty((*groups, self.planes), np.float32), np.empty(groups, np.float32)
        given = np.sort(x, axis=-1).reshape(-1, x.shape[-1]), self.planes, ROUNDS, share, RIDGE
        fit(*given, alphas.reshape(-1, self.planes), offset.reshape(-1))
        return {"alphas": half(alphas), "offset": half(offset)}

    def codes(self, x: np.ndarray, params: Parts) -> np.ndarray:
        from .bcq_search import codes

        found = np.empty(x.shape, np.uint8)
        flat = np.ascontiguousarray(x).reshape(-1, x.shape[-1])
        scales = real(params["alphas"]).reshape(-1, self.planes), real(params["offset"]).reshape(-1)
        codes(flat, *scales, found.reshape(flat.shape))
        return found

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
