"""A model whose real weights are read one matrix at a time, in binary32, whatever file they are in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..compiler.hf_shape import Shape
from ..errors import InputError
from ..families.tensor.network import turns

ROWS = 4096  # of the head, at a time


class Reader(Protocol):
    """Where weights come from. Rows of queries and keys are ordered so that RoPE turns neighbors."""

    def matrix(self, layer: int, part: str) -> np.ndarray:
        """float32 [n, k] of a class of LINEAR."""

    def place(self, layer: int, part: str, row: int) -> tuple[str, int]:
        """The tensor of the file that holds a row of a matrix, of the embedding or of the head, and its row there."""

    def bits(self, layer: int, part: str) -> float:
        """An element, as it is stored, with what its matrix has beside it."""

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
        self.check(w, layer, part)
        return w

    def check(self, w: np.ndarray, layer: int, part: str, rows: np.ndarray | None = None) -> None:
        """Refuses what is not a finite number with its place in the file; `rows`: which these are, if not the first."""

        def place(row: int) -> tuple[str, int]:
            name, at = self.reader.place(layer, part, row if rows is None else int(rows[row]))
            return f"{self.name}: {name}", at

        finite(w, place)

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


def finite(w: np.ndarray, place: Callable[[int], tuple[str, int]]) -> None:
    """Raises InputError for the first weight that is not a finite number; `place` of a row: tensor, and row in it."""
    if not np.isfinite(w.sum(dtype=np.float64)):
        row, column = (int(i) for i in np.argwhere(~np.isfinite(w))[0])
        where, at = place(row)
        raise InputError(f"{where}: the weight {w[row, column]:g} at [{at}, {column}] is not a finite number")
