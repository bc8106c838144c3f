"""Weights as they are stored: integer codes in blocks of 32 along a row, with binary16 scales and minima.

The one place where a weight format meets the hardware: a format that unpacks to `Blocks` runs on the chip.
Sources: GGUF (ggml-org/ggml, ggml-quants.h): Q4_0, Q4_1, Q8_0, F16, F32.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import Unsupported

BLOCK = 32


@dataclass(frozen=True, eq=False)
class Blocks:
    """A matrix [n, k]: w = d q + m. `codes` [n, k] as stored: 4 bits unsigned (without minimum offset by 8),
    8 bits two's complement; `scale`, `minimum` [n, k / 32] binary16 encodings."""

    bits: int
    codes: np.ndarray
    scale: np.ndarray
    minimum: np.ndarray | None = None

    @property
    def n(self) -> int:
        return int(self.codes.shape[0])

    @property
    def k(self) -> int:
        return int(self.codes.shape[1])

    @property
    def format(self) -> str:
        """What the hardware's decoder is told, in words."""
        return f"{self.bits}-bit codes with {'a scale' if self.minimum is None else 'scale and minimum'}"

    @property
    def integers(self) -> np.ndarray:
        """The integers q that the scale multiplies, int16 [n, k]."""
        offset = 8 if self.bits == 4 and self.minimum is None else 0
        return self.codes.astype(np.int16) - np.int16(offset)

    def dequantized(self) -> np.ndarray:
        """float32 [n, k]: d q is exact in binary32, d q + m is rounded once."""
        shape = self.n, -1, BLOCK
        w = self.integers.reshape(shape) * _halves(self.scale)[..., None]
        if self.minimum is not None:
            w = w + _halves(self.minimum)[..., None]
        return np.asarray(w, np.float32).reshape(self.n, self.k)

    def rows(self, keep: Any) -> Blocks:
        """The rows `keep`."""
        minimum = None if self.minimum is None else self.minimum[keep]
        return Blocks(self.bits, self.codes[keep], self.scale[keep], minimum)


def stacked(*parts: Blocks) -> Blocks:
    """Rows of several matrices of one format, below each other."""
    if len(formats := sorted({p.format for p in parts})) > 1:
        raise Unsupported(f"weights that are read as one matrix have {' and '.join(formats)}")
    minimum = None
    if parts[0].minimum is not None:
        minimum = np.concatenate([p.minimum for p in parts])  # type: ignore[misc]
    codes = np.concatenate([p.codes for p in parts])
    return Blocks(parts[0].bits, codes, np.concatenate([p.scale for p in parts]), minimum)


def _halves(code: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(code).view(np.float16).astype(np.float32)


def _nibbles(packed: np.ndarray) -> np.ndarray:
    """[..., 16] bytes to [..., 32] codes: byte j holds code j and code 16 + j."""
    return np.concatenate([packed & 15, packed >> 4], axis=-1)


def unpack(kind: str, raw: np.ndarray, n: int, k: int) -> Blocks:
    """The matrix [n, k] that GGUF stores as `kind` in the bytes `raw`."""
    size = {"Q4_0": 18, "Q4_1": 20, "Q8_0": 34}.get(kind)
    if size is None:
        raise Unsupported(f"weights of type {kind} have no decoder in hardware (try Q4_0, Q4_1 or Q8_0)")
    blocks = raw.reshape(n, k // BLOCK, size)
    scale = np.ascontiguousarray(blocks[..., :2]).view(np.uint16)[..., 0]
    if kind == "Q8_0":
        return Blocks(8, blocks[..., 2:].view(np.int8).reshape(n, k), scale)
    if kind == "Q4_0":
        return Blocks(4, _nibbles(blocks[..., 2:]).reshape(n, k), scale)
    minimum = np.ascontiguousarray(blocks[..., 2:4]).view(np.uint16)[..., 0]
    return Blocks(4, _nibbles(blocks[..., 4:]).reshape(n, k), scale, minimum)


def grouped(w: np.ndarray, bits: int) -> Blocks:
    """float32 [n, k] in symmetric groups of 32, `bits` 4 or 8: d = max |w| / (2^(bits-1) - 1) as binary16."""
    groups = np.asarray(w, np.float32).reshape(w.shape[0], -1, BLOCK)
    most = (1 << bits - 1) - 1
    d = (np.abs(groups).max(-1) / most).astype(np.float16)
    inverse = np.where(d > 0, 1 / np.maximum(d.astype(np.float32), 1e-30), 0)
    q = np.clip(np.rint(groups * inverse[..., None]), -most, most).reshape(w.shape)
    codes = (q + 8).astype(np.uint8) if bits == 4 else q.astype(np.int8)
    return Blocks(bits, codes, d.view(np.uint16))
