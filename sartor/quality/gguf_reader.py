"""A GGUF file as a model for measuring: tensors are mapped and dequantized when asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..compiler import gguf
from ..compiler.gguf import File
from ..compiler.hf_shape import Shape
from ..errors import Unsupported
from ..formats import gguf_types
from .classes import EMBEDDING, HEAD
from .model import Model

_NAMES = {"attn_o": "attn_output"}
_EMBEDDING, _HEAD = "token_embd.weight", "output.weight"


def model(path: Path, name: str, key: str) -> Model:
    """The model in the GGUF file at `path`."""
    file = File(path)
    gguf.check_tensors(file)
    heads, size = file.whole("attention.head_count"), gguf.head_dim(file)
    shape = Shape(
        file.whole("embedding_length"), heads, file.whole("attention.head_count_kv", default=heads), size,
        file.whole("feed_forward_length"),
    )  # fmt: skip
    return Model(
        name, key, shape, file.meta.layers(file.key("block_count")), file.raw(_EMBEDDING)[1].shape[1],
        gguf.context(file), file.meta.real(file.key("attention.layer_norm_rms_epsilon")),
        file.meta.real(file.key("rope.freq_base"), default=10000.0), gguf.divisors(file, size),
        _HEAD not in file.tensors, GgufReader(file),
    )  # fmt: skip


class GgufReader:
    """Its queries and keys are in llama.cpp's order already: RoPE turns neighbors."""

    def __init__(self, file: File) -> None:
        self.file = file

    def matrix(self, layer: int, part: str) -> np.ndarray:
        return self._rows(_name(layer, part), slice(None))

    def place(self, layer: int, part: str, row: int) -> tuple[str, int]:
        return {EMBEDDING: _EMBEDDING, HEAD: _HEAD}.get(part) or _name(layer, part), row

    def bits(self, layer: int, part: str) -> float:
        kind = self.file.raw(_name(layer, part))[1].kind
        return float(kind.block_bytes * 8 / kind.block)

    def norms(self, layer: int) -> tuple[np.ndarray, np.ndarray]:
        return self.file.vector(f"blk.{layer}.attn_norm.weight"), self.file.vector(f"blk.{layer}.ffn_norm.weight")

    def final_norm(self) -> np.ndarray:
        return self.file.vector("output_norm.weight")

    def embedding(self, rows: np.ndarray) -> np.ndarray:
        return self._rows(_EMBEDDING, rows)

    def head(self, start: int, stop: int) -> np.ndarray:
        return self._rows(_HEAD if _HEAD in self.file.tensors else _EMBEDDING, slice(start, stop))

    def _rows(self, name: str, keep: slice | np.ndarray) -> np.ndarray:
        raw, tensor = self.file.raw(name)
        k, n = tensor.shape
        chosen = np.ascontiguousarray(raw.reshape(n, -1)[keep])
        try:
            return gguf_types.read(tensor.kind.name, chosen.reshape(-1), len(chosen), k).dequantized()
        except Unsupported as error:
            raise Unsupported(f"{self.file.path.name}: tensor {name!r}: {error}") from None


def _name(layer: int, part: str) -> str:
    return f"blk.{layer}.{_NAMES.get(part, part)}.weight"
