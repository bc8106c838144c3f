"""Families whose layers are grouped attention and one MLP. Each function: fields of config.json to layers.

Names and defaults of fields as in transformers 5, module `models/FAMILY/configuration_FAMILY.py`.
"""

from __future__ import annotations

from ..model import FeedForward, GroupedAttention, Layer
from .fields import Fields

FULL, SLIDING = "full_attention", "sliding_attention"


def head_dim(f: Fields, heads: int) -> int:
    """`head_dim`, or the hidden size over the heads where the file does not say."""
    if f.has("head_dim"):
        return f.whole("head_dim")
    hidden = f.whole("hidden_size")
    if hidden % heads:
        raise f.fail("hidden_size", f"is not a multiple of {heads} heads (give head_dim)")
    return hidden // heads


def attention(f: Fields, **more: object) -> GroupedAttention:
    heads = f.whole("num_attention_heads")
    kv_heads = f.whole("num_key_value_heads", default=heads)
    if heads % kv_heads:
        raise f.fail("num_key_value_heads", f"does not divide num_attention_heads = {heads}")
    return GroupedAttention(heads, kv_heads, head_dim(f, heads), **more)  # type: ignore[arg-type]


def feed_forward(f: Fields, **more: bool) -> FeedForward:
    return FeedForward(f.whole("intermediate_size"), **more)


def window(f: Fields, default: object = None, name: str = "sliding_window") -> int | None:
    """Of layers that have one; a file that says null says that they have none, whatever the default."""
    return f.whole(name, default=None if name in f.raw else default)


def every(f: Fields, mixer: GroupedAttention, mlp: FeedForward, norms: int = 2) -> list[Layer]:
    return [Layer(mixer, mlp, f.layers("num_hidden_layers"), norms)]


def silu(f: Fields) -> None:
    f.only("hidden_act", "silu")


def llama(f: Fields) -> list[Layer]:
    silu(f)
    bias = f.flag("attention_bias")
    return every(f, attention(f, qkv_bias=bias, out_bias=bias), feed_forward(f, bias=f.flag("mlp_bias")))


def mistral(f: Fields) -> list[Layer]:
    silu(f)
    return every(f, attention(f, window=window(f)), feed_forward(f))


def late_windows(f: Fields) -> list[int | None]:
    """Qwen's window of each layer: `layer_types`, or a window from layer `max_window_layers` on."""
    count = f.layers("num_hidden_layers")
    size = window(f) if f.flag("use_sliding_window") else None
    if size is None:
        return [None] * count
    if f.has("layer_types"):
        return listed_windows(f, size)
    first = f.whole("max_window_layers", low=0)
    return [size if i >= first else None for i in range(count)]


def listed_windows(f: Fields, size: int | None) -> list[int | None]:
    """The window of each layer as `layer_types` says."""
    kinds = f.names("layer_types", f.layers("num_hidden_layers"), (FULL, SLIDING))
    return [size if kind == SLIDING else None for kind in kinds]


def qwen2(f: Fields) -> list[Layer]:
    silu(f)
    mlp = feed_forward(f)
    return [Layer(attention(f, window=w, qkv_bias=True), mlp, 1) for w in late_windows(f)]


def qwen3(f: Fields) -> list[Layer]:
    silu(f)
    mlp = feed_forward(f)
    return [Layer(qwen3_attention(f, w), mlp, 1) for w in late_windows(f)]


def qwen3_attention(f: Fields, size: int | None) -> GroupedAttention:
    bias = f.flag("attention_bias")
    return attention(f, window=size, qkv_bias=bias, out_bias=bias, qk_norm=True)


def gemma3_text(f: Fields) -> list[Layer]:
    """Published files leave heads and head_dim to the defaults of Gemma3TextConfig: 8, 4 and 256."""
    f.one_of("hidden_activation", known=["gelu_pytorch_tanh"], default=None)
    bias = f.flag("attention_bias")
    heads, kv_heads = f.whole("num_attention_heads", default=8), f.whole("num_key_value_heads", default=4)
    if heads % kv_heads:
        raise f.fail("num_key_value_heads", f"does not divide num_attention_heads = {heads}")
    one = (heads, kv_heads, f.whole("head_dim", default=256))
    mlp = feed_forward(f)
    more = dict(qkv_bias=bias, out_bias=bias, qk_norm=True)
    return [Layer(GroupedAttention(*one, window=w, **more), mlp, 1, norms=4) for w in gemma_windows(f)]


def gemma_windows(f: Fields) -> list[int | None]:
    """Every sixth layer sees all; the others a window."""
    size = window(f, 4096)
    if f.has("layer_types"):
        return listed_windows(f, size)
    period = f.whole("sliding_window_pattern", default=6)
    return [None if (i + 1) % period == 0 else size for i in range(f.layers("num_hidden_layers"))]


def exaone4(f: Fields) -> list[Layer]:
    """EXAONE 4.0: norms after attention and MLP; in the hybrid the layers that see all have no RoPE."""
    silu(f)
    size, mlp = window(f), feed_forward(f)
    windows = [None] * f.layers("num_hidden_layers") if size is None else exaone_windows(f, size)
    rope = [size is None or w is not None for w in windows]
    return [
        Layer(attention(f, window=w, qk_norm=True, rope=r), mlp, 1)
        for w, r in zip(windows, rope, strict=True)
    ]


def exaone_windows(f: Fields, size: int) -> list[int | None]:
    """`layer_types`, or a pattern such as LLLG or its length; the last layer always sees all."""
    if f.has("layer_types"):
        return listed_windows(f, size)
    pattern = f.raw.get("sliding_window_pattern")
    period = len(pattern) if isinstance(pattern, str) else f.whole("sliding_window_pattern")
    count = f.layers("num_hidden_layers")
    full = [period == 0 or (i + 1) % period == 0 or i == count - 1 for i in range(count)]
    return [None if see_all else size for see_all in full]


def hyperclovax(f: Fields) -> list[Layer]:
    """HyperCLOVA X: Llama with muP multipliers and, if `use_post_norm`, a norm after each block (Peri-LN)."""
    silu(f)
    bias = f.flag("attention_bias")
    mixer = attention(f, qkv_bias=bias, out_bias=bias)
    return every(
        f, mixer, feed_forward(f, bias=f.flag("mlp_bias")), norms=4 if f.flag("use_post_norm") else 2
    )
