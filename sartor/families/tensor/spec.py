"""Family `tensor`: one chip of a spec as a design, and a design as a spec."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...chip.spec import ENGINES, Chip, Link, Memory, Tile
from ...errors import InputError, Unsupported
from ...formats.spec import format_named
from ...tables import table
from ...tech import logic
from ...tech.technology import NOMINAL
from ...units import si
from .datapath import clock_hz, datapath_of, slowest_part
from .design import FORMATS, Designs


def from_chip(chip: Chip) -> Designs:
    """One chip as scalars; refused where its clock is more than its parts keep."""
    tile, memory = chip.tile, chip.memory
    assert tile is not None  # Chip checked it: family tensor has a tile
    format_named(tile.weights), format_named(tile.kv)
    if not memory.bandwidth_bytes_per_s:
        raise Unsupported(
            f"{chip.name}: family tensor streams its weights, but [memory] {memory.kind} has no bandwidth "
            "(try lpddr5x or hbm3e)"
        )
    designs = Designs(
        node=table("nodes").index(chip.node), clock_hz=chip.clock_hz, cores=chip.cores, dies=chip.dies,
        rows=tile.rows, lanes=tile.lanes, columns=tile.columns, vector_lanes=tile.vector_lanes,
        scratchpad_bytes=tile.scratchpad_bytes, fifo_bytes=tile.fifo_bytes,
        weights=FORMATS.index(tile.weights), cache=FORMATS.index(tile.kv),
        memory=table("memories").index(memory.kind), units=memory.units, capacity_bytes=memory.capacity_bytes,
        bandwidth_bytes_per_s=memory.bandwidth_bytes_per_s,
        link=table("links").index(chip.link.kind), link_bytes_per_s=chip.link.bandwidth_bytes_per_s,
        mix={part: FORMATS.index(format_named(name).name) for part, name in tile.mix.items()},
        engine=ENGINES.index(tile.engine),
    )  # fmt: skip
    _check_clock(chip, designs)
    return designs


def _check_clock(chip: Chip, designs: Designs) -> None:
    """The highest voltage gives (voltage_max - 1) / voltage_slope more than the nominal one: the line of
    logic.relative_voltage, solved for the clock."""
    row, overheads = int(datapath_of(designs)), table("overheads")
    cells_hz = float(clock_hz(NOMINAL, row, designs))
    highest, slope = (overheads.fact("clock", name).value for name in ("voltage_max", "voltage_slope"))
    most_hz = float(logic.clock_hz(NOMINAL, designs.node, cells_hz)) * (1 + (highest - 1) / slope)
    if chip.clock_hz > most_hz * (1 + 1e-9):
        slowest, hz = slowest_part(row, designs)
        raise InputError(
            f"{chip.name}: clock = {si(chip.clock_hz, 'Hz')} is more than the {si(most_hz, 'Hz')} that its parts keep "
            f"in {chip.node} at {highest:g} times the nominal voltage; the slowest is the {slowest}, mapped at "
            f"{si(hz, 'Hz')} on ASAP7 cells (try clock = \"{int(most_hz / 1e7) / 100:g} GHz\" or a newer node)"
        )


def to_chip(designs: Designs, name: str, device: bool, row: int = 0) -> Chip:
    """The chip at `row`, as a spec."""
    one = designs.one(row)

    def at(name: str) -> Any:
        return getattr(one, name)

    node = table("nodes").items[at("node")]
    cells_hz = clock_hz(NOMINAL, datapath_of(one), one)
    relative = float(logic.relative_voltage(NOMINAL, at("node"), at("clock_hz"), cells_hz))
    # A part in the format of all others needs no word.
    mix = {part: FORMATS[form] for part, form in one.mix.items() if form != at("weights")}
    tile = Tile(
        rows=int(at("rows")), lanes=int(at("lanes")), columns=int(at("columns")),
        vector_lanes=int(at("vector_lanes")), weights=FORMATS[at("weights")], kv=FORMATS[at("cache")],
        mix=mix, engine=ENGINES[at("engine")],
        scratchpad_bytes=int(at("scratchpad_bytes")), fifo_bytes=int(at("fifo_bytes")),
    )  # fmt: skip
    kind = table("memories").items[at("memory")]
    packages = np.broadcast_to(designs.package(device), designs.shape or (1,))
    return Chip(
        name=name, family="tensor", node=node, clock_hz=float(at("clock_hz")), cores=int(at("cores")),
        dies=int(at("dies")), tile=tile,
        voltage_v=round(relative * table("nodes").fact(node, "voltage").value, 3),
        memory=Memory(kind, int(at("units")), at("capacity_bytes"), at("bandwidth_bytes_per_s")),
        link=Link(table("links").items[at("link")], float(at("link_bytes_per_s"))),
        package=table("packages").items[packages[row].item()],
    )  # fmt: skip
