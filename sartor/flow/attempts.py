"""Attempts to map gates on cells within a period, each with more effort than the one before."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from ..errors import Unsupported
from ..rtl.yosys import Progress, run_script
from . import scripts
from .arcs import ArcTables
from .buffers import buffered
from .cells import Cell, Library
from .constraints import Constraints, inverts
from .enables import merge_resets
from .gates import Module
from .netlist import Netlist, read_netlist
from .place_adders import place
from .ripple import split
from .sizing import sized
from .sta import Sta

MAX_ATTEMPTS = 8
MAX_TURNS = 3  # of buffers, then sizes
HOPELESS = 0.25  # an attempt late by so much of a period is not sized if there is a better one to try
# A path through several components, or between registers, leaves ABC less than the period.
BUDGETS = 1.0, 0.7
GATED = 4  # registers of one enable that share a clock gate, at least


def closed(coarse: str, top: str, tables: ArcTables, around: Constraints, progress: Progress | None) -> Sta:
    """The first attempt that keeps the period, else the fastest; those that are hopeless are not worked on."""
    known, effort, found = _adders(coarse), Effort(), list[Sta]()
    for _ in range(MAX_ATTEMPTS):
        sta = Sta(_attempt(coarse, top, tables, around, effort, progress), tables, around)
        if sta.worst_s >= -HOPELESS * around.period_s or effort.harder(_late_adders(sta, known)) is None:
            sta = faster(sta, tables)
        found.append(sta)
        harder = effort.harder(_late_adders(sta, known))
        if sta.worst_s >= 0 or harder is None:
            break
        effort = harder
    return max(found, key=lambda sta: sta.worst_s)


def faster(sta: Sta, tables: ArcTables) -> Sta:
    """Buffers and sizes, until the period is kept or nothing helps."""
    for _ in range(MAX_TURNS):
        before = sta.worst_s
        if before >= 0:
            break
        sta = sized(buffered(sta, tables), tables)
        if sta.worst_s <= before:
            break
    return sta


@dataclass(frozen=True)
class Effort:
    """What an attempt does for speed: which adders are parallel-prefix, of which kind, and what of the period ABC may
    take between two registers of one component (0: it works for area)."""

    fast: frozenset[str] = frozenset()
    budget: float = 0.0
    prefix: str = scripts.BRENT_KUNG

    def harder(self, slow: frozenset[str]) -> Effort | None:
        """The next step, given the adders on late paths; None when there is none."""
        if slow - self.fast:
            return replace(self, fast=self.fast | slow)
        if not self.budget:
            return replace(self, budget=BUDGETS[0])
        if self.budget > BUDGETS[-1]:
            return replace(self, budget=BUDGETS[BUDGETS.index(self.budget) + 1])
        if self.fast and self.prefix != scripts.SKLANSKY:
            return replace(self, prefix=scripts.SKLANSKY)
        return None


def _adders(coarse: str) -> frozenset[str]:
    """The adders of many bits."""
    cells = [item for m in json.loads(coarse)["modules"].values() for item in m["cells"].items()]
    return frozenset(name for name, cell in cells if cell["type"] == "$alu")


def _late_adders(sta: Sta, known: frozenset[str]) -> frozenset[str]:
    """The adders that late paths go through (bit i of adder a is the cell a.i)."""
    rows = sta.cause[(sta.slack < 0) & (sta.cause >= 0)]
    names = {sta.netlist.instances[index].name for index in set(sta.arcs.instance[rows].tolist())}
    return frozenset(name.rsplit(".", 1)[0] for name in names) & known


def _attempt(
    coarse: str, top: str, tables: ArcTables, around: Constraints, effort: Effort, progress: Progress | None
) -> Netlist:
    """One mapping: adders placed, the rest by Yosys and ABC."""
    library, data = tables.library, json.loads(coarse)
    for module in data["modules"].values():
        if "cells" in module:
            edited = Module(module)
            if any(c.gate for c in library.cells.values()):
                merge_resets(edited, GATED)
            split(edited, effort.fast)
            place(edited, library)
    abc = (
        scripts.ABC_SPEED.format(delay_ps=f"{effort.budget * around.period_s * 1e12:.0f}")
        if effort.budget
        else scripts.ABC_AREA
    )
    script = scripts.MAP.format(top=top, prefix=effort.prefix, abc=abc, gated=GATED, flops=_avoided(library))
    files = {"coarse.json": json.dumps(data), "cells.lib": library.text, "cells.constr": _constr(library)}
    mapped = run_script(script, files, progress=progress).files["mapped.json"]
    return read_netlist(mapped, top, library)


def _constr(library: Library) -> str:
    """ABC sizes only if it knows a driving cell and a load: an inverter, and four of them."""
    inverter = library.inverter
    if inverter is None:
        raise Unsupported(f"{library.name}: has no inverter (try another liberty file)")
    load = 4 * inverter.pins[inverter.inputs[0]].capacitance_f
    return f"set_driving_cell {inverter.name}\nset_load {load * 1e15:.4f}\n"


def _avoided(library: Library) -> str:
    """Of registers that do the same, dfflibmap shall see only the one of least area with its inverter."""
    groups: dict[tuple[str, ...], list[Cell]] = {}
    for cell in library.cells.values():
        if cell.flop and cell.usable:
            kind = (str(cell.flop.clock[0] in "!("), str(bool(cell.flop.clear)), str(bool(cell.flop.preset)))
            groups.setdefault(kind, []).append(cell)
    inverter = library.inverter.area_um2 if library.inverter else 0.0
    kept_ = {min(g, key=lambda c: (c.area_um2 + inverter * inverts(c), c.name)).name for g in groups.values()}
    dropped = sorted({c.name for g in groups.values() for c in g} - kept_)
    return " ".join(f"-dont_use {name}" for name in dropped)
