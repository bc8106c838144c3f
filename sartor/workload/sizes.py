"""What a model weighs: parameters, bytes of weights in given formats, bytes of cache a token."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from ..errors import UnknownName
from ..formats.spec import format_named
from .derive import operators
from .gemms import inner, linear_conv, state_space_conv
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
from .step import Number, Step

CLASSES = ("attention", "ffn", "expert", "mixer", "head", "router", "embedding", "norm")
QUANTIZED = ("attention", "ffn", "expert", "mixer", "head")


def parameters(model: Model) -> int:
    """Every learned number: matrices, biases, norms, sinks, router corrections, A, D, time-step biases."""
    return sum(elements(model).values())


def elements(model: Model) -> Counter[tuple[str, int]]:
    """Stored elements by (tensor class, row length); a vector has row length 1 and class norm."""
    ops = operators(model, "prefill")
    stored: Counter[tuple[str, int]] = Counter()
    for gemm in ops.gemms:
        stored[gemm.tensor, gemm.k] += gemm.weight_elements
    for table in ops.lookups:
        stored["embedding", table.width] += table.weight_elements
    stored["norm", 1] += vector_elements(model)
    return +stored


def class_elements(model: Model) -> dict[str, int]:
    """Stored elements by tensor class."""
    by_class: dict[str, int] = {}
    for (tensor, _), count in elements(model).items():
        by_class[tensor] = by_class.get(tensor, 0) + count
    return by_class


def part_elements(model: Model) -> dict[tuple[str, str], int]:
    """Stored elements by tensor class and by part, which may have a number format of its own."""
    found: dict[tuple[str, str], int] = {}
    for gemm in (one for whole in operators(model, "prefill").gemms for one in whole.apart()):
        key = gemm.tensor, gemm.part
        found[key] = found.get(key, 0) + gemm.weight_elements
    rest = {t: n for t, n in class_elements(model).items() if t in ("embedding", "norm")}
    return found | {(tensor, tensor): n for tensor, n in rest.items()}


def vector_elements(model: Model) -> int:
    """Elements outside matrices and tables."""
    layers = sum(layer.count * layer_vector_elements(layer, model.hidden) for layer in model.layers)
    return layers + model.hidden + (model.vocabulary if model.head_bias else 0)


def layer_vector_elements(layer: Layer, hidden: int) -> int:
    return layer.norms * hidden + _mixer_vectors(layer, hidden) + _mlp_vectors(layer, hidden)


def _mixer_vectors(layer: Layer, hidden: int) -> int:
    match layer.mixer:
        case GroupedAttention() as a:
            qkv = (a.heads * (2 if a.gated else 1) + 2 * a.kv_heads) * a.head_dim
            biases = (qkv if a.qkv_bias else 0) + (hidden if a.out_bias else 0)
            normed = a.heads + a.kv_heads if a.wide_norm else 2
            return biases + (normed * a.head_dim if a.qk_norm else 0) + (a.heads if a.sinks else 0)
        case LatentAttention() as a:
            # The norms of the two latents; weight and bias of the index's key.
            return (a.q_rank or 0) + a.kv_rank + (2 * a.index.head_dim if a.index and a.index.own else 0)
        case StateSpace() as m:
            # The convolution, A, D and the time step's bias a head, the gated norm.
            return state_space_conv(m) * (m.conv + m.conv_bias) + 3 * m.heads + inner(m)
        case LinearAttention() as m:
            # The convolution, A and the time step's bias a value head, one norm for all heads.
            return linear_conv(m) * m.conv + 2 * m.value_heads + m.value_dim
        case _:
            return 0


def _mlp_vectors(layer: Layer, hidden: int) -> int:
    match layer.mlp:
        case FeedForward() as mlp:
            return _bias(mlp.width, mlp.gated, hidden) if mlp.bias else 0
        case Experts() as mlp:
            biases = mlp.experts * _bias(mlp.width, mlp.gated, hidden) if mlp.bias else 0
            shared = (
                _bias(mlp.shared.width, mlp.shared.gated, hidden) if mlp.shared and mlp.shared.bias else 0
            )
            return biases + shared + (mlp.experts if mlp.router_bias else 0)
        case _:
            return 0


def _bias(width: int, gated: bool, hidden: int) -> int:
    return (2 if gated else 1) * width + hidden


def vector_elements_read(model: Model, step: Step) -> Number:
    """Elements outside matrices and tables that a step touches: all but the biases of experts not chosen."""
    idle = 0
    for layer in model.layers:
        mlp = layer.mlp
        if isinstance(mlp, Experts) and mlp.bias:
            untouched = (1 - mlp.active / mlp.experts) ** step.rows
            idle += layer.count * mlp.experts * untouched * _bias(mlp.width, mlp.gated, model.hidden)
    return vector_elements(model) - idle


def active_parameters(model: Model) -> int:
    """Parameters less the experts that a token does not choose (embedding and head counted in full)."""
    idle = sum(g.k * g.n * g.count * (g.experts - g.active) for g in operators(model, "prefill").gemms)
    biases = vector_elements(model) - round(vector_elements_read(model, Step(1, 1, 0)))
    return parameters(model) - idle - biases


def tensor_formats(model: Model, weights: str | Mapping[str, str] | None = None) -> dict[str, str]:
    """The format of each tensor class. None: as published. A name: matrices in that format, while embedding,
    router and vectors stay as published. A mapping: those classes in those formats, the rest as published.
    A tied embedding is the head's matrix and has its format."""
    formats = {name: model.formats.get(name, model.weights) for name in CLASSES}
    if isinstance(weights, str):
        formats |= dict.fromkeys(QUANTIZED, weights)
    for name, fmt in weights.items() if isinstance(weights, Mapping) else ():
        if name not in CLASSES:
            raise UnknownName("tensor class", name, CLASSES)
        formats[name] = fmt
    return formats | ({"embedding": formats["head"]} if model.tied else {})


def weight_bytes(model: Model, weights: str | Mapping[str, str] | None = None) -> float:
    """Bytes of all weights; a tied embedding counts once, as the head. `weights` as in `tensor_formats`."""
    formats = tensor_formats(model, weights)
    return sum(n * element_bytes(formats[name], row) for (name, row), n in elements(model).items())


def element_bytes(fmt: str, row: int) -> float:
    """Bytes an element in rows of `row` elements, with its share of the scales; vectors (row 1) have none."""
    number = format_named(fmt)
    return (number.element_bits if row == 1 else number.bits(row)) / 8


def cache_bytes_per_token(model: Model, fmt: str = "bf16") -> float:
    """Bytes that one more token adds to the KV cache while no window is full."""
    return sum(
        a.cached * a.count * element_bytes(fmt, a.cached) for a in operators(model, "decode").attentions
    )


def cache_bytes(model: Model, fmt: str, tokens: Number) -> Number:
    """Bytes of KV cache that one sequence of `tokens` keeps, windows respected."""
    attentions = operators(model, "decode").attentions
    return sum(a.cache_elements_held(tokens) * element_bytes(fmt, a.cached) for a in attentions)


def state_bytes(model: Model, fmt: str = "fp32") -> float:
    """Bytes of recurrent state that one sequence keeps, whatever its length."""
    recurrences = operators(model, "decode").recurrences
    return sum(r.state_elements(1) * element_bytes(fmt, r.state) for r in recurrences)
