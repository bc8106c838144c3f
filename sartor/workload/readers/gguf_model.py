"""A GGUF header to `Model`: shapes from the metadata, checked with the tensors; formats from the tensors."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from ...errors import BrokenFile, Unsupported
from .. import sizes
from ..model import Model
from .fields import Fields
from .gguf_header import Header, Tensor
from .gguf_header import read as read_header
from .gguf_layers import ARCHITECTURES
from .hf_config import grouped

# Suffix of a tensor's name, without blk.N. -> tensor class.
CLASSES = {
    "token_embd.weight": "embedding",
    "output.weight": "head",
    **dict.fromkeys([f"attn_{x}.weight" for x in ("q", "k", "v", "qkv", "output")], "attention"),
    **dict.fromkeys([f"ffn_{x}.weight" for x in ("gate", "up", "down")], "ffn"),
    **dict.fromkeys([f"ffn_{x}_exps.weight" for x in ("gate", "up", "down")], "expert"),
    "ffn_gate_inp.weight": "router",
    **dict.fromkeys([f"attn_{x}.bias" for x in ("q", "k", "v", "output")], "norm"),
    **dict.fromkeys(["attn_norm.weight", "ffn_norm.weight", "output_norm.weight"], "norm"),
    **dict.fromkeys(["attn_q_norm.weight", "attn_k_norm.weight"], "norm"),
    **dict.fromkeys(["post_attention_norm.weight", "post_ffw_norm.weight"], "norm"),
}
NOT_LEARNED = ("rope_freqs.weight",)


def read(path: Path) -> Model:
    return model(read_header(path), path.name)


def model(header: Header, where: str) -> Model:
    meta = Fields(header.metadata, where)
    arch = meta.text("general.architecture")
    if arch not in ARCHITECTURES:
        raise Unsupported(
            f"{where}: architecture {arch!r} is not modeled (known: {', '.join(ARCHITECTURES)})"
        )
    if meta.has("split.count") and meta.whole("split.count", low=0) > 1:
        raise Unsupported(f"{where}: is one of {meta.raw['split.count']} parts (merge them with gguf-split)")
    tensors = {t.name: t for t in header.tensors if t.name not in NOT_LEARNED}
    made = _shapes(meta, arch, tensors)
    _check(made, tensors, where)
    return made


def _shapes(meta: Fields, arch: str, tensors: dict[str, Tensor]) -> Model:
    hidden = meta.whole(f"{arch}.embedding_length")
    formats, note = _formats(tensors, meta.where)
    most = formats["attention"]
    return Model(
        name=meta.where.removesuffix(".gguf"),
        family=ARCHITECTURES[arch][0],
        hidden=hidden,
        vocabulary=_vocabulary(tensors, hidden, meta.where),
        layers=grouped(ARCHITECTURES[arch][1](meta, arch, tensors)),
        tied="output.weight" not in tensors,
        max_context=meta.whole(f"{arch}.context_length"),
        weights=most,
        formats={name: fmt for name, fmt in formats.items() if fmt != most},
        source=f"GGUF header of {meta.where}",
        note=note,
    )


def _vocabulary(tensors: dict[str, Tensor], hidden: int, where: str) -> int:
    table = tensors.get("token_embd.weight")
    if table is None or len(table.shape) != 2 or table.shape[0] != hidden:
        found = "missing" if table is None else f"of shape {table.shape}"
        raise BrokenFile(f"{where}: tensor 'token_embd.weight' is {found}, expected ({hidden}, vocabulary)")
    return table.shape[1]


def _formats(tensors: dict[str, Tensor], where: str) -> tuple[dict[str, str], str]:
    """The format of each class: that of most of its elements. What differs is said in the note."""
    stored: dict[str, Counter[str]] = {}
    for tensor in tensors.values():
        if not tensor.kind.format:
            raise Unsupported(f"{where}: tensor {tensor.name!r} is {tensor.kind.name}, a format not modeled")
        stored.setdefault(_class(tensor.name, where), Counter())[tensor.kind.format] += tensor.elements
    if "attention" not in stored:
        raise BrokenFile(f"{where}: no tensor 'blk.0.attn_q.weight'")
    if "head" not in stored:
        stored["head"] = stored.get("embedding", Counter())
    main = {name: max(counts, key=counts.__getitem__) for name, counts in stored.items() if counts}
    mixed = [_mix(name, counts, main[name]) for name, counts in stored.items() if len(counts) > 1]
    return main, "; ".join(mixed)


def _mix(name: str, counts: Counter[str], main: str) -> str:
    parts = ", ".join(f"{n / counts.total():.0%} {fmt}" for fmt, n in counts.most_common())
    return f"{name} is {parts}, counted as {main}"


def _class(name: str, where: str) -> str:
    parts = name.split(".")
    suffix = ".".join(parts[2:]) if parts[0] == "blk" and len(parts) > 2 else name
    if suffix not in CLASSES:
        raise Unsupported(f"{where}: tensor {name!r} is not part of a model that is modeled")
    return CLASSES[suffix]


def _check(made: Model, tensors: dict[str, Tensor], where: str) -> None:
    stored, expected = sum(t.elements for t in tensors.values()), sizes.parameters(made)
    if stored != expected:
        raise BrokenFile(
            f"{where}: its {len(tensors)} tensors hold {stored} elements, but its metadata ask for {expected}"
        )
