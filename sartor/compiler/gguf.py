"""From a GGUF file to the network that is lowered: tensors by name, nothing converted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import BrokenFile, Unsupported
from ..families.tensor.network import Layer, Network
from ..formats.blocks import Blocks, stacked
from ..formats.codec import finite
from ..formats.gguf_blocks import unpack
from ..workload.readers import gguf_header
from ..workload.readers.fields import Fields

FREQUENCIES = "rope_freqs.weight"  # divisors of the angles, as llama.cpp stores those of Llama 3.1 and later


class File:
    """A GGUF file, its tensors mapped."""

    def __init__(self, path: Path) -> None:
        self.path, self.header = path, gguf_header.read(path)
        self.bytes = np.memmap(path, np.uint8, "r")
        self.tensors = {t.name: t for t in self.header.tensors}
        self.meta = Fields(self.header.metadata, path.name)
        self.architecture = self.meta.text("general.architecture")

    def key(self, name: str) -> str:
        return f"{self.architecture}.{name}"

    def whole(self, name: str, **more: Any) -> Any:
        return self.meta.whole(self.key(name), **more)

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
        found = np.frombuffer(raw.tobytes(), np.float32)
        finite(found[None], f"{self.path.name}: tensor {name!r}")
        return found

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
    check_tensors(file)
    heads, size = file.whole("attention.head_count"), head_dim(file)
    embedding = file.matrix("token_embd.weight")
    tied = "output.weight" not in file.tensors
    return Network(
        name=path.stem, dim=file.whole("embedding_length"), heads=heads,
        kv_heads=file.whole("attention.head_count_kv", default=heads), head_dim=size,
        ffn=file.whole("feed_forward_length"), vocabulary=embedding.n, context=context(file),
        epsilon=file.meta.real(file.key("attention.layer_norm_rms_epsilon")),
        rope_base=file.meta.real(file.key("rope.freq_base"), default=10000.0),
        layers=tuple(_layer(file, i) for i in range(file.meta.layers(file.key("block_count")))),
        embedding=embedding, final_norm=file.vector("output_norm.weight"),
        head=embedding if tied else file.matrix("output.weight"), rope_divisors=divisors(file, size),
    ).checked()  # fmt: skip


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


def head_dim(file: File) -> int:
    """Of keys, which values must share; all of it is turned."""
    where, hidden, heads = file.path.name, file.whole("embedding_length"), file.whole("attention.head_count")
    size = int(file.whole("attention.key_length", default=hidden // heads))
    values = file.whole("attention.value_length", default=size)
    turned = file.whole("rope.dimension_count", default=size, low=0)
    if size % 2:
        raise Unsupported(f"{where}: heads of {size} elements: RoPE turns pairs")
    if values != size:
        raise Unsupported(f"{where}: values of {values} elements a head are not lowered beside keys of {size}")
    if turned not in (0, size):
        raise Unsupported(f"{where}: RoPE turns {turned} dimensions of a head, not all {size}")
    return size


def context(file: File) -> int:
    """Within a sliding window all tokens are seen: beyond it nothing is lowered."""
    context = int(file.whole("context_length"))
    return min(context, file.whole("attention.sliding_window", default=0, low=0) or context)


def divisors(file: File, size: int) -> tuple[float, ...]:
    """Linear scaling, and factors that the file has by pair."""
    factor = file.meta.real(file.key("rope.scaling.factor"), file.key("rope.scale_linear"), default=1.0)
    kinds = ("none", "linear")
    kind = file.meta.one_of(file.key("rope.scaling.type"), known=kinds, default="linear")
    each = np.full(size // 2, factor if kind == "linear" else 1.0)
    if FREQUENCIES in file.tensors:
        given = file.vector(FREQUENCIES)
        if given.shape != each.shape or not (given > 0).all():
            raise BrokenFile(f"{file.path.name}: tensor {FREQUENCIES!r} must be {len(each)} numbers above 0")
        each = each * given
    return () if (each == 1).all() else tuple(float(v) for v in each)


_KNOWN = {
    "attn_norm", "attn_q", "attn_k", "attn_v", "attn_output", "ffn_norm", "ffn_gate", "ffn_up", "ffn_down",
}  # fmt: skip
_SINGLE = ("token_embd.weight", "output.weight", "output_norm.weight", FREQUENCIES)


def check_tensors(file: File) -> None:
    if file.architecture != "llama":
        raise Unsupported(f"{file.path.name}: architecture {file.architecture!r} is not lowered (llama is)")
    for name in file.tensors:
        part = name.split(".")
        known = len(part) == 4 and part[0] == "blk" and part[2] in _KNOWN and part[3] == "weight"
        if not known and name not in _SINGLE:
            raise Unsupported(
                f"{file.path.name}: tensor {name!r} has no place in the network that is lowered"
            )
