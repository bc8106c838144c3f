"""Weights that are quantized already, rounded once more to another format: what is lost twice, only when asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..families.tensor.network import Layer, Network
from ..formats.blocks import Blocks
from ..formats.floats import Floats
from ..formats.hardware import Coding
from ..formats.quantize import quantize

MATRICES = ("qkv", "output", "gate_up", "down")


def requantized(net: Network, coding: Coding) -> Network:
    """`net` with the matrices of its layers as `coding`; embedding and head as they are."""

    def again(w: Blocks, where: str) -> Blocks:
        return w if w.coding == coding else quantize(Floats("F32", w.dequantized()), coding, where)

    def layer(i: int, one: Layer) -> Layer:
        changed: dict[str, Any] = {
            name: again(getattr(one, name), f"{net.name}: {name} of layer {i}") for name in MATRICES
        }
        return replace(one, **changed)

    return replace(net, layers=tuple(layer(i, one) for i, one in enumerate(net.layers)))
