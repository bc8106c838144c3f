"""Families that differ from Llama's in windows, norms and biases alone. Each function: fields of config.json to layers.

Names and defaults of fields as in transformers 5, module `models/FAMILY/configuration_FAMILY.py`.
"""

from __future__ import annotations

from ..model import GroupedAttention, Layer
from .fields import Fields
from .hf_dense import attention, every, feed_forward, listed_windows, silu, window


def phi3(f: Fields) -> list[Layer]:
    """Phi-3, Phi-3.5, Phi-4 and Phi-4-mini; RoPE turns a part of each head, and is counted in full."""
    silu(f)
    return every(f, attention(f, window=window(f)), feed_forward(f))


def exaone(f: Fields) -> list[Layer]:
    """EXAONE 3.0, 3.5 and Deep: Llama by other names of fields."""
    silu(f)
    f.only("activation_function", "silu")
    layers = f.whole("num_hidden_layers", "num_layers", high=2**16)
    return [Layer(attention(f), feed_forward(f), layers)]


def smollm3(f: Fields) -> list[Layer]:
    """Every fourth layer has no RoPE."""
    silu(f)
    f.only("use_sliding_window", False)
    bias, mlp = f.flag("attention_bias"), feed_forward(f, bias=f.flag("mlp_bias"))
    rope = turned(f, f.layers("num_hidden_layers"))
    return [Layer(attention(f, qkv_bias=bias, out_bias=bias, rope=r), mlp, 1) for r in rope]


def turned(f: Fields, count: int) -> list[bool]:
    """Which layers have RoPE: those marked 1 in `no_rope_layers`, or all but every fourth."""
    marks = f.raw.get("no_rope_layers")
    if not marks:
        period = f.whole("no_rope_layer_interval", default=4)
        return [(i + 1) % period != 0 for i in range(count)]
    if not isinstance(marks, list) or len(marks) < count or any(m not in (0, 1) for m in marks):
        raise f.fail("no_rope_layers", f"must be a list of {count} times 0 or 1")
    return [bool(mark) for mark in marks[:count]]


def seed_oss(f: Fields) -> list[Layer]:
    silu(f)
    mixer = attention(f, qkv_bias=f.flag("attention_bias", True), out_bias=f.flag("attention_out_bias"))
    return every(f, mixer, feed_forward(f, bias=f.flag("mlp_bias")))


def olmo2(f: Fields) -> list[Layer]:
    """Queries and keys are normed over all heads together; norms stand behind attention and MLP."""
    silu(f)
    return every(f, _olmo(f, None), feed_forward(f))


def olmo3(f: Fields) -> list[Layer]:
    """The same with a window in three layers of four."""
    silu(f)
    size, count = window(f, 4096), f.layers("num_hidden_layers")
    some = [None if (i + 1) % 4 == 0 else size for i in range(count)]
    windows = listed_windows(f, size) if f.has("layer_types") else some
    return [Layer(_olmo(f, w), feed_forward(f), 1) for w in windows]


def _olmo(f: Fields, size: int | None) -> GroupedAttention:
    bias = f.flag("attention_bias")
    return attention(f, window=size, qkv_bias=bias, out_bias=bias, qk_norm=True, wide_norm=True)


def glm4(f: Fields) -> list[Layer]:
    """GLM-4-0414: biases on queries, keys and values, a norm before and behind each block."""
    silu(f)
    return every(f, attention(f, qkv_bias=f.flag("attention_bias")), feed_forward(f), norms=4)


def gemma2(f: Fields) -> list[Layer]:
    """A window in every other layer, from the first. Soft caps of logits are vector work that is not counted."""
    f.one_of("hidden_activation", known=["gelu_pytorch_tanh"], default=None)
    size, count, bias = window(f, 4096), f.layers("num_hidden_layers"), f.flag("attention_bias")
    others = [None if i % 2 else size for i in range(count)]
    windows = listed_windows(f, size) if f.has("layer_types") else others
    mixers = [attention(f, window=w, qkv_bias=bias, out_bias=bias) for w in windows]
    return [Layer(mixer, feed_forward(f), 1, norms=4) for mixer in mixers]
