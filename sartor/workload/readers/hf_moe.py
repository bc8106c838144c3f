"""Families with a mixture of experts. Each function: the fields of config.json to layers."""

from __future__ import annotations

from dataclasses import replace

from ..model import Experts, FeedForward, GroupedAttention, Indexer, LatentAttention, Layer
from .fields import MOST, Fields
from .hf_dense import attention, feed_forward, late_windows, listed_windows, qwen3_attention, silu, window


def choice(f: Fields, experts: str, active: str) -> tuple[int, int]:
    """Experts a layer, and those a token chooses."""
    count = f.whole(experts)
    return count, f.whole(active, high=count)


def mixtral(f: Fields) -> list[Layer]:
    silu(f)
    mlp = Experts(*choice(f, "num_local_experts", "num_experts_per_tok"), f.whole("intermediate_size"))
    return [Layer(attention(f, window=window(f)), mlp, f.layers("num_hidden_layers"))]


def sparse_layers(f: Fields) -> list[bool]:
    """Qwen's rule: every `decoder_sparse_step`-th layer has experts, but those in `mlp_only_layers`."""
    step, count = f.whole("decoder_sparse_step", default=1), f.layers("num_hidden_layers")
    dense = f.get(("mlp_only_layers",), [])[1]
    if not isinstance(dense, list):
        raise f.fail("mlp_only_layers", "must be a list of layer numbers")
    return [(i + 1) % step == 0 and i not in dense for i in range(count)]


def _either(f: Fields, mixers: list[GroupedAttention], experts: Experts) -> list[Layer]:
    """Layers with `experts` where the rule says so, with a plain MLP elsewhere."""
    sparse = sparse_layers(f)
    dense = None if all(sparse) else feed_forward(f)
    return [Layer(m, experts if s else dense, 1) for m, s in zip(mixers, sparse, strict=True)]


def qwen3_moe(f: Fields) -> list[Layer]:
    silu(f)
    experts = Experts(*choice(f, "num_experts", "num_experts_per_tok"), f.whole("moe_intermediate_size"))
    return _either(f, [qwen3_attention(f, w) for w in late_windows(f)], experts)


def shared_experts(f: Fields) -> Experts:
    """Qwen2-MoE and Qwen3-Next: one shared expert behind a sigmoid gate."""
    return Experts(
        *choice(f, "num_experts", "num_experts_per_tok"),
        f.whole("moe_intermediate_size"),
        shared=FeedForward(f.whole("shared_expert_intermediate_size")),
        shared_gate=True,
    )


def qwen2_moe(f: Fields) -> list[Layer]:
    silu(f)
    bias = f.flag("qkv_bias", True)
    return _either(f, [attention(f, window=w, qkv_bias=bias) for w in late_windows(f)], shared_experts(f))


def gpt_oss(f: Fields) -> list[Layer]:
    """Windows on every other layer, sinks, biases everywhere."""
    silu(f)
    bias = f.flag("attention_bias", True)
    experts = Experts(
        *choice(f, "num_local_experts", "num_experts_per_tok"),
        f.whole("intermediate_size"),
        bias=True,
        router_bias=True,
    )
    size = f.whole("sliding_window")
    if f.has("layer_types"):
        windows = listed_windows(f, size)
    else:
        windows = [None if i % 2 else size for i in range(f.layers("num_hidden_layers"))]
    return [
        Layer(attention(f, window=w, qkv_bias=bias, out_bias=bias, sinks=True), experts, 1) for w in windows
    ]


def minimax_m2(f: Fields) -> list[Layer]:
    """Queries and keys are normed over all heads together; RoPE turns a part of each, and is counted in full."""
    silu(f)
    experts = Experts(
        *choice(f, "num_local_experts", "num_experts_per_tok"), f.whole("intermediate_size"), router_bias=True
    )
    return [Layer(attention(f, qk_norm=True, wide_norm=True), experts, f.layers("num_hidden_layers"))]


def deepseek_v3(f: Fields) -> list[Layer]:
    """MLA; the first layers dense. The router's correction bias is learned, so it counts as `router_bias`."""
    mixer = _latent(f)
    return _deepseek(f, [mixer] * f.layers("num_hidden_layers"))


def deepseek_v2(f: Fields) -> list[Layer]:
    """The same without the router's correction; DeepSeek-V2-Lite has no latent of queries."""
    mixer = _latent(f)
    layers = _deepseek(f, [mixer] * f.layers("num_hidden_layers"))
    plain = [replace(one.mlp, router_bias=False) if isinstance(one.mlp, Experts) else one.mlp for one in layers]
    return [replace(one, mlp=mlp) for one, mlp in zip(layers, plain, strict=True)]


def sparse_latent(f: Fields) -> list[Layer]:
    """The same with attention to chosen tokens (DeepSeek-V3.2, GLM-5); some layers may take another's choice."""
    count, mixer = f.layers("num_hidden_layers"), _latent(f)
    index = Indexer(f.whole("index_n_heads"), f.whole("index_head_dim"), f.whole("index_topk"))
    kinds = f.names("indexer_types", count, ("full", "shared")) if f.has("indexer_types") else ["full"] * count
    return _deepseek(f, [replace(mixer, index=replace(index, own=kind == "full")) for kind in kinds])


def _deepseek(f: Fields, mixers: list[LatentAttention]) -> list[Layer]:
    silu(f)
    f.only("attention_bias", False)
    f.only("moe_layer_freq", 1)
    dense = min(f.whole("first_k_dense_replace", low=0), len(mixers))
    mlps: list[FeedForward | Experts] = [feed_forward(f)] * dense if dense else []
    mlps += [_deepseek_experts(f)] * (len(mixers) - dense) if dense < len(mixers) else []
    return [Layer(mixer, mlp, 1) for mixer, mlp in zip(mixers, mlps, strict=True)]


def _latent(f: Fields) -> LatentAttention:
    return LatentAttention(
        heads=f.whole("num_attention_heads"),
        q_rank=f.whole("q_lora_rank", default=None),
        kv_rank=f.whole("kv_lora_rank"),
        nope_dim=f.whole("qk_nope_head_dim"),
        rope_dim=f.whole("qk_rope_head_dim"),
        value_dim=f.whole("v_head_dim"),
    )


def _deepseek_experts(f: Fields) -> Experts:
    width = f.whole("moe_intermediate_size")
    shared = f.whole("n_shared_experts", default=0, low=0, high=MOST // width)
    return Experts(
        *choice(f, "n_routed_experts", "num_experts_per_tok"),
        width,
        router_bias=True,
        shared=FeedForward(width * shared) if shared else None,
    )
