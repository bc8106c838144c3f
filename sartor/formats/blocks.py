"""Weights as they are stored: integer codes, with binary16 scales and minima that neighbors of a row share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import Unsupported
from .hardware import BLOCK, Coding


@dataclass(frozen=True, eq=False)
class Blocks:
    """A matrix [n, k]: w = d q + m. `codes` [n, k] as stored: 4 bits unsigned (without minimum offset by 8),
    8 bits two's complement; `scale`, `minimum` [n, k / group, rounded up] binary16 encodings."""

    bits: int
    codes: np.ndarray
    scale: np.ndarray
    minimum: np.ndarray | None = None
    group: int = BLOCK

    @property
    def n(self) -> int:
        return int(self.codes.shape[0])

    @property
    def k(self) -> int:
        return int(self.codes.shape[1])

    @property
    def coding(self) -> Coding:
        return Coding(self.bits, self.group, self.minimum is not None)

    @property
    def integers(self) -> np.ndarray:
        """The integers q that the scale multiplies, int16 [n, k]."""
        offset = 8 if self.bits == 4 and self.minimum is None else 0
        return self.codes.astype(np.int16) - np.int16(offset)

    def dequantized(self) -> np.ndarray:
        """float32 [n, k]: d q is exact in binary32, d q + m is rounded once."""
        w = self.integers.reshape(self.n, -1, BLOCK) * self._of_blocks(self.scale)
        if self.minimum is not None:
            w = w + self._of_blocks(self.minimum)
        return np.asarray(w, np.float32).reshape(self.n, self.k)

    def rows(self, keep: Any) -> Blocks:
        """The rows `keep`."""
        minimum = None if self.minimum is None else self.minimum[keep]
        return replace(self, codes=self.codes[keep], scale=self.scale[keep], minimum=minimum)

    def whole_groups(self) -> Blocks:
        """The same weights in the largest groups that divide a row: the last group of a row may be shorter."""
        group = min(self.group, self.k & -self.k)
        if group == self.group:
            return self
        keep = slice(0, self.k // group)
        scale, minimum = (None if h is None else np.repeat(h, self.group // group, axis=1)[:, keep]
                          for h in (self.scale, self.minimum))  # fmt: skip
        return Blocks(self.bits, self.codes, np.asarray(scale), minimum, group)

    @property
    def share(self) -> int:
        """log2 of the blocks that share a scale, in whole groups: what the decoder is told."""
        return (min(self.group, self.k & -self.k) // BLOCK).bit_length() - 1

    def _of_blocks(self, halves: np.ndarray) -> np.ndarray:
        """float32 [n, k / 32, 1]."""
        each = np.repeat(halves, self.group // BLOCK, axis=1)[:, : self.k // BLOCK]
        return np.ascontiguousarray(each).view(np.float16).astype(np.float32)[..., None]


def stacked(*parts: Blocks) -> Blocks:
    """Rows of several matrices of one format, below each other."""
    if len(formats := sorted({str(p.coding) for p in parts})) > 1:
        raise Unsupported(f"weights that are read as one matrix have {' and '.join(formats)}")
    minimum = None
    if parts[0].minimum is not None:
        minimum = np.concatenate([p.minimum for p in parts])  # type: ignore[misc]
    codes = np.concatenate([p.codes for p in parts])
    return Blocks(parts[0].bits, codes, np.concatenate([p.scale for p in parts]), minimum, parts[0].group)
