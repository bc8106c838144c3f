"""The layers of a GGUF file, by its architecture and its metadata."""

from __future__ import annotations

from collections.abc import Callable

from ...errors import Unsupported
from ..model import Experts, FeedForward, GroupedAttention, Layer
from .fields import Fields
from .gguf_header import Tensor


def _attention(
    meta: Fields, arch: str, tensors: dict[str, Tensor], window: int | None = None
) -> GroupedAttention:
    heads = meta.whole(f"{arch}.attention.head_count")
    kv_heads = meta.whole(f"{arch}.attention.head_count_kv", default=heads)
    if heads % kv_heads:
        raise meta.fail(f"{arch}.attention.head_count_kv", f"does not divide head_count = {heads}")
    size = meta.whole(f"{arch}.attention.key_length", default=meta.whole(f"{arch}.embedding_length") // heads)
    if meta.whole(f"{arch}.attention.value_length", default=size) != size:
        raise Unsupported(f"{meta.where}: values of another size than keys ({size}) are not modeled")
    return GroupedAttention(
        heads,
        kv_heads,
        size,
        window,
        qkv_bias="blk.0.attn_q.bias" in tensors,
        out_bias="blk.0.attn_output.bias" in tensors,
        qk_norm="blk.0.attn_q_norm.weight" in tensors,
    )


def _blocks(meta: Fields, arch: str) -> int:
    return meta.layers(f"{arch}.block_count")


def _dense(meta: Fields, arch: str, tensors: dict[str, Tensor]) -> list[Layer]:
    """Llama, Mistral, Qwen 2 and 3; with `expert_count` Mixtral, which llama.cpp calls llama too."""
    mixer, width = _attention(meta, arch, tensors), meta.whole(f"{arch}.feed_forward_length")
    experts = meta.whole(f"{arch}.expert_count", default=0, low=0)
    mlp = _experts(meta, arch, width) if experts else FeedForward(width)
    return [Layer(mixer, mlp, _blocks(meta, arch))]


def _experts(meta: Fields, arch: str, width: int) -> Experts:
    count = meta.whole(f"{arch}.expert_count")
    return Experts(count, meta.whole(f"{arch}.expert_used_count", high=count), width)


def _qwen3moe(meta: Fields, arch: str, tensors: dict[str, Tensor]) -> list[Layer]:
    width = meta.whole(f"{arch}.expert_feed_forward_length")
    return [Layer(_attention(meta, arch, tensors), _experts(meta, arch, width), _blocks(meta, arch))]


def _gemma3(meta: Fields, arch: str, tensors: dict[str, Tensor]) -> list[Layer]:
    """Every sixth layer sees all (llama.cpp has the six in code); the others a window."""
    size, mlp = (
        meta.whole(f"{arch}.attention.sliding_window"),
        FeedForward(meta.whole(f"{arch}.feed_forward_length")),
    )
    windows = [None if (i + 1) % 6 == 0 else size for i in range(_blocks(meta, arch))]
    return [Layer(_attention(meta, arch, tensors, w), mlp, 1, norms=4) for w in windows]


# architecture -> (our family, its layers)
ARCHITECTURES: dict[str, tuple[str, Callable[[Fields, str, dict[str, Tensor]], list[Layer]]]] = {
    "llama": ("llama", _dense),
    "qwen2": ("qwen2", _dense),
    "qwen3": ("qwen3", _dense),
    "qwen3moe": ("qwen3_moe", _qwen3moe),
    "gemma3": ("gemma3_text", _gemma3),
}
