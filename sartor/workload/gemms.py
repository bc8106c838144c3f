"""The matrices of one layer: GEMMs that share their input are one, because hardware runs them so."""

from __future__ import annotations

from typing import Literal

from .gemm import Gemm
from .model import (
    Experts,
    FeedForward,
    GroupedAttention,
    LatentAttention,
    Layer,
    LinearAttention,
    Model,
    StateSpace,
)

Phase = Literal["prefill", "decode"]


def layer_gemms(layer: Layer, hidden: int, phase: Phase) -> list[Gemm]:
    """The GEMMs of `layer`, `layer.count` times each, in the order in which they run."""
    return _mixer(layer, hidden, phase) + _mlp(layer, hidden)


def head_gemm(model: Model) -> Gemm:
    return Gemm("head", model.hidden, model.vocabulary, 1, "head", last_token_only=True)


def tensor_classes(model: Model) -> set[str]:
    """The classes of the model's matrices."""
    return {g.tensor for layer in model.layers for g in layer_gemms(layer, model.hidden, "prefill")} | {
        "head"
    }


def _mixer(layer: Layer, hidden: int, phase: Phase) -> list[Gemm]:
    match layer.mixer:
        case GroupedAttention() as mixer:
            return _grouped(mixer, hidden, layer.count)
        case LatentAttention() as mixer:
            return _latent(mixer, hidden, layer.count, phase)
        case StateSpace() as mixer:
            return _projections("ssm", hidden, state_space_inputs(mixer), inner(mixer), layer.count)
        case LinearAttention() as mixer:
            return _projections("delta", hidden, linear_inputs(mixer), value_width(mixer), layer.count)
        case _:
            return []


def _grouped(a: GroupedAttention, hidden: int, count: int) -> list[Gemm]:
    queries, cached = a.heads * a.head_dim, 2 * a.kv_heads * a.head_dim
    gate = queries if a.gated else 0
    return [
        Gemm("qkv", hidden, queries + gate + cached, count, "attention", values=cached // 2),
        Gemm("out", queries, hidden, count, "attention", "row"),
    ]


def _latent(a: LatentAttention, hidden: int, count: int, phase: Phase) -> list[Gemm]:
    """MLA. The projections to the latents are small and kept whole on every chip."""
    queries, latent = a.heads * (a.nope_dim + a.rope_dim), a.kv_rank + a.rope_dim
    if a.q_rank is None:
        first = [Gemm("q_kv_down", hidden, queries + latent, count, "attention", "none")]
    else:
        first = [
            Gemm("q_kv_down", hidden, a.q_rank + latent, count, "attention", "none"),
            Gemm("q_up", a.q_rank, queries, count, "attention"),
            *_index(a, hidden, count),
        ]
    last = [Gemm("out", a.heads * a.value_dim, hidden, count, "attention", "row")]
    return first + (_absorbed(a, count) if phase == "decode" else _expanded(a, count)) + last


def _index(a: LatentAttention, hidden: int, count: int) -> list[Gemm]:
    """What chooses tokens, whole on every chip: its key and the weights of its heads, and its queries."""
    if a.index is None or not a.index.own or a.q_rank is None:
        return []
    inputs, queries = a.index.head_dim + a.index.heads, a.index.heads * a.index.head_dim
    return [
        Gemm("index_key", hidden, inputs, count, "attention", "none"),
        Gemm("index_query", a.q_rank, queries, count, "attention", "none"),
    ]


def _expanded(a: LatentAttention, count: int) -> list[Gemm]:
    """Prefill: keys and values of all heads from the latents, those in the cache included."""
    wide = a.heads * (a.nope_dim + a.value_dim)
    return [Gemm("kv_up", a.kv_rank, wide, count, "attention", over_context=True)]


def _absorbed(a: LatentAttention, count: int) -> list[Gemm]:
    """Decode: the same matrix moved to the queries and to the mixed latents, one matrix a head
    (DeepSeek-V2, arXiv 2405.04434, section 2.1.2)."""
    return [
        Gemm("q_absorb", a.nope_dim, a.kv_rank, count, "attention", experts=a.heads, active=a.heads),
        Gemm("v_absorb", a.kv_rank, a.value_dim, count, "attention", experts=a.heads, active=a.heads),
    ]


def _projections(name: str, hidden: int, inputs: int, outputs: int, count: int) -> list[Gemm]:
    return [
        Gemm(f"{name}_in", hidden, inputs, count, "mixer"),
        Gemm(f"{name}_out", outputs, hidden, count, "mixer", "row"),
    ]


def inner(m: StateSpace) -> int:
    """Channels of a Mamba-2 mixer."""
    return m.heads * m.head_dim


def state_space_conv(m: StateSpace) -> int:
    """Channels that its convolution sees: x, B and C."""
    return inner(m) + 2 * m.groups * m.state


def state_space_inputs(m: StateSpace) -> int:
    """Outputs of its input projection: z, then x, B, C, then one time step a head."""
    return inner(m) + state_space_conv(m) + m.heads


def value_width(m: LinearAttention) -> int:
    return m.value_heads * m.value_dim


def linear_conv(m: LinearAttention) -> int:
    """Channels that the convolution of a gated DeltaNet sees: q, k and v."""
    return 2 * m.key_heads * m.key_dim + value_width(m)


def linear_inputs(m: LinearAttention) -> int:
    """Outputs of its input projections: q, k, v, the gate z, and beta and alpha a value head."""
    return linear_conv(m) + value_width(m) + 2 * m.value_heads


def _mlp(layer: Layer, hidden: int) -> list[Gemm]:
    match layer.mlp:
        case FeedForward() as mlp:
            return _feed_forward(mlp, hidden, layer.count, "")
        case Experts() as mlp:
            return _experts(mlp, hidden, layer.count)
        case _:
            return []


def _feed_forward(mlp: FeedForward, hidden: int, count: int, prefix: str) -> list[Gemm]:
    first, wide = ("gate_up", 2 * mlp.width) if mlp.gated else ("up", mlp.width)
    return [
        Gemm(prefix + first, hidden, wide, count, "ffn"),
        Gemm(prefix + "down", mlp.width, hidden, count, "ffn", "row"),
    ]


def _experts(mlp: Experts, hidden: int, count: int) -> list[Gemm]:
    first, wide = ("expert_gate_up", 2 * mlp.width) if mlp.gated else ("expert_up", mlp.width)
    router = mlp.experts + (1 if mlp.shared_gate else 0)  # the shared expert's gate sees the same input
    inside = mlp.latent or hidden
    routed = [
        Gemm(first, inside, wide, count, "expert", "column", False, mlp.experts, mlp.active),
        Gemm("expert_down", mlp.width, inside, count, "expert", "row", False, mlp.experts, mlp.active),
    ]
    if mlp.latent:
        routed = [Gemm("latent_down", hidden, inside, count, "ffn", "none"), *routed]
        routed.append(Gemm("latent_up", inside, hidden, count, "ffn", "none"))
    shared = _feed_forward(mlp.shared, hidden, count, "shared_") if mlp.shared else []
    return [Gemm("router", hidden, router, count, "router", "none"), *routed, *shared]
