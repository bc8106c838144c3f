"""Weights that are quantized already, rounded once more to another format: what is lost twice, only when asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..families.tensor.network import Layer, Network
from ..formats.blocks import Blocks
from ..formats.floats import Floats
from ..formats.hardware import Coding
from ..formats.parts import EMBEDDING
from ..formats.quantize import quantize

MATRICES = {"qkv": "attn_qkv", "output": "attn_o", "gate_up": "ffn_in", "down": "ffn_down"}  # as formats.parts has them


def requantized(net: Network, coding: Coding | Mapping[str, Coding]) -> Network:
    """`net` with the matrices of its layers as `coding`, or each part of the model as it says; what it does not name
    stays as it is, the head too where there is one coding."""
    codings = coding if isinstance(coding, Mapping) else dict.fromkeys(MATRICES.values(), coding)

    def again(w: Blocks, part: str, where: str) -> Blocks:
        wanted = codings.get(part, w.coding)
        return w if w.coding == wanted else quantize(Floats("F32", w.dequantized()), wanted, where)

    def layer(i: int, one: Layer) -> Layer:
        changed: dict[str, Any] = {
            name: again(getattr(one, name), part, f"{net.name}: {name} of layer {i}") for name, part in MATRICES.items()
        }
        return replace(one, **changed)

    head = again(net.head, EMBEDDING, f"{net.name}: the head")
    return replace(net, head=head, layers=tuple(layer(i, one) for i, one in enumerate(net.layers)))
