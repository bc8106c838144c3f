"""Mapping on a liberty file: the smallest netlist found that keeps the period."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..rtl.yosys import Progress, run_script, version
from . import scripts
from .arcs import ArcTables
from .attempts import closed
from .cache import kept, key_of
from .cells import Cell, Library
from .constraints import Constraints, surroundings
from .netlist import Netlist, from_flat, to_flat
from .path import timing
from .sta import Sta
from .timing import Timing

# Part of every key: raise it when the flow itself changes.
REVISION = "3"
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
    """Map a design. Adders are ripple chains of the library's full adders; those on paths that are too
    slow become parallel-prefix ones, then the rest is mapped for speed, late nets get buffers and cells are
    enlarged. If the period cannot be kept the fastest netlist comes back, with its negative slack.

    `flatten` dissolves the components: less area, but one row.
    """
    tables = ArcTables(library)
    around = constraints or surroundings(library, period_s, tables)
    key = key_of(REVISION, *_SCRIPTS, version(), rtlil, top, library.digest, repr(around), str(flatten))
    flat = kept("map", key, lambda: _search(rtlil, top, tables, around, flatten, progress))
    netlist = from_flat(flat, library)
    counts = Counter(i.cell.name for i in netlist.instances)
    slowest = timing(Sta(netlist, tables, around))
    return Mapped(netlist, _components(netlist), slowest, around, dict(sorted(counts.items())))


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
    script = scripts.COARSE.format(top=top, flatten="flatten" if flatten else "", macro=scripts.MACRO_WORDS)
    coarse = run_script(script, {"in.il": rtlil}, progress=progress).files["coarse.json"]
    return to_flat(closed(coarse, top, tables, around, progress).netlist)
