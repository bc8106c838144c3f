"""Models small enough for a test, with random weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sartor.compiler.hf_shape import Shape
from sartor.quality.classes import LINEAR
from sartor.quality.model import Model

SHAPE = Shape(dim=64, heads=4, kv_heads=2, head_dim=32, ffn=96)
VOCABULARY = 80


class Weights:
    """A reader of what is in memory."""

    def __init__(self, layers: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        wide, narrow = SHAPE.heads * SHAPE.head_dim, SHAPE.kv_heads * SHAPE.head_dim
        sizes = {"attn_q": (wide, 64), "attn_k": (narrow, 64), "attn_v": (narrow, 64), "attn_o": (64, wide),
                 "ffn_gate": (96, 64), "ffn_up": (96, 64), "ffn_down": (64, 96)}  # fmt: skip
        assert tuple(sizes) == LINEAR
        self.matrices = {(i, part): self._normal(rng, *size) for i in range(layers) for part, size in sizes.items()}
        self.factors = [rng.normal(1, 0.2, (2, 64)).astype(np.float32) for _ in range(layers)]
        self.last = rng.normal(1, 0.2, 64).astype(np.float32)
        self.table = self._normal(rng, VOCABULARY, 64) * np.float32(4)

    def _normal(self, rng: np.random.Generator, n: int, k: int) -> np.ndarray:
        return rng.normal(0, k**-0.5, (n, k)).astype(np.float32)

    def matrix(self, layer: int, part: str) -> np.ndarray:
        return self.matrices[layer, part]

    def place(self, layer: int, part: str, row: int) -> tuple[str, int]:
        return (part if part in ("embedding", "head") else f"{part} of layer {layer}"), row

    def bits(self, layer: int, part: str) -> float:
        return 32.0

    def norms(self, layer: int) -> tuple[np.ndarray, np.ndarray]:
        return self.factors[layer][0], self.factors[layer][1]

    def final_norm(self) -> np.ndarray:
        return self.last

    def embedding(self, rows: np.ndarray) -> np.ndarray:
        return self.table[rows]

    def head(self, start: int, stop: int) -> np.ndarray:
        return self.table[start:stop]


def tiny(layers: int = 3, seed: int = 0) -> Model:
    weights, key = Weights(layers, seed), f"{layers} layers, seed {seed}"
    return Model(f"tiny{seed}", key, SHAPE, layers, VOCABULARY, 256, 1e-5, 10000.0, (), True, weights)


def reordered(model: Model) -> Model:
    """The same network, the channels of its FFN in another order: groups of 32 stay together."""
    order = (np.random.default_rng(2).permutation(SHAPE.ffn // 32)[:, None] * 32 + np.arange(32)[::-1]).reshape(-1)
    moved = {"ffn_gate": lambda w: w[order], "ffn_up": lambda w: w[order], "ffn_down": lambda w: w[:, order]}
    reader = model.reader
    reader.matrices = {key: moved.get(key[1], np.copy)(w) for key, w in reader.matrices.items()}
    return replace(model, key=f"{model.key}, in another order")


def windows(count: int = 1, tokens: int = 40) -> np.ndarray:
    return np.random.default_rng(1).integers(0, VOCABULARY, (count, tokens))
