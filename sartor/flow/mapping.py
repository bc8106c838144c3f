"""Mapping on a liberty file: the smallest netlist found that keeps the period."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..errors import Unsupported
from ..rtl.yosys import Progress, run_script, version
from . import scripts
from .arcs import ArcTables
from .cache import kept, key_of
from .cells import Cell, Library
from .constraints import Constraints, inverts, surroundings
from .enables import merge_resets
from .gates import Module
from .netlist import Netlist, from_flat, read_netlist, to_flat
from .place_adders import place
from .ripple import split
from .sizing import sized
from .sta import Sta, Timing

# Part of every key: raise it when the flow itself changes.
REVISION = "1"
MAX_ATTEMPTS = 8
# Registers of one enable that share a clock gate, at least.
GATED = 4
_SCRIPTS = (scripts.COARSE, scripts.MAP, scripts.ABC_AREA, scripts.ABC_SPEED)


@dataclass(frozen=True)
class Component:
    """One named part with all that is in it; "" is the whole."""

    name: str
    area_um2: float
    register_um2: float
    cells: int
    registers: int


@dataclass(frozen=True)
class Mapped:
    """A mapped design: cell area (no wires, no filling), and timing with an ideal clock and no wires."""

    netlist: Netlist = field(repr=False)
    components: tuple[Component, ...]
    timing: Timing = field(repr=False)
    constraints: Constraints
    cells: Mapping[str, int]

    @property
    def area_um2(self) -> float:
        return self.components[0].area_um2

    @property
    def register_share(self) -> float:
        """Share of the cell area that is registers."""
        return self.components[0].register_um2 / self.area_um2 if self.area_um2 else 0.0


def map_cells(
    rtlil: str, top: str, library: Library, *, period_s: float, flatten: bool = False,
    progress: Progress | None = None, constraints: Constraints | None = None,
) -> Mapped:  # fmt: skip
    """Map a design. Adders are ripple chains of the library's full adders; those on a path that is too
    slow become parallel-prefix ones, then the rest is mapped for speed and cells are enlarged. If the
    period cannot be kept the fastest netlist comes back, with its negative slack.

    `flatten` dissolves the components: less area, but one row.
    """
    tables = ArcTables(library)
    around = constraints or surroundings(library, period_s, tables)
    key = key_of(REVISION, *_SCRIPTS, version(), rtlil, top, library.digest, repr(around), str(flatten))
    flat = kept("map", key, lambda: _search(rtlil, top, tables, around, flatten, progress))
    netlist = from_flat(flat, library)
    timing = Sta(netlist, tables, around).timing()
    counts = Counter(i.cell.name for i in netlist.instances)
    return Mapped(netlist, _components(netlist), timing, around, dict(sorted(counts.items())))


def analysis(mapped: Mapped) -> Sta:
    """The timing analysis of a mapped design: slews and slacks of every net, as energy and reports need."""
    return Sta(mapped.netlist, ArcTables(mapped.netlist.library), mapped.constraints)


def _components(netlist: Netlist) -> tuple[Component, ...]:
    found: dict[str, list[Cell]] = {"": []}
    for instance in netlist.instances:
        for depth in range(len(instance.path) + 1):
            found.setdefault(".".join(instance.path[:depth]), []).append(instance.cell)
    return tuple(_component(name, cells) for name, cells in sorted(found.items()))


def _component(name: str, cells: list[Cell]) -> Component:
    registers = [c for c in cells if c.flop]
    area, register = (sum(c.area_um2 for c in part) for part in (cells, registers))
    return Component(name, area, register, len(cells), len(registers))


def _search(
    rtlil: str, top: str, tables: ArcTables, around: Constraints, flatten: bool, progress: Progress | None
) -> str:
    """The flat netlist of the first attempt that keeps the period, else of the fastest."""
    script = scripts.COARSE.format(top=top, flatten="flatten" if flatten else "")
    coarse = run_script(script, {"in.il": rtlil}, progress=progress).files["coarse.json"]
    effort: Effort | None = Effort()
    found: list[Sta] = []
    while effort is not None and len(found) < MAX_ATTEMPTS:
        found.append(sized(_attempt(coarse, top, tables, around, effort, progress), tables, around))
        timing = found[-1].timing()
        if timing.slack_s >= 0:
            break
        effort = effort.harder(_adders_of(timing, coarse))
    return to_flat(max(found, key=lambda sta: sta.timing().slack_s).netlist)


@dataclass(frozen=True)
class Effort:
    """What an attempt does for speed: which adders are parallel-prefix, of which kind, and ABC's script."""

    fast: frozenset[str] = frozenset()
    speed: bool = False
    prefix: str = scripts.BRENT_KUNG

    def harder(self, slow: frozenset[str]) -> Effort | None:
        """The next step, given the adders on the slowest path; None when there is none."""
        if slow - self.fast:
            return replace(self, fast=self.fast | slow, speed=True)
        if not self.speed:
            return replace(self, speed=True)
        if self.fast and self.prefix != scripts.SKLANSKY:
            return replace(self, prefix=scripts.SKLANSKY)
        return None


def _adders_of(timing: Timing, coarse: str) -> frozenset[str]:
    """The adders of many bits that the slowest path goes through (bit i of adder a is the cell a.i)."""
    cells = [item for m in json.loads(coarse)["modules"].values() for item in m["cells"].items()]
    known = {name for name, cell in cells if cell["type"] == "$alu"}
    return frozenset(s.instance.rsplit(".", 1)[0] for s in timing.path) & known


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
        scripts.ABC_SPEED.format(delay_ps=f"{around.period_s * 1e12:.0f}")
        if effort.speed
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
