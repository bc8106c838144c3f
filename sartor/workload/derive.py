"""From a model's shapes to what a phase must compute."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from ..errors import UnknownName
from .gemms import Phase, head_gemm, inner, layer_gemms, linear_conv, state_space_conv
from .model import GroupedAttention, LatentAttention, Layer, LinearAttention, Model, StateSpace
from .operators import Attention, Lookup, Operator, Operators, Recurrence
from .vectors import head_vectors, layer_vectors

PHASES: tuple[Phase, ...] = ("prefill", "decode")


def operators(model: Model, phase: Phase) -> Operators:
    """All operators of `phase`; equal operators of different layers are one with their counts added.

    MLA is counted as it is run: expanded in prefill, absorbed in decode. The language-model head sees one
    vector a sequence in both phases.
    """
    if phase not in PHASES:
        raise UnknownName("phase", phase, PHASES)
    ops: list[Operator] = list(_lookups(model))
    for layer in model.layers:
        ops += _layer(layer, model.hidden, phase)
    ops += [*head_vectors(model), head_gemm(model)]
    return Operators(phase, _merged(ops))


def _lookups(model: Model) -> list[Lookup]:
    positions = model.learned_positions
    tables = [Lookup("embedding", model.vocabulary, model.hidden, model.tied)]
    return tables + ([Lookup("positions", positions, model.hidden, False)] if positions else [])


def _layer(layer: Layer, hidden: int, phase: Phase) -> list[Operator]:
    return [*layer_gemms(layer, hidden, phase), *_mixing(layer, phase), *layer_vectors(layer, hidden, phase)]


def _mixing(layer: Layer, phase: Phase) -> list[Operator]:
    match layer.mixer:
        case GroupedAttention() as a:
            cached = 2 * a.kv_heads * a.head_dim
            name = "attention" if a.window is None else "window_attention"
            return [
                Attention(name, a.heads, a.kv_heads, a.head_dim, a.head_dim, layer.count, cached, a.window)
            ]
        case LatentAttention() as a:
            return [*_index(a, layer.count), _latent_attention(a, layer.count, phase)]
        case StateSpace() as m:
            return [_state_space(m, layer.count)]
        case LinearAttention() as m:
            return [_delta(m, layer.count)]
        case _:
            return []


def _latent_attention(a: LatentAttention, count: int, phase: Phase) -> Attention:
    """Absorbed, every head attends to the one latent; expanded, each to its own keys and values."""
    cached, chosen = a.kv_rank + a.rope_dim, a.index.top if a.index else None
    if phase == "decode":
        return Attention("latent_attention", a.heads, 1, cached, a.kv_rank, count, cached, chosen=chosen)
    expanded = a.nope_dim + a.rope_dim, a.value_dim
    return Attention("latent_attention", a.heads, a.heads, *expanded, count, cached, chosen=chosen)


def _index(a: LatentAttention, count: int) -> list[Attention]:
    """Scores of every token: its heads share one key, and their scores are added with a weight each."""
    if a.index is None or not a.index.own:
        return []
    return [Attention("index", a.index.heads, 1, a.index.head_dim, 1, count, a.index.head_dim)]


def _state_space(m: StateSpace, count: int) -> Recurrence:
    """Mamba-2, one token after the other: h = a h + (dt x) B is two multiplies an element of the state,
    y = C h one, and D x one a channel. (The chunked form of prefill trades more MACs for GEMMs.)"""
    state = inner(m) * m.state
    channels = state_space_conv(m)
    macs = 3 * state + inner(m) + m.conv * channels
    return Recurrence("ssm", state + (m.conv - 1) * channels, macs, count)


def _delta(m: LinearAttention, count: int) -> Recurrence:
    """Gated DeltaNet, one token after the other: S k, the decay of S, its update by k (v - S k) and S q are
    one multiply an element of the state each."""
    state = m.value_heads * m.key_dim * m.value_dim
    channels = linear_conv(m)
    return Recurrence("delta", state + (m.conv - 1) * channels, 4 * state + m.conv * channels, count)


def _merged(ops: Iterable[Operator]) -> tuple[Operator, ...]:
    """Operators that differ in their count only, as one, at the place of the first."""
    counts: dict[Operator, int] = {}
    for op in ops:
        if isinstance(op, Lookup):
            counts[op] = 1
            continue
        one = dataclasses.replace(op, count=1)
        counts[one] = counts.get(one, 0) + op.count
    return tuple(
        op if isinstance(op, Lookup) else dataclasses.replace(op, count=n) for op, n in counts.items()
    )
