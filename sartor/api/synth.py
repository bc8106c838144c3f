"""A core as gates: equivalents by component; with a liberty file also area, clock and energy of the tile."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from ..chip.spec import Chip
from ..errors import InputError, Unsupported
from ..families.tensor.core import GROUP, Core
from ..families.tensor.sizing import core_of
from . import alike
from .generate import found_chip, module_name
from .say import Say, silent

DEPTH = 2  # of the components that are listed: matrix.tile, but not matrix.tile.unit_0_0
WORDS, CYCLES = 2, 24  # of the replay: 128 runs side by side
NOTE = (
    "Cell figures: no wires, no clock tree, no placement density. Components that are the same hardware are "
    "synthesized once and counted as often as they stand in the core; memories are bits, not gates."
)


def synth(chip: str | Chip, liberty: str | Path | None = None, say: Say = silent) -> dict[str, Any]:
    """One core of `chip` as gate equivalents (a NAND of two inputs), by component.

    With `liberty`, one dot unit of the tile is mapped on its cells at the chip's clock, replayed with random
    numbers, and multiplied; the rest counts as NANDs of that library.
    """
    chip = found_chip(chip, say)
    core, library = core_of(chip), _library(liberty)
    found = _gates(chip, core, say)
    copies = core.dot_units * core.columns
    facts = {
        "chip": chip.name, "cores": chip.cores, "clock_hz": chip.clock_hz, **found, "dot_units": copies,
        "macs": copies * GROUP, "note": NOTE, "liberty": None,
    }  # fmt: skip
    if library is not None:
        facts["liberty"] = _mapped(chip, core, library, facts, say)
    return facts


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
    from ..flow import gate_count, to_rtlil

    module = module_name(chip.name)
    say("Amaranth: RTLIL of the core")
    rtlil, saved = alike.merged(to_rtlil(Top(core, trace=False, structural=True), module), module)
    say("Yosys: gates")
    counted = gate_count(rtlil, module, progress=lambda step: say(f"Yosys: {step}"))
    rows = [_row(c) for c in counted.components if c.name and c.name.count(".") < DEPTH]
    whole = counted.whole
    return {
        "gate_equivalents": whole.gate_equivalents, "gates": whole.gates, "registers": whole.registers,
        "memory_bits": whole.memory_bits, "components": rows, "modules_shared": saved,
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
    """The dot unit on the library's cells, and what follows for the core."""
    from ..families.tensor.rtl.dot_unit import DotUnit
    from ..flow import map_cells, to_rtlil

    nand = _nand_um2(library)
    say("Yosys: one dot unit on the library's cells")
    rtlil = to_rtlil(DotUnit(core, structural=True), "dot_unit")
    mapped = map_cells(rtlil, "dot_unit", library, period_s=1 / chip.clock_hz, progress=lambda s: say(f"Yosys: {s}"))
    say("replaying it with random numbers")
    copies = facts["dot_units"]
    rest = facts["gate_equivalents"] - copies * _unit_equivalents(rtlil)
    return {
        "library": library.name, "voltage_v": library.voltage_v, "unit_um2": mapped.area_um2,
        "unit_cells": sum(mapped.cells.values()), "fmax_hz": mapped.timing.fmax_hz,
        "slack_s": mapped.timing.slack_s, "tile_um2": copies * mapped.area_um2, "nand_um2": nand,
        "rest_um2": rest * nand, "core_um2": copies * mapped.area_um2 + rest * nand,
        "um2_per_mac": mapped.area_um2 / GROUP, "j_per_mac": _energy_j(core, mapped) / GROUP,
    }  # fmt: skip


def _unit_equivalents(rtlil: str) -> float:
    from ..flow import gate_count

    return gate_count(rtlil, "dot_unit").whole.gate_equivalents


def _nand_um2(library: Any) -> float:
    """The area of the library's smallest NAND of two inputs."""
    found = [c.area_um2 for c in library.cells.values() if c.usable and len(c.inputs) == 2 and c.truths == (0b0111,)]
    if not found:
        raise Unsupported(f"{library.name}: has no NAND of two inputs (try another liberty file)")
    return float(min(found))


def _energy_j(core: Core, mapped: Any) -> float:
    """Of one cycle of the dot unit: codes stay, activations are random in every cycle."""
    from ..flow import Simulator, analysis, replay_energy

    rng, simulator = np.random.default_rng(1), Simulator(mapped.netlist, WORDS)
    ports = mapped.netlist.inputs

    def fill(name: str) -> None:
        simulator.set(name, rng.integers(0, 2**64, (len(ports[name]), WORDS), dtype=np.uint64))

    for name in set(ports) - {"clk", "rst", "code8", "half"}:
        fill(name)
    simulator.set("enable", np.full((len(ports["enable"]), WORDS), 2**64 - 1, np.uint64))

    def drive(cycle: int) -> None:
        for name in ("values", "x_shift", "sum"):
            fill(name)

    return float(replay_energy(analysis(mapped), simulator, CYCLES, drive).cycle_j)
