"""What a cache with values of 4 bits takes beyond one of 8: rows `short_cache` of silicon.csv (silicon.py).

Areas are those of all that knows how keys and values are stored, mapped: quantizer, cache writer, the word of a store,
weight decoder. Energies are of the quantizer and of the decoder's code registers (formats_silicon.csv, written by
silicon_formats.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from amaranth.hdl import Module
from amaranth.lib.wiring import Component, Out, connect, flipped
from silicon_cache_parts import STORING

from sartor.families.tensor import silicon
from sartor.families.tensor.core import Core
from sartor.families.tensor.rtl.cache_address import rows_of_word
from sartor.families.tensor.rtl.cache_writer import CacheWriter
from sartor.families.tensor.rtl.quantizer import Quantizer
from sartor.families.tensor.rtl.store_word import StoreWord
from sartor.families.tensor.rtl.weight_decoder import WeightDecoder
from sartor.flow import Library, map_cells, to_rtlil

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


WHOLE = {**dict.fromkeys(range(len(CORES)), ({"cache_bits": 4},)),
         **dict.fromkeys((0, 4), ({"cache_bits": 4}, {"cache_bits": 4, "wide_keys": True}))}  # fmt: skip


def mapped(core: Core, library: Library, period_s: float) -> tuple[float, float]:
    """Cell area (um2) of all that knows how keys and values are stored, and the clock that it reaches (Hz)."""
    parts = Together(quantizer=Quantizer(core, rows_of_word(core)), writer=CacheWriter(core), word=StoreWord(core),
                     decoder=WeightDecoder(core, True))  # fmt: skip
    found = map_cells(to_rtlil(parts, "part"), "part", library, period_s=period_s)
    return found.area_um2, found.timing.fmax_hz


def terms_of(core: Core) -> dict[str, Any]:
    return silicon.terms(core.rows, core.lanes, core.columns, core.vector_lanes, core.port_bytes, core.multiplier_bits)


def more(library: Library, period_s: float) -> Iterator[tuple[Core, float, float]]:
    """Cores with such a cache, the cell area (um2) that it takes more of each, and the clock that it reaches (Hz)."""
    for i, core in enumerate(CORES):
        plain, _ = mapped(core, library, period_s)
        for kind in WHOLE[i]:
            short = replace(core, **kind)
            area, hertz = mapped(short, library, period_s)
            size = f"{core.rows} x {core.lanes}, {core.vector_lanes} vector lanes, a port of {core.port_bytes} bytes"
            print(f"short_cache {size:52} {area - plain:6.1f} um2 more than {plain:7.1f}, {hertz / 1e9:.3f} GHz",
                  flush=True)  # fmt: skip
            yield short, area - plain, hertz


def energies_j(rows: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Of a number that is quantized, and of a byte of codes, what they take more (J); `rows` of parts on ASAP7."""

    def between(part: str, bits: str) -> float:
        return float(rows[f"{part} kv {bits}"]["energy_j"]) - float(rows[f"{part} kv int8"]["energy_j"])

    return {"number": between("quantizer", "int4") / STORING.vector_lanes,
            "byte": between("decoder", "int4") / STORING.port_bytes}  # fmt: skip
