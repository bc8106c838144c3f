"""Weights as they are stored: integer codes, with binary16 scales and minima that neighbors of a row share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import Unsupported
from .beside import real
from .decode import Element, integers
from .group_scale import Scale, scale_values
from .hardware import BLOCK, Coding
from .scale_powers import scaled


@dataclass(frozen=True, eq=False)
class Blocks:
    """A matrix [n, k]: w = d q 2^(power - fraction) + m. `codes` [n, k] as stored (decode.py); `scale`, `minimum`
    [n, k / group, rounded up] binary16 encodings, as the coding says E8M0 or, for 16 weights, E4M3; of binary codes the
    scales are [n, groups, planes], and `minimum` their offsets; of zero points those. `power`: of the whole matrix."""

    coding: Coding
    codes: np.ndarray
    scale: np.ndarray
    minimum: np.ndarray | None = None
    power: int = 0

    @property
    def n(self) -> int:
        return int(self.codes.shape[0])

    @property
    def k(self) -> int:
        return int(self.codes.shape[1])

    @property
    def group(self) -> int:
        return self.coding.group

    @property
    def integers(self) -> np.ndarray:
        """The integers q that the scale multiplies, int16 [n, k]."""
        if self.coding.element == Element.INT8:
            return self.codes.astype(np.int16)
        return np.asarray(integers(self.coding.element, self.minimum is not None)[self.codes])

    def dequantized(self) -> np.ndarray:
        """float32 [n, k]: d q is exact in binary32, d q + m is rounded once; of binary codes each sum is, plane by
        plane, the offset last."""
        size = min(BLOCK, self.group)
        if self.coding.binary:
            return self._of_planes()
        integers = self.integers
        if self.coding.zero:
            assert self.minimum is not None
            integers = integers - np.repeat(self.minimum.astype(np.int16), self.group, axis=1)[:, : self.k]
        w = integers.reshape(self.n, -1, size) * self._of_blocks(self.scale)
        if power := self.power - self.coding.fraction:
            w = np.ldexp(w, power)
        if self.coding.minimum and self.minimum is not None:
            w = w + self._of_blocks(self.minimum)
        return np.asarray(w, np.float32).reshape(self.n, self.k)

    def rows(self, keep: Any) -> Blocks:
        """The rows `keep`."""
        minimum = None if self.minimum is None else self.minimum[keep]
        return replace(self, codes=self.codes[keep], scale=self.scale[keep], minimum=minimum)

    def times_powers(self, powers: np.ndarray, whole: int = 0) -> Blocks:
        """Row i times 2^powers[i]: codes stay what they are, scales move. `whole`: as much of it is left to `power`,
        for scales that have no room above."""
        each, minimum = np.asarray(powers, np.int32) - whole, self.minimum
        if minimum is not None and not self.coding.zero:
            minimum = scaled(Scale.SCALE, minimum, each)
        scale = scaled(self.coding.scale, self.scale, each)
        return replace(self, scale=scale, minimum=minimum, power=self.power + whole)

    def group_in(self, lanes: int) -> int:
        """Of weights that share a scale where a tile takes `lanes` of a row at once, the last group of a row shorter:
        as they are, but where rows are not whole folds. What pads the last fold has its own scales there, zeros."""
        return self.group if self.k % lanes == 0 else min(self.group, self.k & -self.k)

    def in_folds(self, lanes: int) -> Blocks:
        """The same weights in groups of `group_in`."""
        group = self.group_in(lanes)
        if group == self.group:
            return self
        keep = slice(0, self.k // group)
        scale, minimum = (None if h is None else np.repeat(h, self.group // group, axis=1)[:, keep]
                          for h in (self.scale, self.minimum))  # fmt: skip
        coding = replace(self.coding, group=group)
        return replace(self, coding=coding, scale=np.asarray(scale), minimum=minimum)

    def share(self, lanes: int) -> int:
        """log2 of the blocks of `group_in`: what the decoder is told."""
        return max((self.group_in(lanes) // BLOCK).bit_length() - 1, 0)

    def _of_planes(self) -> np.ndarray:
        assert self.minimum is not None
        alphas, offset = (np.repeat(real(part), self.group, axis=1)[:, : self.k] for part in (self.scale, self.minimum))
        signs = integers(Element.SIGN)
        w = alphas[..., 0] * signs[self.codes & 1]
        for plane in range(1, self.coding.planes):
            w = w + alphas[..., plane] * signs[self.codes >> np.uint8(plane) & 1]
        return np.asarray(w + offset, np.float32)

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
