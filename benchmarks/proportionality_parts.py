"""The chips, networks and steps that proportionality.py counts."""

from __future__ import annotations

import dataclasses

import numpy as np

from sartor.chip.spec import Chip, Memory, Tile
from sartor.compiler.binary import compile_network
from sartor.compiler.gguf import network
from sartor.compiler.requantize import requantized
from sartor.families.tensor.core import Core
from sartor.families.tensor.network import Layer, Network
from sartor.families.tensor.sizing import _decoders, core_of
from sartor.families.tensor.start import Start
from sartor.formats.blocks import Blocks
from sartor.formats.decode import Element
from sartor.formats.floats import Floats
from sartor.formats.group_scale import MOST_PLANES, Scale
from sartor.formats.hardware import Coding, coding_of
from sartor.formats.quantize import quantize
from sartor.sim import memory_timing
from sartor.sim.simulator import Simulator
from sartor.workload import fetch
from sartor.workload.find import find_model
from sartor.workload.model import Model

LAYERS = {"smollm2-135m": 3, "llama-3.2-1b": 1}
NETWORKS, POSITION = tuple(LAYERS), 60
ROWS_OF_HEAD = 8016  # of the larger network
TILE = Tile(16, 32, 4, 16, "q4_0", kv="int8-g32", scratchpad_bytes=1024 * 1024, fifo_bytes=128 * 1024)
PORT_BYTES = 64


def memory(port_bytes: int) -> Memory:
    """It gives 0.55 of what its port takes at 450 MHz."""
    return Memory("lpddr4x", 1, 4e9, port_bytes * 0.55 * 450e6)


CHIP = Chip("proportional", "tensor", "N7", 450e6, memory(PORT_BYTES), tile=TILE)


def chip(rows: int, columns: int, port_bytes: int = PORT_BYTES, one_column: bool = False) -> Chip:
    """CHIP with another tile and port. That of one column reads the cache of a head again for each of its queries, and
    has more vector lanes, as its fewer multipliers admit."""
    tile = dataclasses.replace(TILE, rows=rows, columns=columns)
    if one_column:
        tile = dataclasses.replace(TILE, columns=1, vector_lanes=32, scratchpad_bytes=256 * 1024)
    return dataclasses.replace(CHIP, tile=tile, memory=memory(port_bytes))


def core(coding: Coding, one: Chip = CHIP, beside: tuple[Coding, ...] = ()) -> Core:
    """That of a chip, with multipliers and decoders for every format, or for those that are shifted: which, is a choice
    of no cycle where the memory is the bound. Where others stand `beside` it: of a chip for `coding`, with decoders for
    those that have the same multipliers."""
    if beside:
        own = _decoders({"own": coding}, (8, 8), "benchmark")["multiplier_bits"]
        alike = {str(c): c for c in beside if _decoders({"": c}, (8, 8), "benchmark")["multiplier_bits"] == own}
        return dataclasses.replace(core_of(one), **_decoders(alike, (8, 8), "benchmark"))
    if not coding.element.in_a_byte:
        return dataclasses.replace(
            core_of(one), multiplier_bits=9, elements=(Element.INT8, coding.element), scales=(Scale.POWER,)
        )
    return dataclasses.replace(
        core_of(one), multiplier_bits=5, elements=tuple(e for e in Element if e.in_a_byte),
        scales=(Scale.POWER, Scale.PAIR, Scale.PLANES, Scale.ZERO), planes=MOST_PLANES,
    )  # fmt: skip


def in_format(net: Network, coding: Coding) -> Network:
    """All that streams in one format, the head too."""
    head = quantize(Floats("F32", net.head.dequantized()), coding)
    return dataclasses.replace(requantized(net, coding), head=head)


def cycles(net: Network, coding: Coding, one: Core, timed: Chip, batch: int) -> tuple[int, float]:
    """Of one decode step, and the share of what the memory can give that it moved."""
    net = in_format(net, coding)
    binary = compile_network(one, net, 128, sequences=batch)
    simulator = Simulator(one, binary.image, memory_timing.of_chip(timed))
    simulator.load(binary.program.instructions, binary.program.constants)
    caches = tuple(binary.memory.cache_of(place) for place in range(batch))
    entry = binary.program.batch if batch > 1 else binary.program.decode
    done = simulator.start(Start(entry, (POSITION,) * batch, tuple(binary.row(1 + c) for c in range(batch)), caches))
    return done.cycles, done.memory.utilization


def network_of(name: str) -> Network:
    if name != NETWORKS[0]:
        return random_network(2048, 32, 8, 64, 8192, ROWS_OF_HEAD)
    whole = network(fetch.smollm2())
    return whole.slice(LAYERS[name], whole.vocabulary // 10)


def random_network(dim: int, heads: int, kv_heads: int, head_dim: int, ffn: int, vocabulary: int) -> Network:
    """One layer of normal weights: cycles do not depend on them."""
    rng = np.random.default_rng(0)

    def matrix(n: int, k: int) -> Blocks:
        return quantize(Floats("F32", rng.normal(0, k**-0.5, (n, k)).astype(np.float32)), coding_of("q8_0"))

    one, table = np.ones(dim, np.float32), matrix(vocabulary, dim)
    wide, narrow = heads * head_dim, kv_heads * head_dim
    layer = Layer(
        one, matrix(wide + 2 * narrow, dim), matrix(dim, wide), one, matrix(2 * ffn, dim), matrix(dim, ffn)
    )
    shape = dim, heads, kv_heads, head_dim, ffn, vocabulary, 2048, 1e-5, 10000.0
    return Network("random", *shape, (layer,), table, one, table)


def model_of(name: str) -> Model:
    """What `network_of` has of it."""
    whole = find_model(name)
    vocabulary = whole.vocabulary // 10 if name == NETWORKS[0] else ROWS_OF_HEAD
    layer = dataclasses.replace(whole.layers[0], count=LAYERS[name])
    return dataclasses.replace(whole, layers=(layer,), vocabulary=vocabulary)
