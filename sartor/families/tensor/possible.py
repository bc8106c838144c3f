"""What no chip of a file can be: faster or larger memory than its parts are, a die beyond the reticle."""

from __future__ import annotations

from ...chip.spec import Chip
from ...errors import InputError
from ...tables import table
from ...tech.dram import SRAM
from ...units import si
from .family import Tensor
from .spec import from_chip

# Figures of data sheets are rounded.
_SLACK = 1.01


def check_possible(chip: Chip) -> None:
    """Raises an error that names the limit. Silicon, pins and dollars of a memory are counted by its units: what these
    do not give would be free."""
    design = Tensor(from_chip(chip))
    _check_memory(chip)
    die_mm2 = float(design.limits["die_mm2"])
    reticle_mm2 = table("overheads").fact("die", "reticle").value
    if die_mm2 > reticle_mm2:
        raise InputError(
            f"{chip.name}: its {chip.cores} cores and its memory's pins make a die of {die_mm2:,.0f} mm2 in "
            f"{chip.node}, and a reticle has {reticle_mm2:g} (fewer cores, a newer node, or dies = {chip.dies * 2})"
        )


def _check_memory(chip: Chip) -> None:
    memory, known = chip.memory, table("memories")
    if memory.kind == SRAM:
        raise InputError(
            f"{chip.name}: [memory] kind = {SRAM!r} is none beside the die, and cores of family tensor read their "
            "weights from one (try kind = 'lpddr5x'; all: sartor list memories)"
        )
    if memory.units < 1:
        raise InputError(f"{chip.name}: [memory] units = {memory.units} must be at least 1 of {memory.kind}")
    given = {
        "bandwidth": (memory.bandwidth_bytes_per_s, "B/s", known.fact(memory.kind, "bandwidth").high),
        "capacity": (memory.capacity_bytes, "B", known.fact(memory.kind, "capacity_max").high),
    }
    for name, (value, unit, each) in given.items():
        most = memory.units * each
        if value > most * _SLACK:
            raise InputError(
                f"{chip.name}: [memory] {name} = {si(value, unit)} is more than {memory.units} units of {memory.kind} "
                f"have, {si(most, unit)} at most (try units = {-int(-value // each)})"
            )
