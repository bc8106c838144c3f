"""Blocks of 32 weights as GGUF stores them. Source: ggml-org/ggml, ggml-quants.h: Q4_0, Q4_1, Q8_0."""

from __future__ import annotations

import numpy as np

from ..errors import Unsupported
from .blocks import Blocks
from .hardware import BLOCK

_BYTES = {"Q4_0": 18, "Q4_1": 20, "Q8_0": 34}  # of a block: d, then m in Q4_1, then codes


def unpack(kind: str, raw: np.ndarray, n: int, k: int) -> Blocks:
    """The matrix [n, k] that GGUF stores as `kind` in the bytes `raw`."""
    if kind not in _BYTES:
        raise Unsupported(f"weights of type {kind} have no decoder in hardware (try Q4_0, Q4_1 or Q8_0)")
    blocks = raw.reshape(n, k // BLOCK, _BYTES[kind])
    scale = np.ascontiguousarray(blocks[..., :2]).view(np.uint16)[..., 0]
    if kind == "Q8_0":
        return Blocks(8, blocks[..., 2:].view(np.int8).reshape(n, k), scale)
    if kind == "Q4_0":
        return Blocks(4, _nibbles(blocks[..., 2:]).reshape(n, k), scale)
    minimum = np.ascontiguousarray(blocks[..., 2:4]).view(np.uint16)[..., 0]
    return Blocks(4, _nibbles(blocks[..., 4:]).reshape(n, k), scale, minimum)


def _nibbles(packed: np.ndarray) -> np.ndarray:
    """[..., 16] bytes to [..., 32] codes: byte j holds code j and code 16 + j."""
    return np.concatenate([packed & 15, packed >> 4], axis=-1)
