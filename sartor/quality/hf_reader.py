"""A Hugging Face folder as a model for measuring: its tensors are mapped, not read.

Matrices are real numbers, or as GPTQ, AWQ, compressed-tensors and others store them (formats.layouts).
"""

from __future__ import annotations

import numpy as np

from ..compiler import hf, hf_shape
from ..compiler.checkpoint import Checkpoint
from ..formats.codec import Encoded
from ..formats.floats import Floats
from .classes import EMBEDDING, HEAD
from .model import Model

_NAMES = {
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
    "attn_o": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
}  # fmt: skip
_NORMS, _LAST = ("input_layernorm", "post_attention_layernorm"), "model.norm.weight"
_TABLES = {EMBEDDING: "model.embed_tokens.weight", HEAD: "lm_head.weight"}


def model(point: Checkpoint, key: str) -> Model:
    f = hf_shape.of_family(point)
    shape, tied = hf_shape.shape_of(f), f.flag("tie_word_embeddings")
    embedding, head = hf.tables(point, f, shape.dim)
    base, divisors = hf_shape.angles(f, shape.head_dim)
    layers = f.layers("num_hidden_layers")
    _check(point, layers)
    return Model(
        point.name, key, shape, layers, embedding.n, hf_shape.context(f),
        f.real("rms_norm_eps", default=1e-6), base, divisors, tied, HfReader(point, shape, embedding, head),
    )  # fmt: skip


def _check(point: Checkpoint, layers: int) -> None:
    """Refuses tensors that no layer reads, such as a bias."""
    rounded = point.config.has("quantization_config")  # then formats.layouts knows what lies beside a matrix
    for layer in (f"model.layers.{i}." for i in range(layers)):
        for name in point.names(layer):
            holder, _, part = name.removeprefix(layer).rpartition(".")
            if (holder in _NAMES.values() and (rounded or part == "weight")) or (holder in _NORMS and part == "weight"):
                point.taken.add(name)
    point.taken.add(_LAST)
    point.check_left()


class HfReader:
    """Rows of queries and keys are reordered: RoPE turns element i of a head with i + half there."""

    def __init__(self, point: Checkpoint, shape: hf_shape.Shape, embedding: Floats, head: Floats) -> None:
        self.point, self.shape, self._embedding, self._head = point, shape, embedding, head

    def matrix(self, layer: int, part: str) -> np.ndarray:
        w = self._stored(layer, part).dequantized()
        return w[hf_shape.neighbors(len(w), self.shape.head_dim)] if part in ("attn_q", "attn_k") else w

    def place(self, layer: int, part: str, row: int) -> tuple[str, int]:
        if part in _TABLES:
            return _TABLES[part], row
        if part in ("attn_q", "attn_k"):
            row = int(hf_shape.neighbors(self.shape.matrices[_NAMES[part]][0], self.shape.head_dim)[row])
        return f"model.layers.{layer}.{_NAMES[part]}.weight", row

    def bits(self, layer: int, part: str) -> float:
        w = self._stored(layer, part)
        return w.codec.bits_per_weight(w.k) if isinstance(w, Encoded) else self._stored_bits(layer, part)

    def norms(self, layer: int) -> tuple[np.ndarray, np.ndarray]:
        first, second = (
            self.point.vector(f"model.layers.{layer}.{name}.weight", self.shape.dim)
            for name in _NORMS
        )
        return first, second

    def final_norm(self) -> np.ndarray:
        return self.point.vector(_LAST, self.shape.dim)

    def embedding(self, rows: np.ndarray) -> np.ndarray:
        return self._embedding.rows(rows).dequantized()

    def head(self, start: int, stop: int) -> np.ndarray:
        return self._head.rows(slice(start, stop)).dequantized()

    def _stored_bits(self, layer: int, part: str) -> float:
        """Of what no format holds, such as groups in act-order: the bytes in the file, by weight."""
        n, k = self.shape.matrices[_NAMES[part]]
        tensors = self.point.parts(f"model.layers.{layer}.{_NAMES[part]}").found
        return 8 * sum(t.data.nbytes for t in tensors.values()) / (n * k)

    def _stored(self, layer: int, part: str) -> Encoded | Floats:
        name = f"model.layers.{layer}.{_NAMES[part]}"
        size = self.shape.matrices[_NAMES[part]]
        return hf.stored(self.point, name, size)
