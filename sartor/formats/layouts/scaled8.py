"""Matrices of FP8 with real scales, which three layouts share."""

from __future__ import annotations

import numpy as np

from ..codec import Encoded, codec
from ..element import E4M3, E5M2
from ..floats import Floats
from .tensors import Tensors, exact_halves

KINDS = {"F8_E4M3": ("fp8-e4m3", E4M3), "F8_E5M2": ("fp8-e5m2", E5M2)}
SIDE = 128  # rows and columns of a block


def eights(tensors: Tensors, codes: str, scale: str, shape: tuple[int, int]) -> Encoded | Floats:
    """The scale is one number, one a row, or one a block of 128 x 128; w = scale x element."""
    n, k = shape
    q = tensors.array(codes, tuple(KINDS), shape)
    blocks = (-(-n // SIDE), -(-k // SIDE))
    d = tensors.real(scale, (n, 1), (n,), (), (1,), (1, 1), blocks)
    name, element = KINDS[tensors[codes].kind]
    if d.size == 1:
        return Encoded(codec(f"{name}-tensor"), n, k, {"codes": q, "scale": d.reshape(())})
    if d.shape == blocks and d.shape != (n, 1):
        return Encoded(codec(f"{name}-b128"), n, k, {"codes": q, "scale": d})
    d = d.reshape(n, 1)
    if (halves := exact_halves(d)) is not None:
        return Encoded(codec(name), n, k, {"codes": q, "scale": halves})
    return Floats("F32", np.asarray(element.numbers(q) * d, np.float32))
