"""What the compiler lowers: a decoder-only transformer with its weights as the hardware reads them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...formats.blocks import Blocks


@dataclass(frozen=True, eq=False)
class Layer:
    """Weights of one layer. `qkv` [(heads + 2 kv_heads) head_dim, dim], `gate_up` [2 ffn, dim]: rows below
    each other; norms float32 [dim]."""

    attention_norm: np.ndarray
    qkv: Blocks
    output: Blocks  # [dim, heads head_dim]
    ffn_norm: np.ndarray
    gate_up: Blocks
    down: Blocks  # [dim, ffn]


@dataclass(frozen=True, eq=False)
class Network:
    """A dense decoder: RMSNorm, RoPE on neighboring pairs, grouped-query attention, SiLU-gated FFN."""

    name: str
    dim: int
    heads: int
    kv_heads: int
    head_dim: int
    ffn: int
    vocabulary: int
    context: int  # the longest the model was made for
    epsilon: float
    rope_base: float
    layers: tuple[Layer, ...]
    embedding: Blocks  # [vocabulary, dim]
    final_norm: np.ndarray
    head: Blocks  # [vocabulary, dim]

    @property
    def group(self) -> int:
        """Query heads that share a KV head."""
        return self.heads // self.kv_heads

    def slice(self, layers: int, rows: int | None = None) -> Network:
        """The first `layers` layers, and of the vocabulary the first `rows`: a smaller network of the same
        weights."""
        keep = slice(0, rows or self.vocabulary)
        return Network(
            f"{self.name}[{layers} layers]", self.dim, self.heads, self.kv_heads, self.head_dim, self.ffn,
            rows or self.vocabulary, self.context, self.epsilon, self.rope_base, self.layers[:layers],
            self.embedding.rows(keep), self.final_norm, self.head.rows(keep),
        )  # fmt: skip

    def rope(self, positions: np.ndarray) -> np.ndarray:
        """binary32 [positions, 2, head_dim]: cosines, then sines with the sign of the first of a pair turned;
        angles in binary64."""
        rate = self.rope_base ** (-np.arange(0, self.head_dim, 2) / self.head_dim)
        angle = np.asarray(positions, np.float64)[:, None] * rate
        cosine = np.repeat(np.cos(angle), 2, axis=1)
        sine = np.stack([-np.sin(angle), np.sin(angle)], axis=-1).reshape(len(angle), -1)
        return np.stack([cosine, sine], axis=1).astype(np.float32)
