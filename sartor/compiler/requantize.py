"""Weights that are quantized already, rounded once more to another format: what is lost twice, only when asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..families.tensor.network import Layer, Network
from ..formats.blocks import Blocks
from ..formats.floats import Floats
from ..formats.hardware import Coding
from ..formats.parts import EMBEDDING, GROUPS, VALUES
from ..formats.quantize import quantize

# Matrices of a layer by the parts of formats.parts; values may leave queries and keys.
MATRICES = {"output": "attn_o", "gate_up": "ffn_in", "down": "ffn_down"}


def parts_of(net: Network) -> dict[str, Coding]:
    """How `net` stores each part of the model."""
    one = net.layers[0]
    found = {part: getattr(one, name).coding for name, part in MATRICES.items()}
    values = one.qkv if one.values is None else one.values
    return found | {"attn_qk": one.qkv.coding, VALUES: values.coding, EMBEDDING: net.head.coding}


def requantized(net: Network, coding: Coding | Mapping[str, Coding]) -> Network:
    """`net` with the matrices of its layers as `coding`, or each part of the model as it says; what it does not name
    stays as it is, the head too where there is one coding."""
    codings = coding if isinstance(coding, Mapping) else dict.fromkeys(GROUPS["linear"], coding)

    def again(w: Blocks, part: str, where: str) -> Blocks:
        wanted = codings.get(part, w.coding)
        return w if w.coding == wanted else quantize(Floats("F32", w.dequantized()), wanted, where)

    def layer(i: int, one: Layer) -> Layer:
        where = f"of layer {i}"
        changed: dict[str, Any] = {
            name: again(getattr(one, name), part, f"{net.name}: {name} {where}") for name, part in MATRICES.items()
        }
        qkv, values = one.qkv, one.values
        if values is None and codings.get("attn_qk", qkv.coding) != codings.get(VALUES, qkv.coding):
            below = qkv.n - net.kv_heads * net.head_dim
            qkv, values = qkv.rows(slice(below)), qkv.rows(slice(below, None))
        if values is not None:
            changed["values"] = again(values, VALUES, f"{net.name}: values {where}")
        return replace(one, qkv=again(qkv, "attn_qk", f"{net.name}: qkv {where}"), **changed)

    head = again(net.head, EMBEDDING, f"{net.name}: the head")
    return replace(net, head=head, layers=tuple(layer(i, one) for i, one in enumerate(net.layers)))
