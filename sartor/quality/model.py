"""A model whose real weights are read one matrix at a time, in binary32, whatever file they are in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..compiler.hf import Shape
from ..errors import InputError
from ..families.tensor.network import turns

ROWS = 4096  # of the head, at a time


class Reader(Protocol):
    """Where weights come from. Rows of queries and keys are ordered so that RoPE turns neighbors."""

    def matrix(self, layer: int, part: str) -> np.ndarray:
        """float32 [n, k] of a class of LINEAR."""

    def bits(self, layer: int, part: str) -> float:
        """An element, as it is stored."""

    def norms(self, layer: int) -> tuple[np.ndarray, np.ndarray]:
        """float32 [dim], before attention and before the FFN."""

    def final_norm(self) -> np.ndarray:
        """float32 [dim]."""

    def embedding(self, rows: np.ndarray) -> np.ndarray:
        """float32 [rows, dim]."""

    def head(self, start: int, stop: int) -> np.ndarray:
        """float32 [stop - start, dim]."""


@dataclass(frozen=True, eq=False)
class Model:
    """A dense decoder: RMSNorm, RoPE, grouped-query attention, SiLU-gated FFN. `key` names its content, `tied`: head
    and embedding are one matrix, `stored`: what is to be said about the weights as they are."""

    name: str
    key: str
    shape: Shape
    layers: int
    vocabulary: int
    context: int
    epsilon: float
    rope_base: float
    rope_divisors: tuple[float, ...]
    tied: bool
    reader: Reader

    def matrix(self, layer: int, part: str) -> np.ndarray:
        """float32 [n, k]; what is not a finite number is refused with its place."""
        w = self.reader.matrix(layer, part)
        finite(w, f"{self.name}: {part} of layer {layer}")
        return w

    def turns(self, tokens: int) -> np.ndarray:
        """The angles of the first `tokens` positions, as network.turns has them."""
        return turns(np.arange(tokens), self.shape.head_dim, self.rope_base, self.rope_divisors)

    def elements(self, part: str) -> int:
        s = self.shape
        wide, narrow = s.heads * s.head_dim, s.kv_heads * s.head_dim
        sizes = {"attn_q": wide * s.dim, "attn_k": narrow * s.dim, "attn_v": narrow * s.dim, "attn_o": wide * s.dim}
        return sizes.get(part, s.ffn * s.dim)

    def row(self, part: str) -> int:
        """Weights in a row."""
        return {"attn_o": self.shape.heads * self.shape.head_dim, "ffn_down": self.shape.ffn}.get(part, self.shape.dim)


def finite(w: np.ndarray, where: str) -> None:
    """Raises InputError for the first weight that is not a finite number."""
    if not np.isfinite(w.sum(dtype=np.float64)):
        row, column = np.argwhere(~np.isfinite(w))[0]
        raise InputError(f"{where}: the weight {w[row, column]} at [{row}, {column}] is not a finite number")
