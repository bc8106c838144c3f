"""Matrices of E2M1 with scales of a byte, which two layouts share: the even one of two neighbors is the low nibble."""

from __future__ import annotations

import numpy as np

from .. import stream
from ..codec import Encoded, codec
from .tensors import Tensors


def nvfp4(tensors: Tensors, codes: str, t: np.ndarray, shape: tuple[int, int]) -> Encoded:
    """`t`: what the tensor was multiplied by."""
    n, k = shape
    scale = tensors.array("weight_scale", ("F8_E4M3",), (n, k // 16))
    parts = {"codes": nibbles(tensors, codes, shape), "scale": scale, "tensor": np.asarray(t, np.float32).reshape(())}
    return Encoded(codec("nvfp4"), n, k, parts)


def nibbles(tensors: Tensors, name: str, shape: tuple[int, int]) -> np.ndarray:
    n, k = shape
    raw = tensors.array(name, ("U8",), (n, k // 2))
    return stream.unpack(np.ascontiguousarray(raw).reshape(-1), 4, n * k, np.dtype(np.uint8)).reshape(n, k)
