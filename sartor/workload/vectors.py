"""Work of the vector unit. One lane operation is one add, multiply, multiply-add, compare or table look-up.

    rms norm      3 an element: accumulate the square; times 1/rms; times the weight
    rope          2 a rotated element: times cosine; multiply-add with sine
    softmax       4 a score: scale; running maximum; exponential of the difference; running sum
                  1 an element of the output: divide by the sum
    activation    5 an element if gated (SwiGLU, GeGLU): exponential, add, reciprocal, times x, times up
                  2 if plain (squared ReLU): compare, multiply
    residual      1 an element
    quantize      2 an element that enters a GEMM: running maximum of the group; scale and round
    routing       4 an expert: exponential, sum, divide, compare
                  1 an element of each active expert's output: weighted sum
    gate          4 an element: sigmoid (exponential, add, reciprocal), multiply
    sample        1 a logit: compare
    index         norm, rope and quantize as above, and 1 a score (ReLU) and position (compare)

The multiply-adds of scores, mixes, convolutions and recurrences are MACs, counted elsewhere.
"""

from __future__ import annotations

from .gemm import Gemm
from .gemms import Phase, inner, layer_gemms, linear_conv, state_space_conv, value_width
from .model import (
    Experts,
    FeedForward,
    GroupedAttention,
    Indexer,
    LatentAttention,
    Layer,
    LinearAttention,
    Model,
    StateSpace,
)
from .operators import Vector

NORM, ROPE, SCORE, OUTPUT, RESIDUAL, QUANTIZE, ROUTE, GATE, SAMPLE = 3, 2, 4, 1, 1, 2, 4, 4, 1
GATED_ACTIVATION, PLAIN_ACTIVATION = 5, 2


def layer_vectors(layer: Layer, hidden: int, phase: Phase) -> list[Vector]:
    """The vector operations of `layer`, `layer.count` times each."""
    blocks = (layer.mixer is not None) + (layer.mlp is not None)
    ops = [
        Vector("norm", NORM * layer.norms * hidden, layer.count, parts=layer.norms),
        Vector("residual", RESIDUAL * blocks * hidden, layer.count),
        Vector("quantize", QUANTIZE * _quantized(layer_gemms(layer, hidden, phase)), layer.count),
        *_mixer(layer),
        *_mlp(layer, hidden),
    ]
    return [op for op in ops if op.per_token or op.per_position]


def head_vectors(model: Model) -> list[Vector]:
    """The last norm, and the choice of a token among the logits."""
    return [
        Vector("norm", NORM * model.hidden, 1, last_token_only=True),
        Vector("quantize", QUANTIZE * model.hidden, 1, last_token_only=True),
        Vector("sample", SAMPLE * model.vocabulary, 1, last_token_only=True),
    ]


def _quantized(gemms: list[Gemm]) -> int:
    """Elements a token that enter GEMMs. What the router sees is not quantized again for those that share it:
    the shared expert, the projection to the experts' latent space, and without one the experts."""
    latent = any(g.name == "latent_down" for g in gemms)
    return sum(_entering(g, latent) for g in gemms)


def _entering(gemm: Gemm, latent: bool) -> int:
    if gemm.name in ("expert_gate_up", "expert_up"):
        return gemm.k if latent else 0
    return 0 if gemm.name in ("shared_gate_up", "shared_up", "latent_down") else gemm.k * gemm.active


def _mixer(layer: Layer) -> list[Vector]:
    match layer.mixer:
        case GroupedAttention() as a:
            return _grouped(a, layer.count)
        case LatentAttention() as a:
            return _latent(a, layer.count)
        case StateSpace() as m:
            # SiLU on what the convolution gives, softplus and exponential of each time step, the gated norm.
            ops = GATE * (state_space_conv(m) + m.heads) + (GATE + 1 + NORM) * inner(m)
            return [Vector("ssm", ops, layer.count)]
        case LinearAttention() as m:
            # SiLU after the convolution, q and k to unit length, beta and decay a head, the gated norm.
            ops = GATE * (linear_conv(m) + 2 * m.value_heads) + NORM * 2 * m.key_heads * m.key_dim
            return [Vector("delta", ops + (GATE + 1 + NORM) * value_width(m), layer.count)]
        case _:
            return []


def _grouped(a: GroupedAttention, count: int) -> list[Vector]:
    rotated = (a.heads + a.kv_heads) * a.head_dim
    ops = [_softmax(a.heads, a.head_dim, count, a.window)]
    if a.rope:
        ops.append(Vector("rope", ROPE * rotated, count, parts=2))
    if a.qk_norm:
        ops.append(Vector("qk_norm", NORM * rotated, count, parts=2, over_heads=a.wide_norm))
    if a.gated:
        ops.append(Vector("gate", GATE * a.heads * a.head_dim, count))
    return ops


def _latent(a: LatentAttention, count: int) -> list[Vector]:
    ops = [
        Vector("qk_norm", NORM * ((a.q_rank or 0) + a.kv_rank), count),
        Vector("rope", ROPE * (a.heads + 1) * a.rope_dim, count),
        _softmax(a.heads, a.value_dim, count, a.index.top if a.index else None),
    ]
    return [*ops, _index(a.index, a.rope_dim, count)] if a.index and a.index.own else ops


def _index(index: Indexer, rope_dim: int, count: int) -> Vector:
    """Its key is normed, key and queries are rotated and quantized; of each score ReLU, and a comparison to choose."""
    vectors = index.heads + 1
    return Vector(
        "index",
        NORM * index.head_dim + vectors * (ROPE * min(rope_dim, index.head_dim) + QUANTIZE * index.head_dim),
        count,
        index.heads + 1,
    )


def _softmax(heads: int, value_dim: int, count: int, window: int | None) -> Vector:
    return Vector("softmax", OUTPUT * heads * value_dim, count, SCORE * heads, window)


def _mlp(layer: Layer, hidden: int) -> list[Vector]:
    match layer.mlp:
        case FeedForward() as mlp:
            return [Vector("activation", _activation(mlp.width, mlp.gated), layer.count)]
        case Experts() as mlp:
            return [
                Vector("routing", ROUTE * mlp.experts + mlp.active * hidden, layer.count),
                Vector("activation", _expert_activations(mlp), layer.count),
            ]
        case _:
            return []


def _activation(width: int, gated: bool) -> int:
    return (GATED_ACTIVATION if gated else PLAIN_ACTIVATION) * width


def _expert_activations(mlp: Experts) -> int:
    shared = _activation(mlp.shared.width, mlp.shared.gated) if mlp.shared else 0
    return _activation(mlp.active * mlp.width, mlp.gated) + shared
