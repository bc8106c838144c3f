"""The arrays that a format keeps beside the codes: what they are, and the arithmetic of scales."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Part:
    """One array beside the codes: an entry for a group (of `rows` rows), or one for the whole `tensor`."""

    name: str
    dtype: type
    entry: tuple[int, ...] = ()
    tensor: bool = False
    rows: int = 1
    few: int = 0  # bits that are stored, where fewer than the dtype has

    @property
    def bits(self) -> int:
        return self.few or 8 * np.dtype(self.dtype).itemsize

    def shape(self, n: int, groups: int) -> tuple[int, ...]:
        return self.entry if self.tensor else (-(-n // self.rows), groups, *self.entry)


def magnitude(x: np.ndarray) -> np.ndarray:
    """The largest |x| of each group; + 0 makes -0 into 0."""
    return np.asarray(np.maximum(x.max(-1), -x.min(-1)) + np.float32(0))


def half(x: np.ndarray) -> np.ndarray:
    """Encodings of binary16, rounded to nearest even; + 0 makes -0 into 0."""
    return (x.astype(np.float16) + np.float16(0)).view(np.uint16)


def real(halves: np.ndarray) -> np.ndarray:
    """float32 of binary16 encodings."""
    return np.ascontiguousarray(halves).view(np.float16).astype(np.float32)


def divided(x: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """x [n, groups, size] by the scales [n, groups]: 0 where the scale is 0."""
    return x / np.where(scale == 0, np.float32(np.inf), scale)[..., None]
