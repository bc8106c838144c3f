"""Networks small enough for a test, with random weights, and what a core makes of them."""

from __future__ import annotations

import numpy as np

from sartor.compiler.accuracy import forced
from sartor.compiler.binary import Binary, compile_network
from sartor.families.tensor.core import Core
from sartor.families.tensor.golden import Golden
from sartor.families.tensor.network import Layer, Network
from sartor.formats.blocks import Blocks
from sartor.formats.floats import Floats
from sartor.formats.hardware import Coding
from sartor.formats.quantize import quantize


def blocks(
    rng: np.random.Generator, n: int, k: int, bits: int = 4, minimum: bool = False, group: int = 32
) -> Blocks:
    """Random weights of about 1 / sqrt(k)."""
    w = rng.normal(0, k**-0.5, (n, k)).astype(np.float32)
    return quantize(Floats("F32", w), Coding(bits, group, minimum))


def tiny(
    seed: int = 0, dim: int = 64, heads: int = 2, kv_heads: int = 1, head_dim: int = 32, ffn: int = 96,
    layers: int = 2, vocabulary: int = 64, bits: int = 4, minimum: bool = False, group: int = 32,
) -> Network:  # fmt: skip
    rng = np.random.default_rng(seed)

    def matrix(n: int, k: int) -> Blocks:
        return blocks(rng, n, k, bits, minimum, group)

    def norm() -> np.ndarray:
        return rng.normal(1, 0.2, dim).astype(np.float32)

    offset = np.random.default_rng(seed).normal(0, 0.3, kv_heads * head_dim).astype(np.float32)

    def layer() -> Layer:
        return Layer(
            norm(), matrix((heads + 2 * kv_heads) * head_dim, dim), matrix(dim, heads * head_dim),
            norm(), matrix(2 * ffn, dim), matrix(dim, ffn), key_offset=offset,
        )  # fmt: skip

    embedding = blocks(rng, vocabulary, dim, 8)
    head = blocks(rng, vocabulary, dim, 8)
    return Network(
        "tiny", dim, heads, kv_heads, head_dim, ffn, vocabulary, 4096, 1e-5, 10000.0,
        tuple(layer() for _ in range(layers)), embedding, norm(), head,
    )  # fmt: skip


def machine(core: Core, net: Network, context: int = 128) -> tuple[Binary, Golden]:
    binary = compile_network(core, net, context)
    return binary, Golden(core, binary.image, binary.program.instructions, binary.program.constants)


def decoded(
    core: Core, net: Network, tokens: list[int], prefilled: int = 0, context: int = 128
) -> np.ndarray:
    """float32 [tokens - prefilled, vocabulary]: logits of `tokens`, the first `prefilled` in chunks."""
    return forced(*machine(core, net, context), tokens, prefilled)
