"""Values streamed as a matrix of their own: the same numbers, bit for bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from tiny_network import decoded, tiny

from sartor.compiler.reference import Reference
from sartor.compiler.requantize import parts_of, requantized
from sartor.families.tensor.core import Core
from sartor.families.tensor.network import Layer, Network
from sartor.formats.decode import Element
from sartor.formats.hardware import coding_of

CORE = Core(rows=32, columns=2, elements=(Element.INT4, Element.INT8))
NET = tiny(heads=4, kv_heads=2)
TOKENS = [3, 1, 4, 1, 5, 9, 2, 6]


def split(net: Network) -> Network:
    """Queries and keys, and values, of one format."""
    below = net.layers[0].qkv.n - net.kv_heads * net.head_dim

    def apart(one: Layer) -> Layer:
        return replace(one, qkv=one.qkv.rows(slice(below)), values=one.qkv.rows(slice(below, None)))

    return replace(net, layers=tuple(map(apart, net.layers))).checked()


def test_the_same_logits() -> None:
    assert np.array_equal(decoded(CORE, NET, TOKENS, 4), decoded(CORE, split(NET), TOKENS, 4))


def test_values_in_a_format_of_their_own() -> None:
    other = requantized(NET, {"attn_v": coding_of("int3-g32")})
    assert parts_of(other)["attn_v"] == coding_of("int3-g32") != parts_of(other)["attn_qk"]
    assert requantized(other, {}).layers[0].values is other.layers[0].values
    core = replace(CORE, elements=(*CORE.elements, Element.INT3))
    ours, theirs = (Reference(net).logits(TOKENS)[4:] for net in (other, NET))
    found = decoded(core, other, TOKENS, 4)
    # What is left is the arithmetic of activations.
    assert np.abs(found - ours).mean() < np.abs(found - theirs).mean() / 3
