"""Parts of silicon_formats.py that know how keys and values are stored, by the bits of their codes: the quantizer of a
vector word, the cache writer with the word of its store, and what the weight decoder makes of the words that come back.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from amaranth.hdl import Module
from amaranth.lib.wiring import Component, Out, connect, flipped
from silicon_tables_parts import Part

from sartor.api.cells import RUNS, ones, random_bits
from sartor.families.tensor.core import Core
from sartor.families.tensor.rtl.cache_address import rows_of_word
from sartor.families.tensor.rtl.cache_writer import CacheWriter
from sartor.families.tensor.rtl.quantizer import Quantizer
from sartor.families.tensor.rtl.store_word import StoreWord
from sartor.families.tensor.rtl.weight_codes import WeightCodes
from sartor.flow import Simulator, to_words
from sartor.formats.decode import Element

STORING = Core(rows=8, lanes=32, columns=4, vector_lanes=16, port_bytes=64)
CACHES = {"int8": STORING, "int4": replace(STORING, cache_bits=4),
          "k8v4": replace(STORING, cache_bits=4, wide_keys=True)}  # fmt: skip
STILL = ("writer__base", "writer__value_stride", "writer__value_scales", "writer__groups")
EACH = 4  # cycles between groups, in the mean: most of them keys


class Stored(Component):
    """The cache writer, and the words that its stores become: without the queue of the memory block between them."""

    def __init__(self, core: Core) -> None:
        self.parts = CacheWriter(core), StoreWord(core)
        super().__init__({"writer": Out(self.parts[0].signature), "data": Out(8 * core.port_bytes),
                          "mask": Out(core.port_bytes)})  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.writer, m.submodules.word = writer, word = self.parts
        connect(m, flipped(self.writer), writer)
        m.d.comb += [word.store.eq(writer.store.payload), self.data.eq(word.data), self.mask.eq(word.mask)]
        return m


def floats(simulator: Simulator, rng: np.random.Generator) -> None:
    """A result of normal numbers accepted every cycle, and one before it that becomes codes."""
    drive(simulator, rng, high=("accept", "go"))
    for port in ("result", "word"):
        lanes = len(simulator.netlist.inputs[port]) // 32
        numbers = rng.normal(0, 1, (lanes, RUNS)).astype(np.float32).view(np.uint32).astype(np.int64)
        simulator.set(port, np.concatenate([to_words(lane, 32) for lane in numbers]))


def groups(simulator: Simulator, rng: np.random.Generator) -> None:
    """Keys and values of any tokens, one group in EACH cycles, the memory always ready; where they go stays."""
    drive(simulator, rng, high=("writer__store__ready",), still=STILL)
    simulator.set("writer__load", to_words((rng.integers(0, EACH, RUNS) == 0).astype(np.int64), 1))


def words_of(core: Core) -> Any:
    """Words of keys and of values, one as often as the other; of 4 bits those of values are paired."""

    def fill(simulator: Simulator, rng: np.random.Generator) -> None:
        drive(simulator, rng, high=("load",), still=("unsigned", "zeros", "high"))
        values = rng.integers(0, 2, RUNS)
        bits = np.where(values, core.cache_bits, core.key_bits)
        element = np.where(bits == 4, int(Element.INT4), int(Element.INT8))
        simulator.set("element", to_words(element, len(simulator.netlist.inputs["element"])))
        simulator.set("paired", to_words(values & (bits == 4), 1))

    return fill


def drive(simulator: Simulator, rng: np.random.Generator, high: tuple[str, ...], still: tuple[str, ...] = ()) -> None:
    """Random bits at all inputs; `high` are 1, `still` 0."""
    for port in simulator.netlist.inputs:
        if port in high:
            ones(simulator, port)
        elif port not in ("clk", "rst", *still):
            random_bits(simulator, rng, port)


def cache_parts() -> dict[str, Part]:
    found = {}
    for name, core in CACHES.items():
        step = replace(core, rows=core.port_bytes // 16)  # a word is what the tile takes in a cycle
        found[f"quantizer kv {name}"] = Part(lambda c=core: Quantizer(c, rows_of_word(c)), floats)
        found[f"writer kv {name}"] = Part(lambda c=core: Stored(c), groups)
        found[f"decoder kv {name}"] = Part(lambda c=step: WeightCodes(c), words_of(step))
    return found
