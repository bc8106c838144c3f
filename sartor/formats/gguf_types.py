"""Matrices of a GGUF file, by ggml's name of their type: the format of formats.csv that holds them exactly."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..errors import BrokenFile, Unsupported
from .codec import Encoded, codec
from .floats import DTYPES, Floats

_NIBBLE = np.uint8(15)
_SUPER = 64  # weights of a superblock of NVFP4
_AS_THEY_ARE = {name.upper(): name for name in ("q4_0", "q4_1", "q5_0", "q8_0", "q4_k", "q6_k")}


def read(kind: str, raw: np.ndarray, n: int, k: int) -> Encoded | Floats:
    """The matrix [n, k] that GGUF stores as `kind` in the bytes `raw`."""
    if kind in DTYPES:
        return Floats(kind, _sized(kind, raw, n, k * DTYPES[kind].itemsize).view(DTYPES[kind]))
    if kind in _AS_THEY_ARE:
        return codec(_AS_THEY_ARE[kind]).unpack(raw, n, k)
    if kind not in _REPACKED:
        known = ", ".join([*DTYPES, *_AS_THEY_ARE, *_REPACKED])
        raise Unsupported(f"weights of type {kind} are not read (known: {known})")
    return _REPACKED[kind](raw, n, k)


def _mxfp4(raw: np.ndarray, n: int, k: int) -> Encoded:
    """A byte E8M0, then 16 bytes: byte j holds codes j and 16 + j."""
    blocks = _sized("MXFP4", raw, n, k // 32 * 17).reshape(n, -1, 17)
    return Encoded(codec("mxfp4"), n, k, {"codes": _nibbles(blocks[..., 1:], n, k), "scale": blocks[..., 0].copy()})


def _nvfp4(raw: np.ndarray, n: int, k: int) -> Encoded:
    """Four bytes E4M3, then 8 bytes for each 16 weights: byte j holds codes j and 8 + j. A scale of NaN counts as 0."""
    blocks = _sized("NVFP4", raw, n, k // _SUPER * 36).reshape(n, -1, 36)
    scale = blocks[..., :4].reshape(n, -1) & np.uint8(0x7F)
    codes = _nibbles(blocks[..., 4:].reshape(n, -1, 4, 8), n, k)
    parts = {"codes": codes, "scale": np.where(scale == 0x7F, np.uint8(0), scale), "tensor": np.ones((), np.float32)}
    return Encoded(codec("nvfp4"), n, k, parts)


_REPACKED: dict[str, Callable[[np.ndarray, int, int], Encoded]] = {"MXFP4": _mxfp4, "NVFP4": _nvfp4}


def _nibbles(packed: np.ndarray, n: int, k: int) -> np.ndarray:
    """Lower halves of the bytes of a block, then upper ones."""
    return np.concatenate([packed & _NIBBLE, packed >> 4], axis=-1).reshape(n, k)


def _sized(kind: str, raw: np.ndarray, n: int, row_bytes: int) -> np.ndarray:
    if raw.size != n * row_bytes or not row_bytes:
        raise BrokenFile(f"{raw.size} bytes are not {n} rows of {row_bytes} bytes of {kind}")
    return np.ascontiguousarray(raw).reshape(n, row_bytes)
