"""What the compiler lowers: a decoder-only transformer with its weights as the hardware reads them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...errors import BrokenFile
from ...formats.blocks import Blocks
from ...formats.floats import Floats


@dataclass(frozen=True, eq=False)
class Layer:
    """Weights of one layer. `qkv` [(heads + 2 kv_heads) head_dim, dim], `gate_up` [2 ffn, dim]: rows below
    each other; norms float32 [dim]. `values` [kv_heads head_dim, dim]: where they have a format of their own, and are
    no rows of `qkv`. `key_offset` float32 [kv_heads head_dim]: added to keys after RoPE where the cache is of 4 bits;
    None: nothing."""

    attention_norm: np.ndarray
    qkv: Blocks
    output: Blocks  # [dim, heads head_dim]
    ffn_norm: np.ndarray
    gate_up: Blocks
    down: Blocks  # [dim, ffn]
    values: Blocks | None = None
    key_offset: np.ndarray | None = None

    @property
    def matrices(self) -> dict[str, Blocks]:
        """In the order in which they are streamed."""
        apart = {} if self.values is None else {"values": self.values}
        return {"qkv": self.qkv, **apart, "output": self.output, "gate_up": self.gate_up, "down": self.down}


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
    embedding: Blocks | Floats  # [vocabulary, dim]
    final_norm: np.ndarray
    head: Blocks  # [vocabulary, dim]
    rope_divisors: tuple[float, ...] = ()  # of the angle of each pair, where a longer context asks for it

    def checked(self) -> Network:
        """The same; matrices that are not as large as the shape says are refused, the first by name."""
        if self.heads % self.kv_heads:
            raise BrokenFile(f"{self.name}: {self.kv_heads} KV heads do not divide {self.heads} heads")
        wide, narrow = self.heads * self.head_dim, self.kv_heads * self.head_dim
        sizes = {
            "qkv": (wide + 2 * narrow, self.dim), "values": (narrow, self.dim), "output": (self.dim, wide),
            "gate_up": (2 * self.ffn, self.dim), "down": (self.dim, self.ffn),
        }  # fmt: skip
        for i, layer in enumerate(self.layers):
            for name, w in layer.matrices.items():
                n, k = sizes[name]
                if name == "qkv" and layer.values is not None:
                    n -= narrow
                if (w.n, w.k) != (n, k):
                    raise BrokenFile(f"{self.name}: {name} of layer {i} is {w.n} x {w.k}, not {n} x {k}")
        return self

    @property
    def group(self) -> int:
        """Query heads that share a KV head."""
        return self.heads // self.kv_heads

    def slice(self, layers: int, rows: int | None = None) -> Network:
        """The first `layers` layers, and of the vocabulary the first `rows`: a smaller network of the same
        weights."""
        keep = slice(0, rows or self.vocabulary)
        return replace(
            self, name=f"{self.name}[{layers} layers]", vocabulary=rows or self.vocabulary,
            layers=self.layers[:layers], embedding=self.embedding.rows(keep), head=self.head.rows(keep),
        )  # fmt: skip

    def rope(self, positions: np.ndarray) -> np.ndarray:
        """binary32 [positions, 2, head_dim], as `turns` has it."""
        return turns(positions, self.head_dim, self.rope_base, self.rope_divisors)


def turns(positions: np.ndarray, head_dim: int, base: float, divisors: tuple[float, ...] = ()) -> np.ndarray:
    """RoPE on neighboring pairs: binary32 [positions, 2, head_dim]: cosines, then sines with the sign of the first of
    a pair turned; angles in binary64."""
    rate = base ** (-np.arange(0, head_dim, 2) / head_dim)
    angle = np.asarray(positions, np.float64)[:, None] * (rate / np.array(divisors or 1.0))
    cosine = np.repeat(np.cos(angle), 2, axis=1)
    sine = np.stack([-np.sin(angle), np.sin(angle)], axis=-1).reshape(len(angle), -1)
    return np.stack([cosine, sine], axis=1).astype(np.float32)
