"""From a GGUF file to the network that is lowered: tensors by name, nothing converted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import BrokenFile, Unsupported
from ..families.tensor.network import Layer, Network
from ..formats.blocks import Blocks, stacked
from ..formats.gguf_blocks import unpack
from ..workload.readers import gguf_header


class File:
    """A GGUF file, its tensors mapped."""

    def __init__(self, path: Path) -> None:
        self.path, self.header = path, gguf_header.read(path)
        self.bytes = np.memmap(path, np.uint8, "r")
        self.tensors = {t.name: t for t in self.header.tensors}
        self.architecture = str(self.header.metadata.get("general.architecture"))

    def value(self, key: str, default: Any = None) -> Any:
        value = self.header.metadata.get(f"{self.architecture}.{key}", default)
        if value is None:
            raise BrokenFile(f"{self.path.name}: metadata {self.architecture}.{key} is missing")
        return value

    def raw(self, name: str) -> tuple[np.ndarray, Any]:
        if name not in self.tensors:
            raise BrokenFile(f"{self.path.name}: tensor {name!r} is missing")
        tensor = self.tensors[name]
        return self.bytes[tensor.offset : tensor.offset + tensor.nbytes], tensor

    def vector(self, name: str) -> np.ndarray:
        """float32 [n]."""
        raw, tensor = self.raw(name)
        if tensor.kind.name != "F32":
            raise Unsupported(f"{self.path.name}: tensor {name!r} is {tensor.kind.name}, not F32")
        return np.frombuffer(raw.tobytes(), np.float32)

    def matrix(self, name: str) -> Blocks:
        raw, tensor = self.raw(name)
        k, n = tensor.shape
        try:
            return unpack(tensor.kind.name, np.asarray(raw), n, k)
        except Unsupported as error:
            raise Unsupported(f"{self.path.name}: tensor {name!r}: {error}") from None


def network(path: Path) -> Network:
    """The network in the GGUF file at `path`; what the hardware cannot map is refused by name."""
    file = File(path)
    _check(file)
    heads, kv_heads = file.value("attention.head_count"), file.value("attention.head_count_kv")
    embedding = file.matrix("token_embd.weight")
    tied = "output.weight" not in file.tensors
    return Network(
        name=path.stem, dim=file.value("embedding_length"), heads=heads, kv_heads=kv_heads,
        head_dim=file.value("embedding_length") // heads, ffn=file.value("feed_forward_length"),
        vocabulary=embedding.n, context=file.value("context_length"),
        epsilon=file.value("attention.layer_norm_rms_epsilon"),
        rope_base=file.value("rope.freq_base", 10000.0),
        layers=tuple(_layer(file, i) for i in range(file.value("block_count"))), embedding=embedding,
        final_norm=file.vector("output_norm.weight"),
        head=embedding if tied else file.matrix("output.weight"),
    )  # fmt: skip


def _layer(file: File, i: int) -> Layer:
    def matrix(*names: str) -> Blocks:
        parts = [file.matrix(f"blk.{i}.{name}.weight") for name in names]
        try:
            return stacked(*parts) if len(parts) > 1 else parts[0]
        except Unsupported as error:
            raise Unsupported(f"{file.path.name}: blk.{i}.{', '.join(names)}: {error}") from None

    return Layer(
        attention_norm=file.vector(f"blk.{i}.attn_norm.weight"),
        qkv=matrix("attn_q", "attn_k", "attn_v"),
        output=matrix("attn_output"),
        ffn_norm=file.vector(f"blk.{i}.ffn_norm.weight"),
        gate_up=matrix("ffn_gate", "ffn_up"),
        down=matrix("ffn_down"),
    )


_KNOWN = {
    "attn_norm", "attn_q", "attn_k", "attn_v", "attn_output", "ffn_norm", "ffn_gate", "ffn_up", "ffn_down",
}  # fmt: skip


def _check(file: File) -> None:
    if file.architecture != "llama":
        raise Unsupported(f"{file.path.name}: architecture {file.architecture!r} is not lowered (llama is)")
    for name in file.tensors:
        part = name.split(".")
        known = name in ("token_embd.weight", "output.weight", "output_norm.weight")
        known |= len(part) == 4 and part[0] == "blk" and part[2] in _KNOWN and part[3] == "weight"
        if not known:
            raise Unsupported(
                f"{file.path.name}: tensor {name!r} has no place in the network that is lowered"
            )
    turned = file.value("rope.dimension_count", 0)
    if turned and turned != file.value("embedding_length") // file.value("attention.head_count"):
        raise Unsupported(f"{file.path.name}: RoPE turns {turned} dimensions of a head, not all of them")
