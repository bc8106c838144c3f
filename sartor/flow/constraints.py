"""What surrounds a block: registers of the same library on all sides, unless said otherwise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import Unsupported
from .arcs import ArcTables
from .cells import Cell, Library
from .tables import Ints

# A memory's read port sends this many register delays later than a register, and takes its inputs this many setup
# times before the edge. ASAP7: 0.29 and 0.05 ns; fakeram7_2048x39.lib of OpenROAD-flow-scripts: 0.218 and 0.050.
# The longer way out is a guess, for larger macros.
MEMORY_DELAYS, MEMORY_SETUPS = 4, 3


@dataclass(frozen=True)
class Constraints:
    """What surrounds the block. Slews (s) at inputs and clock, delays (s) outside, load (F) of an output.

    With `driver` inputs and memories are driven by that register, so that their loads cost time; `input_delay_s` and
    `input_slew_s` are then only those of a small load.
    """

    period_s: float
    input_delay_s: float
    output_margin_s: float
    input_slew_s: float
    clock_slew_s: float
    output_load_f: float
    driver: str = ""
    memory_delay_s: float = 0.0  # beside the driver's
    memory_setup_s: float = 0.0


def surroundings(library: Library, period_s: float, arc_tables: ArcTables) -> Constraints:
    """Constraints of a block between this library's registers, whose nets have a fan-out of 4 inverters."""
    flop, inverter = plain_flop(library), library.inverter
    load = 4 * (inverter.pins[inverter.inputs[0]].capacitance_f if inverter else 0.0)
    tables, rows = arc_tables.tables, arc_tables.templates[flop.name].rows
    slew = float(np.median([t.slews[0] for a in flop.arcs for t in (a.rise,) if t is not None]))

    def worst(which: Ints, slews: float, loads: float) -> float:
        return float(tables.look_up(which, np.full(len(which), slews), np.full(len(which), loads)).max())

    launched = worst(rows["clock"][:, 4], slew, load)
    out_slew = worst(rows["clock"][:, 5], slew, load)
    margin = worst(rows["setup"][:, 4], out_slew, slew)
    memory = MEMORY_DELAYS * launched, MEMORY_SETUPS * margin
    return Constraints(period_s, launched, margin, out_slew, slew, load, flop.name, *memory)


def plain_flop(library: Library) -> Cell:
    """The smallest usable register at a rising edge, without clear or preset."""
    inverter = library.inverter.area_um2 if library.inverter else 0.0
    plain = [
        c for c in library.cells.values()
        if c.flop and c.usable and not (c.flop.clear or c.flop.preset or c.flop.clock.startswith(("!", "(!")))
    ]  # fmt: skip
    if not plain:
        raise Unsupported(f"{library.name}: has no register at a rising edge (try another liberty file)")
    return min(plain, key=lambda c: (c.area_um2 + inverter * inverts(c), c.name))


def inverts(cell: Cell) -> bool:
    """Whether a register has only the complement of its data as output."""
    flop = cell.flop
    if flop is None:
        return False
    stored = flop.next_state.replace("(", "").replace(")", "").strip()
    outputs = {cell.pins[o].function.strip("() ") for o in cell.outputs}
    true = flop.inverse if stored.startswith("!") or stored.endswith("'") else flop.state
    return true not in outputs
