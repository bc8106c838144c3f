"""Weights that are real numbers: binary32, binary16 or bfloat16, as a checkpoint holds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

# Names of safetensors, and what NumPy holds them as: bfloat16 is the upper half of a binary32.
DTYPES: dict[str, np.dtype[Any]] = {"F32": np.dtype("<f4"), "F16": np.dtype("<f2"), "BF16": np.dtype("<u2")}


@dataclass(frozen=True, eq=False)
class Floats:
    """A matrix [n, k] of `kind`, a name in DTYPES."""

    kind: str
    data: np.ndarray

    @property
    def n(self) -> int:
        return int(self.data.shape[0])

    @property
    def k(self) -> int:
        return int(self.data.shape[1])

    def rows(self, keep: Any) -> Floats:
        """The rows `keep`."""
        return Floats(self.kind, self.data[keep])

    def dequantized(self) -> np.ndarray:
        """float32 [n, k], exact."""
        if self.kind == "BF16":
            return (self.data.astype(np.uint32) << np.uint32(16)).view(np.float32)
        return self.data.astype(np.float32)
