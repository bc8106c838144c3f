"""Synthesis without a library: gate equivalents by component, memories in bits."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..rtl.yosys import Progress, run_script, version
from . import scripts
from .cache import kept, key_of
from .gates import integer, is_register

# Areas in sky130_fd_sc_hd (drive 1) over that of its nand2_1, 3.7536 um2: nor2_1, and2_1, or2_1, xor2_1,
# xnor2_1, mux2_1, a21oi_1, o21ai_1.
GATE_EQUIVALENTS = {
    "$_NOT_": 1.0, "$_NAND_": 1.0, "$_NOR_": 1.0, "$_AND_": 1.67, "$_OR_": 1.33, "$_XOR_": 2.33,
    "$_XNOR_": 2.33, "$_MUX_": 3.0, "$_AOI3_": 1.33, "$_OAI3_": 1.33,
}  # fmt: skip
# dfxtp_1; dfrtp_1 for a register with an asynchronous clear or preset. A synchronous reset (nor2_1) and an
# enable (mux2_1) come on top.
REGISTER_EQUIVALENTS = 5.33
ASYNCHRONOUS_EQUIVALENTS = 6.67
_EXTRAS = {"$_SDFF_": 1.0, "$_DFFE_": 3.0, "$_SDFFE_": 4.0, "$_SDFFCE_": 4.0}


@dataclass(frozen=True)
class GenericComponent:
    """One named part with all that is in it; "" is the whole. A gate equivalent is a NAND of two inputs."""

    name: str
    gates: int
    registers: int
    gate_equivalents: float
    memory_bits: int


@dataclass(frozen=True)
class Generic:
    """`black_boxes` are kinds that are neither gates nor memories, and how many."""

    components: tuple[GenericComponent, ...]
    black_boxes: Mapping[str, int]

    @property
    def whole(self) -> GenericComponent:
        return self.components[0]


def gate_count(rtlil: str, top: str, *, progress: Progress | None = None) -> Generic:
    """Gate equivalents of a design and of each of its components, before any library is chosen."""

    def synthesized() -> str:
        script = scripts.GENERIC.format(top=top)
        return run_script(script, {"in.il": rtlil}, progress=progress).files["generic.json"]

    text = kept("generic", key_of(version(), scripts.GENERIC, rtlil, top), synthesized)
    modules = json.loads(text)["modules"]
    parts: dict[str, Counter[str]] = {}
    memories: Counter[str] = Counter()
    _walk(modules, top, (), parts, memories)
    rows = tuple(_row(name, kinds, memories[name]) for name, kinds in sorted(parts.items()))
    return Generic(rows, {k: n for k, n in sorted(parts[""].items()) if not k.startswith("$_")})


def _walk(
    modules: dict[str, Any], module: str, path: tuple[str, ...], parts: dict[str, Counter[str]],
    memories: Counter[str],
) -> None:  # fmt: skip
    """Count the cells of a module for all components that hold it."""
    around = [".".join(path[:depth]) for depth in range(len(path) + 1)]
    for name in around:
        parts.setdefault(name, Counter())
    for name, cell in modules[module]["cells"].items():
        kind, parameters = cell["type"], cell["parameters"]
        if kind in modules and not modules[kind].get("attributes", {}).get("blackbox"):
            _walk(modules, kind, (*path, name), parts, memories)
        elif kind.startswith("$mem"):
            bits = integer(parameters["SIZE"]) * integer(parameters["WIDTH"])
            memories.update(dict.fromkeys(around, bits))
        elif kind != "$scopeinfo":
            for place in around:
                parts[place][kind] += 1


def _row(name: str, kinds: Counter[str], memory_bits: int) -> GenericComponent:
    registers = sum(n for kind, n in kinds.items() if is_register(kind))
    gates = sum(n for kind, n in kinds.items() if kind in GATE_EQUIVALENTS)
    total = sum(n * _equivalents(kind) for kind, n in kinds.items())
    return GenericComponent(name, gates, registers, round(total, 2), memory_bits)


def _equivalents(kind: str) -> float:
    """
    >>> _equivalents("$_DFF_P_"), _equivalents("$_SDFFE_PP0P_"), _equivalents("$_DFF_PN0_")
    (5.33, 9.33, 6.67)
    """
    if not is_register(kind):
        return GATE_EQUIVALENTS.get(kind, 0.0)
    family = kind[: kind.index("_", 2) + 1]
    asynchronous = family in ("$_ALDFF_", "$_ALDFFE_", "$_DFFSR_", "$_DFFSRE_")
    controls = kind[len(family) : -1]
    asynchronous = asynchronous or (family == "$_DFF_" and len(controls) == 3)
    asynchronous = asynchronous or (family == "$_DFFE_" and len(controls) == 4)
    return (ASYNCHRONOUS_EQUIVALENTS if asynchronous else REGISTER_EQUIVALENTS) + _EXTRAS.get(family, 0.0)
