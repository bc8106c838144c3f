"""Weights as they are stored: integer codes, with binary16 scales and minima that neighbors of a row share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import Unsupported
from .decode import integers, scale_values
from .hardware import BLOCK, Coding


@dataclass(frozen=True, eq=False)
class Blocks:
    """A matrix [n, k]: w = d q 2^(power - fraction) + m. `codes` [n, k] as stored (decode.py); `scale`, `minimum`
    [n, k / group, rounded up] binary16 encodings, with `byte` E8M0 or, for 16 weights, E4M3. `power`: of the whole
    matrix."""

    bits: int
    codes: np.ndarray
    scale: np.ndarray
    minimum: np.ndarray | None = None
    group: int = BLOCK
    is_float: bool = False
    byte: bool = False
    power: int = 0

    @property
    def n(self) -> int:
        return int(self.codes.shape[0])

    @property
    def k(self) -> int:
        return int(self.codes.shape[1])

    @property
    def coding(self) -> Coding:
        return Coding(self.bits, self.group, self.minimum is not None, self.is_float, self.byte)

    @property
    def integers(self) -> np.ndarray:
        """The integers q that the scale multiplies, int16 [n, k]."""
        if self.bits == 8:
            return self.codes.astype(np.int16)
        return np.asarray(integers(self.coding.element, self.minimum is not None)[self.codes])

    def dequantized(self) -> np.ndarray:
        """float32 [n, k]: d q is exact in binary32, d q + m is rounded once."""
        size = min(BLOCK, self.group)
        w = self.integers.reshape(self.n, -1, size) * self._of_blocks(self.scale)
        if power := self.power - self.coding.fraction:
            w = np.ldexp(w, power)
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
        return replace(self, scale=np.asarray(scale), minimum=minimum, group=group)

    @property
    def share(self) -> int:
        """log2 of the blocks that share a scale, in whole groups: what the decoder is told."""
        return max((min(self.group, self.k & -self.k) // BLOCK).bit_length() - 1, 0)

    def _of_blocks(self, halves: np.ndarray) -> np.ndarray:
        """float32 [n, blocks, 1], a block of 32 or of fewer that share a scale."""
        size = min(BLOCK, self.group)
        each = np.ascontiguousarray(np.repeat(halves, self.group // size, axis=1)[:, : self.k // size])
        return scale_values(self.coding.scale, each)[..., None]


def stacked(*parts: Blocks) -> Blocks:
    """Rows of several matrices of one format, below each other."""
    if len(formats := sorted({str(p.coding) for p in parts})) > 1:
        raise Unsupported(f"weights that are read as one matrix have {' and '.join(formats)}")
    minimum = None
    if parts[0].minimum is not None:
        minimum = np.concatenate([p.minimum for p in parts])  # type: ignore[misc]
    if len({p.power for p in parts}) > 1:
        raise Unsupported("weights that are read as one matrix have scales of their own (quantize them as one)")
    codes = np.concatenate([p.codes for p in parts])
    return replace(parts[0], codes=codes, scale=np.concatenate([p.scale for p in parts]), minimum=minimum)
