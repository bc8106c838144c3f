"""Family `tensor`: the silicon. Area by part, leakage, power, and what one chip costs to make."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...tech import logic, package, sram, wafer
from ...tech.technology import Technology, rows_of
from . import silicon
from .datapath import SHORT, UNIT_BITS, datapath_of, decoders, unit_mm2
from .design import Designs
from .sizing import port_bytes


@dataclass(frozen=True)
class Physical:
    """One chip; floats or arrays [designs]. `area_mm2` by part, all dies; `parts_usd` of one good chip."""

    area_mm2: dict[str, Any]
    leakage_w: Any
    background_w: Any  # memory standby
    parts_usd: dict[str, Any]
    nre: dict[str, Any]  # the terms of economics.nre_usd that depend on the design

    @functools.cached_property
    def total_mm2(self) -> Any:
        return sum(self.area_mm2.values())

    @functools.cached_property
    def unit_usd(self) -> Any:
        return sum(self.parts_usd.values())


def physical(d: Designs, relative_voltage: Any, tech: Technology, device: bool) -> Physical:
    """Silicon and bill of materials of `d`; `device`: a small host port instead of a data-center one."""
    area = area_mm2(d, tech, device)
    total, package_row = sum(area.values()), d.package(device)
    density = (
        tech.column("nodes", "leakage", d.node)
        * tech.fact("overheads", "leakage", "hot_fraction")
        * relative_voltage
    )
    quiet = tech.fact("overheads", "leakage", "idle_fraction")
    logic_mm2 = area["tile"] + area["vector"]
    return Physical(
        area_mm2=area,
        leakage_w=density * (logic_mm2 + (total - logic_mm2) * quiet),
        background_w=tech.column("memories", "background_power", d.memory) * d.capacity_bytes,
        parts_usd=_parts_usd(d, tech, total, package_row),
        nre={
            "design_usd": tech.column("nodes", "design_nre", d.node),
            "mask_set_usd": tech.column("nodes", "mask_set", d.node),
            "package_usd": tech.column("packages", "nre", package_row),
        },
    )


def area_mm2(d: Designs, tech: Technology, device: bool) -> dict[str, Any]:
    """Parts of all dies, in mm2. `tile` is the matrix unit, all that feeds and drains the tile; `vector` the rest of
    the core's logic: vector unit, sequencer, memory block, host's registers.

    Logic: the cells of our own mapped RTL (silicon.csv, units.csv) x node ratio / placement density. Formats that have
    no RTL scale the 4-bit or 8-bit dot unit by the ratio of their multiply-adds' areas (macs.csv).
    """

    def overhead(item: str) -> Any:
        return tech.fact("overheads", "area", item)

    placed = logic.area_ratio(tech, d.node) * (d.cores / overhead("cell_utilization"))
    matrix, rest = _cells_mm2(d, tech)
    parts = {
        "tile": matrix * placed, "vector": rest * placed,
        "sram": sram.area_mm2(tech, d.node, (d.scratchpad_bytes + d.fifo_bytes) * d.cores),
        "memory phy": tech.column("memories", "phy_area", d.memory) * d.units,
        "link": tech.column("links", "area", d.link),
        "host": overhead("device_host_mm2" if device else "host_mm2"),
    }  # fmt: skip
    other = overhead("other_fraction")
    parts["other"] = sum(parts.values()) * (other / (1 - other))
    return parts


def _cells_mm2(d: Designs, tech: Technology) -> tuple[Any, Any]:
    """Cells of one core of each design, at N7: of its matrix unit, and the others."""
    datapath = datapath_of(d)
    port = port_bytes(d.bandwidth_bytes_per_s, d.cores, d.clock_hz)
    bits = rows_of(UNIT_BITS.astype(tech.dtype), datapath)
    counts = silicon.terms(d.rows, d.lanes, d.columns, d.vector_lanes, port, bits)
    matrix = counts["unit"] * unit_mm2(tech, datapath, d) + silicon.together_mm2(silicon.MATRIX, counts, tech)
    if d.mix:  # One more decoder for each other kind of codes, at most: one that knows two shares much of itself.
        matrix = matrix + silicon.together_mm2(("decoder",), counts, tech) * decoders(d).astype(tech.dtype)
    rest = silicon.together_mm2(silicon.REST, counts, tech)
    if np.any(short := rows_of(SHORT.astype(tech.dtype), d.cache)):
        rest = rest + silicon.together_mm2(("short_cache",), counts, tech) * short
    return matrix, rest


def _parts_usd(d: Designs, tech: Technology, total_mm2: Any, package_row: Any) -> dict[str, Any]:
    dies = wafer.good_die_usd(tech, d.node, total_mm2 / d.dies) * d.dies
    memory = tech.column("memories", "price", d.memory) * d.capacity_bytes
    stacked = np.where(d.stacked, memory, 0)
    whole = package.packaged_usd(tech, package_row, d.dies, dies, total_mm2, d.stacks, stacked)
    return {"die": dies, "memory": memory, "package and test": whole - dies - stacked}
