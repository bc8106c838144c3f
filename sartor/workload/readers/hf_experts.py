"""More families with a mixture of experts. Each function: the fields of config.json to layers."""

from __future__ import annotations

from ..model import Experts, FeedForward, GroupedAttention, Layer
from .fields import MOST, Fields
from .hf_alike import turned
from .hf_dense import attention, exaone_windows, feed_forward, silu, window
from .hf_moe import choice


def glm4_moe(f: Fields) -> list[Layer]:
    """GLM-4.5 and 4.6: the first layers dense, a router with a learned correction, shared experts."""
    silu(f)
    count = f.layers("num_hidden_layers")
    mixer = attention(f, qkv_bias=f.flag("attention_bias"), qk_norm=f.flag("use_qk_norm"))
    return _first_dense(f, [mixer] * count, f.whole("first_k_dense_replace", default=1, low=0), "n_routed_experts")


def solar_open(f: Fields) -> list[Layer]:
    """Solar Open: the same without dense layers."""
    silu(f)
    mixer = attention(f, qkv_bias=f.flag("attention_bias"))
    return _first_dense(f, [mixer] * f.layers("num_hidden_layers"), 0, "n_routed_experts")


def exaone_moe(f: Fields) -> list[Layer]:
    """K-EXAONE: the windows of EXAONE 4.0, and no RoPE where there is none; the first layers dense."""
    silu(f)
    size, count = f.whole("sliding_window", default=None), f.layers("num_hidden_layers")
    windows = [None] * count if size is None else exaone_windows(f, size)
    mixers = [attention(f, window=w, qk_norm=True, rope=size is None or w is not None) for w in windows]
    dense = f.whole("first_k_dense_replace", default=1, low=0)
    if f.has("mlp_layer_types"):
        kinds = f.names("mlp_layer_types", count, ("dense", "sparse"))
        dense = kinds.count("dense")
        if "dense" in kinds[dense:]:
            raise f.fail("mlp_layer_types", "has a dense layer behind one with experts")
    return _first_dense(f, mixers, dense, "num_experts", "num_shared_experts")


def _first_dense(
    f: Fields, mixers: list[GroupedAttention], dense: int, experts: str, shared: str = "n_shared_experts"
) -> list[Layer]:
    """`dense` layers with a plain MLP, then experts."""
    width = f.whole("moe_intermediate_size")
    also = f.whole(shared, default=1, low=0, high=MOST // width)
    sparse = Experts(
        *choice(f, experts, "num_experts_per_tok"), width, router_bias=True,
        shared=FeedForward(width * also) if also else None,
    )  # fmt: skip
    plain = feed_forward(f) if dense else None
    return [Layer(m, plain if i < dense else sparse, 1) for i, m in enumerate(mixers)]


def llama4_text(f: Fields) -> list[Layer]:
    """Llama 4: layers with RoPE look at their own chunk of the context, which is counted as a window of its size (the
    mean chunk is half as full); experts in every layer, or every other. Norms of queries and keys have no weights."""
    silu(f)
    count, chunk = f.layers("num_hidden_layers"), window(f, 8192, "attention_chunk_size")
    bias, step = f.flag("attention_bias"), f.whole("interleave_moe_layer_step", default=1)
    width = f.whole("intermediate_size")
    experts = Experts(*choice(f, "num_local_experts", "num_experts_per_tok"), width, shared=FeedForward(width))
    sparse = _listed(f, count) if f.has("moe_layers") else set(range(step - 1, count, step))
    dense = FeedForward(f.whole("intermediate_size_mlp")) if len(sparse) < count else None
    mixers = [
        attention(f, window=chunk if r else None, qkv_bias=bias, out_bias=bias, rope=r) for r in turned(f, count)
    ]
    return [Layer(m, experts if i in sparse else dense, 1) for i, m in enumerate(mixers)]


def _listed(f: Fields, count: int) -> set[int]:
    """Numbers of the layers that have experts."""
    listed = f.raw["moe_layers"]
    if not isinstance(listed, list) or not all(type(i) is int and 0 <= i < count for i in listed):
        raise f.fail("moe_layers", f"must be a list of numbers of the {count} layers")
    return set(listed)
