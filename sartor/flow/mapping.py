"""Mapping on a liberty file: the smallest netlist found that keeps the period."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import Unsupported
from ..rtl.yosys import Progress, run_script, version
from . import scripts
from .arcs import ArcTables
from .cache import kept, key_of
from .cells import Cell, Library
from .constraints import Constraints, inverts, surroundings
from .gates import Module
from .netlist import Netlist, from_flat, read_netlist, to_flat
from .place_adders import place
from .ripple import split
from .sizing import sized
from .sta import Sta, Timing

# Part of every key: raise it when the flow itself changes.
REVISION = "1"
MAX_ATTEMPTS = 8
_NO_LIMIT_PS = 1_000_000.0


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
    key = key_of(REVISION, version(), rtlil, top, library.digest, repr(around), str(flatten))
    flat = kept("map", key, lambda: _search(rtlil, top, tables, around, flatten, progress))
    netlist = from_flat(flat, library)
    timing = Sta(netlist, tables, around).timing()
    counts = Counter(i.cell.name for i in netlist.instances)
    return Mapped(netlist, _components(netlist), timing, around, dict(sorted(counts.items())))


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
    coarse = run_script(
        scripts.COARSE.format(top=top, flatten="flatten" if flatten else ""), {"in.il": rtlil},
        progress=progress,
    ).files["coarse.json"]  # fmt: skip
    fast, speed, best = frozenset[str](), False, None
    for _ in range(MAX_ATTEMPTS):
        sta = sized(_attempt(coarse, top, tables, around, fast, speed, progress), tables, around)
        timing = sta.timing()
        if best is None or timing.slack_s > best.timing().slack_s:
            best = sta
        slow = _adders_of(timing, coarse) - fast
        if timing.slack_s >= 0 or (speed and not slow):
            break
        speed = speed or not slow
        fast |= slow
    assert best is not None
    return to_flat(best.netlist)


def _adders_of(timing: Timing, coarse: str) -> frozenset[str]:
    """The adders of many bits that the slowest path goes through (bit i of adder a is the cell a.i)."""
    known = {
        n
        for m in json.loads(coarse)["modules"].values()
        for n, c in m["cells"].items()
        if c["type"] == "$alu"
    }
    return frozenset(s.instance.rsplit(".", 1)[0] for s in timing.path) & known


def _attempt(
    coarse: str, top: str, tables: ArcTables, around: Constraints, fast: frozenset[str], speed: bool,
    progress: Progress | None,
) -> Netlist:  # fmt: skip
    """One mapping: adders placed, the rest by Yosys and ABC for area or for speed."""
    library, data = tables.library, json.loads(coarse)
    for module in data["modules"].values():
        if "cells" in module:
            edited = Module(module)
            split(edited, fast)
            place(edited, library)
    delay_ps = around.period_s * 1e12 if speed else _NO_LIMIT_PS
    script = scripts.MAP.format(top=top, delay=f"-D {delay_ps:.0f}", flops=_avoided(library))
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
