"""Family `tensor` as a structure of arrays: the same fields for one chip and for millions."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from ...chip.spec import Chip, Link, Memory, Tile
from ...errors import Unsupported
from ...formats.spec import format_named, formats
from ...tables import table
from ...tech import logic
from ...tech.technology import NOMINAL, rows_of

FORMATS = tuple(formats())  # the row numbers by which designs name number formats
_STACKED = ("hbm2", "hbm2e", "hbm3", "hbm3e", "hbm4")


@dataclass(frozen=True)
class Designs:
    """Each field is a number or an array [designs]; kinds are row numbers of their tables."""

    node: Any
    clock_hz: Any
    cores: Any  # all dies together
    dies: Any
    rows: Any
    lanes: Any
    columns: Any
    vector_lanes: Any
    scratchpad_bytes: Any  # a core
    fifo_bytes: Any  # a core
    weights: Any  # row of FORMATS
    cache: Any  # row of FORMATS
    memory: Any
    units: Any
    capacity_bytes: Any
    bandwidth_bytes_per_s: Any
    link: Any
    link_bytes_per_s: Any
    mix: Mapping[str, Any] = field(default_factory=dict)  # rows of FORMATS of parts that have their own

    def take(self, rows: Any) -> Designs:
        """The designs at `rows`."""

        def of(value: Any) -> Any:
            return np.broadcast_to(value, self.shape)[rows] if np.ndim(value) else value

        mix = {part: of(value) for part, value in self.mix.items()}
        return Designs(**{name: of(value) for name, value in self._values().items()}, mix=mix)

    def one(self, row: int = 0) -> Designs:
        """The design at `row`, as plain numbers."""

        def of(value: Any) -> Any:
            return np.broadcast_to(value, self.shape or (1,))[row].item()

        mix = {part: of(value) for part, value in self.mix.items()}
        return Designs(**{name: of(value) for name, value in self._values().items()}, mix=mix)

    @property
    def shape(self) -> tuple[int, ...]:
        return np.broadcast_shapes(*(np.shape(v) for v in (*self._values().values(), *self.mix.values())))

    def _values(self) -> dict[str, Any]:
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "mix"}

    @functools.cached_property
    def stacks(self) -> Any:
        """Memory stacks on the package; 0 where memory is soldered beside it."""
        return self.stacked * self.units

    @functools.cached_property
    def stacked(self) -> Any:
        """1 where memory is stacked on the package, else 0."""
        return rows_of(_is_stacked(), self.memory)

    def package(self, device: bool) -> Any:
        """Row of packages.csv: an interposer where stacks or several dies need one; a chip-scale package in a
        device."""
        return rows_of(_package_rows(device), 2 * self.stacked + (self.dies > 1))


@functools.cache
def _is_stacked() -> np.ndarray:
    return np.array([kind in _STACKED for kind in table("memories").items])


@functools.cache
def _package_rows(device: bool) -> np.ndarray:
    """By 2 x stacked memory + several dies."""
    names = "fccsp" if device else "fcbga", "cowos-l", "cowos-s", "cowos-l"
    return np.array([table("packages").index(name) for name in names])


def from_chip(chip: Chip) -> Designs:
    """One chip as scalars."""
    tile, memory = chip.tile, chip.memory
    assert tile is not None  # Chip checked it: family tensor has a tile
    format_named(tile.weights), format_named(tile.kv)
    if not memory.bandwidth_bytes_per_s:
        raise Unsupported(
            f"{chip.name}: family tensor streams its weights, but [memory] {memory.kind} has no bandwidth "
            "(try lpddr5x or hbm3e)"
        )
    return Designs(
        node=table("nodes").index(chip.node), clock_hz=chip.clock_hz, cores=chip.cores, dies=chip.dies,
        rows=tile.rows, lanes=tile.lanes, columns=tile.columns, vector_lanes=tile.vector_lanes,
        scratchpad_bytes=tile.scratchpad_bytes, fifo_bytes=tile.fifo_bytes,
        weights=FORMATS.index(tile.weights), cache=FORMATS.index(tile.kv),
        memory=table("memories").index(memory.kind), units=memory.units, capacity_bytes=memory.capacity_bytes,
        bandwidth_bytes_per_s=memory.bandwidth_bytes_per_s,
        link=table("links").index(chip.link.kind), link_bytes_per_s=chip.link.bandwidth_bytes_per_s,
        mix={part: FORMATS.index(format_named(name).name) for part, name in tile.mix.items()},
    )  # fmt: skip


def to_chip(designs: Designs, name: str, device: bool, row: int = 0) -> Chip:
    """The chip at `row`, as a spec."""
    one = designs.one(row)

    def at(name: str) -> Any:
        return getattr(one, name)

    node = table("nodes").items[at("node")]
    relative = float(logic.relative_voltage(NOMINAL, at("node"), at("clock_hz")))
    # A part in the format of all others needs no word.
    mix = {part: FORMATS[form] for part, form in one.mix.items() if form != at("weights")}
    tile = Tile(
        rows=int(at("rows")), lanes=int(at("lanes")), columns=int(at("columns")),
        vector_lanes=int(at("vector_lanes")), weights=FORMATS[at("weights")], kv=FORMATS[at("cache")],
        mix=mix, scratchpad_bytes=int(at("scratchpad_bytes")), fifo_bytes=int(at("fifo_bytes")),
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
