"""Registers with a synchronous reset and an enable, as registers with an enable alone."""

from __future__ import annotations

from collections import Counter
from typing import Any

from .gates import Bit, Module

_KINDS = ("$_SDFFE_", "$_SDFFCE_")  # reset before enable, enable before reset


def merge_resets(module: Module, least: int) -> None:
    """Reset becomes data: such a register can stand behind a clock gate. Only where at least `least`
    registers share clock, reset and enable, so that one gate serves them all."""
    found = {n: c for n, c in module.cells.items() if c["type"].startswith(_KINDS)}
    groups = Counter(_group(c) for c in found.values())
    enables: dict[tuple[Bit, ...], Bit] = {}
    for name, cell in found.items():
        group = _group(cell)
        if groups[group] >= least:
            if group not in enables:
                enables[group] = _enable(module, name, cell)
            _replace(module, name, cell, enables[group])


def _group(cell: dict[str, Any]) -> tuple[Bit, ...]:
    return (cell["type"], *(cell["connections"][p][0] for p in "CRE"))


def _enable(module: Module, name: str, cell: dict[str, Any]) -> Bit:
    """High where the register takes something: its data, or its reset value."""
    _, _, _, enable_level = _levels(cell["type"])
    enable = _high(module, name, cell["connections"]["E"][0], enable_level)
    if cell["type"].startswith(_KINDS[1]):
        return enable
    return module.gate("OR", enable, _reset(module, name, cell), name=f"{name}.e")


def _replace(module: Module, name: str, cell: dict[str, Any], enable: Bit) -> None:
    clock, _, value, _ = _levels(cell["type"])
    wires, reset = cell["connections"], _reset(module, name, cell)
    kind = "OR" if value == "1" else "ANDNOT"
    data = module.gate(kind, wires["D"][0], reset, name=f"{name}.d")
    del module.cells[name]
    inputs = {"C": wires["C"][0], "D": data, "E": enable}
    module.add(f"$_DFFE_{clock}P_", inputs, {"Q": wires["Q"][0]}, name)


def _reset(module: Module, name: str, cell: dict[str, Any]) -> Bit:
    return _high(module, name, cell["connections"]["R"][0], _levels(cell["type"])[1])


def _high(module: Module, name: str, bit: Bit, level: str) -> Bit:
    return bit if level == "P" else module.gate("NOT", bit, name=f"{name}.h")


def _levels(kind: str) -> tuple[str, str, str, str]:
    """Edge of the clock, level of the reset, reset value, level of the enable.

    >>> _levels("$_SDFFE_PN1P_")
    ('P', 'N', '1', 'P')
    """
    found = kind.split("_")[2]
    return found[0], found[1], found[2], found[3]
