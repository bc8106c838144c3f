"""A core as gates: equivalents by component and an area by density; with a liberty file its parts on cells, and the
energy of a token."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

from ..chip.spec import Chip
from ..errors import InputError
from ..families.tensor import silicon
from ..families.tensor.core import GROUP, Core
from ..families.tensor.sizing import core_of
from ..tables import table
from ..tech import logic
from ..tech.technology import NOMINAL
from . import alike
from .generate import found_chip, module_name
from .say import Say, silent

DEPTH = 2  # of the components that are listed: matrix.tile, but not matrix.tile.unit_0_0
NOTE = (
    "Cell figures: no wires, no clock tree, no placement density. Components that are the same hardware are "
    "synthesized once and counted as often as they stand in the core; memories are bits, not gates."
)


def synth(chip: str | Chip, liberty: str | Path | None = None, say: Say = silent) -> dict[str, Any]:
    """One core of `chip` as gate equivalents (a NAND of two inputs), by component, and their area in its node.

    With `liberty`, a dot unit of the tile, a vector lane, a function unit and a decoder are mapped on its cells at the
    chip's clock, replayed, and multiplied; a gate equivalent of the rest takes what it took in these parts, in the
    mean, with their least and most. `token`: energy of one decoded token.
    """
    chip = found_chip(chip, say)
    core, library = core_of(chip), _library(liberty)
    found = _gates(chip, core, say)
    copies = core.dot_units * core.columns
    facts = {
        "chip": chip.name, "cores": chip.cores, "clock_hz": chip.clock_hz, **found, "dot_units": copies,
        "macs": copies * GROUP, "area": by_density(found["gate_equivalents"], chip.node), "note": NOTE, "liberty": None,
    }  # fmt: skip
    if library is not None:
        facts["liberty"] = _mapped(chip, core, library, facts, say)
    return facts


def by_density(gate_equivalents: float, node: str) -> dict[str, Any]:
    """Cell area (um2) of gates where there is no library: our cells on ASAP7 for each gate equivalent, by the density
    of the node. `low`, `high`: the parts of a core for which a gate equivalent took least and most."""
    each = table("silicon").fact("gate", "area")
    ratio = float(logic.area_ratio(NOMINAL, table("nodes").index(node)))
    um2, low, high = (gate_equivalents * v * ratio for v in (silicon.gate_um2(), each.low * 1e6, each.high * 1e6))
    return {"node": node, "um2": um2, "low_um2": low, "high_um2": high}


def _library(liberty: str | Path | None) -> Any:
    if liberty is None:
        return None
    from ..flow import read_library

    path = Path(liberty)
    if not path.is_file():
        raise InputError(f"{liberty}: there is no such liberty file (give a .lib or .lib.gz)")
    return read_library(path)


def _gates(chip: Chip, core: Core, say: Say) -> dict[str, Any]:
    """Gate equivalents of the whole core and of its components."""
    from ..families.tensor.rtl.top import Top
    from ..flow import gate_count
    from ..rtl.once import shared_rtlil

    module = module_name(chip.name)
    say("Amaranth: RTLIL of the core")
    rtlil, copies = shared_rtlil(Top(core, trace=False, structural=True), module)
    rtlil, saved = alike.merged(rtlil, module)
    say("Yosys: gates")
    counted = gate_count(rtlil, module, progress=lambda step: say(f"Yosys: {step}"))
    rows = [_row(c) for c in counted.components if c.name and c.name.count(".") < DEPTH]
    whole = counted.whole
    return {
        "gate_equivalents": whole.gate_equivalents, "gates": whole.gates, "registers": whole.registers,
        "memory_bits": whole.memory_bits, "components": rows, "modules_shared": copies + saved,
    }  # fmt: skip


def _row(component: Any) -> dict[str, Any]:
    return {
        "name": readable(component.name), "gates": component.gates, "registers": component.registers,
        "gate_equivalents": component.gate_equivalents, "memory_bits": component.memory_bits,
    }  # fmt: skip


def readable(name: str) -> str:
    """A component's name without the numbers that keep names apart.

    >>> readable("vector.lanes$186")
    'vector.lanes'
    """
    return re.sub(r"\$\d+", "", name)


def _mapped(chip: Chip, core: Core, library: Any, facts: dict[str, Any], say: Say) -> dict[str, Any]:
    """Parts on the library's cells, and what follows for the core."""
    from . import cells, token

    period_s = 1 / chip.clock_hz

    def step(text: str) -> None:
        say(f"Yosys: {text}")

    say("Yosys: a dot unit, a lane, a function unit and a decoder on the library's cells; replays")
    unit, lane = cells.dot_unit(core, library, period_s, step), cells.lane(library, period_s, step)
    function, codes = cells.function_unit(library, period_s, step), cells.weight_codes(library, period_s, step)
    counts = {"dot_unit": facts["dot_units"], "lane": core.vector_lanes, "function": core.vector_lanes // 2}
    parts, shared = {"dot_unit": unit, "lane": lane, "function": function}, {}
    if core.by_table:
        shared = {name: of(core, library, period_s, step) for name, of in cells.SHARED.items()}
        counts |= {"tables": core.columns * core.lane_groups, "keys": core.dot_units}
    parts |= shared
    # All rows read a table, all columns a key.
    mac_j = unit.j + sum(part.j * counts[name] for name, part in shared.items()) / counts["dot_unit"]
    areas = {name: counts[name] * part.mapped.area_um2 for name, part in parts.items()}
    gates = {name: _equivalents(core, name) for name in (*parts, "codes")}
    rest = facts["gate_equivalents"] - sum(n * gates[name] for name, n in counts.items())
    each = _um2_per_gate([part.mapped.area_um2 / gates[name] for name, part in {**parts, "codes": codes}.items()])
    slowest = min(parts.values(), key=lambda part: part.mapped.timing.slack_s).mapped.timing
    leakage_w = sum(counts[name] * part.energy.leakage_w for name, part in parts.items())
    return {
        "library": library.name, "voltage_v": library.voltage_v, "unit_um2": unit.mapped.area_um2,
        "unit_cells": sum(unit.mapped.cells.values()), "fmax_hz": slowest.fmax_hz, "slack_s": slowest.slack_s,
        "tile_um2": areas["dot_unit"] + sum(areas[name] for name in shared),
        "lane_um2": lane.mapped.area_um2, "lanes_um2": areas["lane"] + areas["function"],
        **{f"{end}gate_um2": um2 for end, um2 in each.items()}, "rest_um2": rest * each[""],
        **{f"{end}core_um2": sum(areas.values()) + rest * um2 for end, um2 in each.items()},
        "um2_per_mac": unit.mapped.area_um2 / GROUP, "j_per_mac": mac_j, "j_per_lane_op": lane.j,
        "j_per_code_byte": codes.j, "leakage_w": leakage_w,
        "token": token.energy(chip, mac_j, lane.j, codes.j, leakage_w),
    }  # fmt: skip


def _um2_per_gate(each: list[float]) -> dict[str, float]:
    """Geometric mean, least and most of the parts."""
    mean = math.exp(sum(math.log(um2) for um2 in each) / len(each))
    return {"": mean, "low_": min(each), "high_": max(each)}


def _equivalents(core: Core, part: str) -> float:
    """Gate equivalents of a part that is mapped."""
    from ..families.tensor.rtl.dot_unit import DotUnit
    from ..families.tensor.rtl.functions import FunctionUnit
    from ..families.tensor.rtl.lane import Lane
    from ..families.tensor.rtl.table_dots import ColumnTables, RowKeys
    from ..families.tensor.rtl.weight_codes import WeightCodes
    from ..flow import gate_count, to_rtlil
    from . import cells

    made = {
        "dot_unit": lambda: DotUnit(core, structural=True), "lane": lambda: Lane(structural=True),
        "function": FunctionUnit, "codes": lambda: WeightCodes(cells.CODES_CORE),
        "tables": lambda: ColumnTables(core), "keys": lambda: RowKeys(core),
    }  # fmt: skip
    return gate_count(to_rtlil(made[part](), "part"), "part").whole.gate_equivalents
