"""What the estimate needs of a design, worked out once and used by every phase."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...formats.spec import format_named, formats
from ...formulas import tile
from ...tables import table
from ...tech import dram, logic, sram
from ...tech.technology import Technology
from .design import FORMATS, Designs

PAGE_TOKENS = 32  # tokens of one layer's cache kept contiguous in one channel


@dataclass(frozen=True)
class Machine:
    """Rates and energies of designs, floats or arrays [designs]."""

    designs: Designs
    stream_bytes_per_s: Any
    chunk_half: Any
    compute_hz: Any  # folds a second of a core
    startup_s: Any  # of an operator: pipeline fill, barrier, one reduction of the vector unit
    vector_ops_per_s: Any
    prefetch_s: Any
    half_scratchpad: Any
    all_halves: Any  # of all cores
    weight_bits: Any  # stored, scales included
    weight_passes: Any
    tile_bits: Any
    cache_bits: Any
    cache_passes: Any
    link_latency_s: Any
    mac_j: Any
    vector_j: Any
    dram_j_per_byte: Any
    sram_j_per_byte: Any
    link_j_per_byte: Any

    def bits_passes(self, fixed: str | None) -> tuple[Any, Any]:
        """Stored bits and passes through the tile of a format the workload fixes, or of the design's own."""
        if fixed is None:
            return self.weight_bits, self.weight_passes
        form = format_named(fixed)
        return form.bits(), tile.folds(form.element_bits, self.tile_bits)


def format_column(what: str, dtype: Any) -> np.ndarray:
    """A figure of every number format, by its row in FORMATS."""
    values = {
        "bits": [f.bits() for f in formats().values()],
        "element_bits": [f.element_bits for f in formats().values()],
    }
    return np.array(values[what], dtype)


_DATAPATH = np.array([table("macs").index(format_named(name).datapath) for name in FORMATS])
# What one pass of each datapath takes of an element: its multiplier's width.
_DATAPATH_BITS = {"int8": 8, "int4": 4, "fp4": 4, "fp8": 8, "ternary": 2, "lut": 2, "bf16": 16, "fp16": 16}


def prepare(designs: Designs, relative_voltage: Any, tech: Technology) -> Machine:
    """Rates and energies of `designs` at `relative_voltage` (V / Vnom) under the facts of `tech`."""
    d, dtype = designs, tech.dtype
    datapath = _DATAPATH[d.weights]
    widths = np.array([_DATAPATH_BITS[item] for item in table("macs").items], dtype)
    tile_bits = widths[datapath]
    element = format_column("element_bits", dtype)
    energy = logic.energy_ratio(tech, d.node, relative_voltage)
    factor = tech.fact("overheads", "energy", "logic_factor")
    stream = dram.stream_bytes_per_s(tech, d.memory, d.bandwidth_bytes_per_s)
    latency = tech.column("memories", "latency", d.memory)
    # A FIFO shallower than one memory latency cannot even keep the stream going.
    prefetch = d.fifo_bytes * d.cores / stream
    return Machine(
        designs=d,
        stream_bytes_per_s=stream * np.minimum(prefetch / latency, 1),
        chunk_half=tech.column("memories", "chunk_half", d.memory),
        compute_hz=d.clock_hz * tech.fact("overheads", "pipeline", "achieved_compute"),
        startup_s=_pipeline(tech, "fill_cycles", "sync_cycles", "vector_startup_cycles") / d.clock_hz,
        vector_ops_per_s=d.vector_lanes * d.cores * d.clock_hz,
        prefetch_s=np.maximum(prefetch, latency),  # at the rate that such a FIFO keeps
        half_scratchpad=d.scratchpad_bytes / 2,
        all_halves=d.scratchpad_bytes * d.cores / 2,
        weight_bits=format_column("bits", dtype)[d.weights],
        weight_passes=tile.folds(element[d.weights], tile_bits),
        tile_bits=tile_bits,
        cache_bits=format_column("bits", dtype)[d.cache],
        cache_passes=tile.folds(element[d.cache], tile_bits),
        link_latency_s=tech.column("links", "latency", d.link),
        mac_j=tech.column("macs", "energy", datapath) * energy * factor,
        vector_j=tech.fact("overheads", "energy", "vector_op") * energy * factor,
        dram_j_per_byte=dram.access_j_per_byte(tech, d.memory),
        # Streamed bytes are written to a FIFO and read from it.
        sram_j_per_byte=2 * sram.access_j_per_byte(tech, d.fifo_bytes, energy),
        link_j_per_byte=tech.column("links", "energy", d.link),
    )


def _pipeline(tech: Technology, *items: str) -> Any:
    return sum(tech.fact("overheads", "pipeline", item) for item in items)
