"""A standard-cell library in SI units: areas, functions, tables of delay and energy."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..errors import UnknownName
from . import logic

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Table:
    """values[slew, load] at the given input slews (s) and loads (F; a constraint's clock slews, s)."""

    slews: Floats
    loads: Floats
    values: Floats


@dataclass(frozen=True, eq=False)
class Arc:
    """From an edge at `source` to both edges of `target`. Kinds: combinational, clock, setup.

    Several conditions (`when`) are several arcs. For a setup arc, `rise` and `fall` are the times (s) by
    which the data of `target` comes before the clock at `source`.
    """

    source: str
    target: str
    kind: str
    sense: str  # positive_unate, negative_unate, non_unate
    rise: Table | None = None
    fall: Table | None = None
    rise_slew: Table | None = None
    fall_slew: Table | None = None


@dataclass(frozen=True, eq=False)
class Power:
    """Internal energy (J) of one rise or fall of `pin`; `related` is the input that caused it, if known."""

    pin: str
    related: str
    rise: Table | None
    fall: Table | None


@dataclass(frozen=True)
class Pin:
    name: str
    output: bool
    capacitance_f: float = 0.0
    function: str = ""
    edges_f: tuple[float, float] = (0.0, 0.0)  # capacitance for a rise, a fall


@dataclass(frozen=True)
class Flop:
    """An edge-triggered register: the names of its two states, and its functions."""

    state: str
    inverse: str
    next_state: str
    clock: str
    clear: str = ""
    preset: str = ""


@dataclass(frozen=True)
class ClockGate:
    """A cell that passes the clock's pulse only if one of its enables was high before."""

    clock: str
    enables: tuple[str, ...]
    output: str


@dataclass(frozen=True, eq=False)
class Cell:
    name: str
    area_um2: float
    pins: Mapping[str, Pin]
    arcs: tuple[Arc, ...] = ()
    powers: tuple[Power, ...] = ()
    leakage_w: float = 0.0
    flop: Flop | None = None
    gate: ClockGate | None = None
    usable: bool = True  # not dont_use

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        return tuple(sorted(p.name for p in self.pins.values() if not p.output))

    @cached_property
    def outputs(self) -> tuple[str, ...]:
        return tuple(sorted(p.name for p in self.pins.values() if p.output))

    @cached_property
    def truths(self) -> tuple[int, ...] | None:
        """The truth tables of all outputs over `inputs`; None for what has a state or no function."""
        known = all(self.pins[o].function for o in self.outputs) and self.outputs
        used = {n for o in self.outputs for n in logic.names(self.pins[o].function)}
        if self.flop or not known or not used <= set(self.inputs) or len(self.inputs) > 8:
            return None
        return tuple(logic.truth(self.pins[o].function, self.inputs) for o in self.outputs)


@dataclass(frozen=True, eq=False)
class Library:
    """`digest` is the hash of the text, which stands for the whole in a key."""

    name: str
    voltage_v: float
    cells: Mapping[str, Cell]
    text: str = field(repr=False)

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    def cell(self, name: str) -> Cell:
        if name not in self.cells:
            raise UnknownName("cell", name, self.cells, where=self.name)
        return self.cells[name]

    def smallest(self, truths: tuple[int, ...], inputs: int) -> Cell | None:
        """The usable cell of least area with these truth tables (of its sorted inputs)."""
        fitting = [
            c for c in self.cells.values() if c.usable and len(c.inputs) == inputs and c.truths == truths
        ]
        return min(fitting, key=lambda c: (c.area_um2, c.name), default=None)

    @cached_property
    def inverter(self) -> Cell | None:
        return self.smallest((0b01,), 1)

    @cached_property
    def sizes(self) -> Mapping[str, tuple[Cell, ...]]:
        """The cells that can stand in for each other, by name: same pins and same function, by area."""
        groups: dict[tuple[object, ...], list[Cell]] = {}
        for cell in self.cells.values():
            if cell.truths is not None and cell.usable:
                groups.setdefault((cell.inputs, cell.outputs, cell.truths), []).append(cell)
        ordered = [tuple(sorted(g, key=lambda c: (c.area_um2, c.name))) for g in groups.values()]
        return {cell.name: group for group in ordered for cell in group}
