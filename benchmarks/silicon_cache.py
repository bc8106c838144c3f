"""What a cache of 4 bits takes beyond one of 8, in gate equivalents: rows `short_cache` of silicon.csv (silicon.py)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from amaranth.hdl import Module
from amaranth.lib.wiring import Component, Out, connect, flipped

from sartor.families.tensor import silicon
from sartor.families.tensor.core import Core
from sartor.families.tensor.rtl.cache_address import rows_of_word
from sartor.families.tensor.rtl.cache_writer import CacheWriter
from sartor.families.tensor.rtl.quantizer import Quantizer
from sartor.families.tensor.rtl.store_word import StoreWord
from sartor.families.tensor.rtl.weight_decoder import WeightDecoder
from sartor.flow import Library, gate_count, map_cells, to_rtlil

LEAST = Core(rows=2, lanes=32, columns=1, vector_lanes=2, port_bytes=16)
CORES = [
    replace(LEAST, **sizes) for sizes in (
        {}, {"vector_lanes": 4}, {"rows": 8}, {"port_bytes": 64},
        {"rows": 8, "port_bytes": 64, "vector_lanes": 16, "columns": 4},
        {"rows": 16, "port_bytes": 128, "vector_lanes": 8, "columns": 4},
        {"rows": 8, "lanes": 64, "port_bytes": 32, "vector_lanes": 4},
        {"rows": 4, "port_bytes": 32, "multiplier_bits": 8},
    )
]  # fmt: skip


class Together(Component):
    """Parts side by side, each with its own ports."""

    def __init__(self, **parts: Component) -> None:
        self.parts = parts
        super().__init__({name: Out(part.signature) for name, part in parts.items()})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        for name, part in self.parts.items():
            m.submodules[name] = part
            connect(m, flipped(getattr(self, name)), part)
        return m


def gates(core: Core) -> float:
    """Gate equivalents of all that knows how keys and values are stored."""
    parts = Together(quantizer=Quantizer(core, rows_of_word(core)), writer=CacheWriter(core), word=StoreWord(core),
                     decoder=WeightDecoder(core, True))  # fmt: skip
    whole = gate_count(to_rtlil(parts, "part"), "part").whole
    assert not whole.memory_bits
    return whole.gate_equivalents


def terms_of(core: Core) -> list[float]:
    found = silicon.terms(
        core.rows, core.lanes, core.columns, core.vector_lanes, core.port_bytes, core.multiplier_bits
    )
    return [float(found[name]) for name in silicon.SOME["short_cache"]]


def short_cache() -> dict[str, float]:
    """Gate equivalents by term, least squares; counted against fitted is printed."""
    more = np.array([gates(replace(core, cache_bits=4)) - gates(core) for core in CORES])
    matrix = np.array([terms_of(core) for core in CORES])
    found = np.linalg.lstsq(matrix, more, rcond=None)[0]
    for core, count, fitted in zip(CORES, more, matrix @ found, strict=True):
        size = f"{core.rows} x {core.lanes}, {core.vector_lanes} vector lanes, a port of {core.port_bytes} bytes"
        print(f"short_cache {size:52} {count:7,.0f} gate equivalents, fitted {fitted:7,.0f}", flush=True)
    return dict(zip(silicon.SOME["short_cache"], found.tolist(), strict=True))


def clock(library: Library, period_s: float) -> float:
    """Hz that the quantizer of the largest of the cores reaches: one that finds the largest number of 16 lanes."""
    core = replace(CORES[4], cache_bits=4)
    mapped = map_cells(to_rtlil(Quantizer(core, rows_of_word(core)), "part"), "part", library, period_s=period_s)
    return mapped.timing.fmax_hz
