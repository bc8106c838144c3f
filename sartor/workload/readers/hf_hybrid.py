"""Families with state-space or linear-attention layers. Each function: fields of config.json to layers."""

from __future__ import annotations

from ...errors import Unsupported
from ..model import Experts, FeedForward, GroupedAttention, Layer, LinearAttention, StateSpace
from .fields import MOST_LAYERS, Fields
from .hf_dense import FULL, attention, feed_forward, silu
from .hf_moe import choice, shared_experts, sparse_layers

LINEAR = "linear_attention"
# A letter of `hybrid_override_pattern`, or a word of `layers_block_type` -> what that layer is.
_LETTERS = {"M": "mamba", "*": "attention", "-": "mlp", "E": "moe"}
_WORDS = {"linear_attention": "mamba", "full_attention": "attention"} | {
    word: word for word in _LETTERS.values()
}


def mamba2(f: Fields) -> list[Layer]:
    f.only("use_bias", False)
    mixer = StateSpace(
        heads=f.whole("num_heads"),
        head_dim=f.whole("head_dim"),
        groups=f.whole("n_groups"),
        state=f.whole("state_size"),
        conv=f.whole("conv_kernel"),
        conv_bias=f.flag("use_conv_bias", True),
    )
    if mixer.heads * mixer.head_dim != f.whole("expand", default=2) * f.whole("hidden_size"):
        raise f.fail("num_heads", f"x head_dim = {mixer.head_dim} is not expand x hidden_size")
    return [Layer(mixer, None, f.layers("num_hidden_layers"), norms=1)]


def nemotron_h(f: Fields) -> list[Layer]:
    """One block a layer: Mamba-2, attention without RoPE, a squared-ReLU MLP, or experts."""
    for name in ("use_bias", "mamba_proj_bias"):
        f.only(name, False)
    f.only("mlp_hidden_act", "relu2")
    kinds = _nemotron_kinds(f)
    made = {kind: _NEMOTRON_LAYERS[kind](f) for kind in dict.fromkeys(kinds)}
    return [made[kind] for kind in kinds]


def _nemotron_kinds(f: Fields) -> list[str]:
    """What each layer is. The list counts them: `num_hidden_layers` may be absent but not different."""
    if f.has("layers_block_type"):
        listed = f.raw["layers_block_type"]
        count = f.whole(
            "num_hidden_layers", default=len(listed) if isinstance(listed, list) else 0, high=MOST_LAYERS
        )
        return [_WORDS[word] for word in f.names("layers_block_type", count, _WORDS)]
    pattern = f.text("hybrid_override_pattern")
    count = f.whole("num_hidden_layers", default=len(pattern), high=MOST_LAYERS)
    if len(pattern) != count or not pattern:
        raise f.fail("hybrid_override_pattern", f"has {len(pattern)} layers, but num_hidden_layers = {count}")
    for i, letter in enumerate(pattern):
        if letter not in _LETTERS:
            raise Unsupported(
                f"{f.where}: hybrid_override_pattern[{i}] = {letter!r} is not modeled "
                f"(known: {' '.join(_LETTERS)})"
            )
    return [_LETTERS[letter] for letter in pattern]


def _nemotron_mamba(f: Fields) -> Layer:
    mixer = StateSpace(
        heads=f.whole("mamba_num_heads"),
        head_dim=f.whole("mamba_head_dim"),
        groups=f.whole("n_groups"),
        state=f.whole("ssm_state_size"),
        conv=f.whole("conv_kernel"),
        conv_bias=f.flag("use_conv_bias", True),
    )
    return Layer(mixer, None, 1, norms=1)


def _nemotron_attention(f: Fields) -> Layer:
    heads, bias = f.whole("num_attention_heads"), f.flag("attention_bias")
    kv_heads = f.whole("num_key_value_heads")
    if heads % kv_heads:
        raise f.fail("num_key_value_heads", f"does not divide num_attention_heads = {heads}")
    size = f.whole("head_dim", "attention_head_dim")
    mixer = GroupedAttention(heads, kv_heads, size, qkv_bias=bias, out_bias=bias, rope=False)
    return Layer(mixer, None, 1, norms=1)


def _nemotron_mlp(f: Fields) -> Layer:
    return Layer(None, feed_forward(f, gated=False, bias=f.flag("mlp_bias")), 1, norms=1)


def _nemotron_experts(f: Fields) -> Layer:
    f.only("mlp_bias", False)
    shared = f.whole("n_shared_experts", default=0, low=0, high=1)
    width = f.whole("moe_shared_expert_intermediate_size") if shared else 0
    experts = Experts(
        *choice(f, "n_routed_experts", "num_experts_per_tok"),
        f.whole("moe_intermediate_size"),
        gated=False,
        router_bias=True,
        shared=FeedForward(width, gated=False) if shared else None,
        latent=f.whole("moe_latent_size", default=None),
    )
    return Layer(None, experts, 1, norms=1)


_NEMOTRON_LAYERS = {
    "mamba": _nemotron_mamba,
    "attention": _nemotron_attention,
    "mlp": _nemotron_mlp,
    "moe": _nemotron_experts,
}


def qwen3_next(f: Fields) -> list[Layer]:
    """Qwen3-Next, Qwen3.5-MoE: three gated DeltaNet layers, then a gated attention; experts after each."""
    experts, sparse = shared_experts(f), sparse_layers(f)
    dense = None if all(sparse) else feed_forward(f)
    return [
        Layer(mixer, experts if s else dense, 1) for mixer, s in zip(_qwen_mixers(f), sparse, strict=True)
    ]


def qwen3_5_text(f: Fields) -> list[Layer]:
    """Qwen3.5: the same mixers with a plain MLP."""
    mlp = feed_forward(f)
    return [Layer(mixer, mlp, 1) for mixer in _qwen_mixers(f)]


def _qwen_mixers(f: Fields) -> list[GroupedAttention | LinearAttention]:
    silu(f)
    f.only("attention_bias", False)
    f.only("attn_output_gate", True)
    delta = LinearAttention(
        key_heads=f.whole("linear_num_key_heads"),
        value_heads=f.whole("linear_num_value_heads"),
        key_dim=f.whole("linear_key_head_dim"),
        value_dim=f.whole("linear_value_head_dim"),
        conv=f.whole("linear_conv_kernel_dim"),
    )
    full = attention(f, qk_norm=True, gated=True)
    return [full if is_full else delta for is_full in _full_layers(f)]


def _full_layers(f: Fields) -> list[bool]:
    count = f.layers("num_hidden_layers")
    if f.has("layer_types"):
        return [kind == FULL for kind in f.names("layer_types", count, (FULL, LINEAR))]
    period = f.whole("full_attention_interval", default=4)
    return [(i + 1) % period == 0 for i in range(count)]
