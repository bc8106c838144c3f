"""The timing arcs of a netlist as arrays: one row for each edge-to-edge arc of each instance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..errors import BrokenFile, Unsupported
from .cells import Arc, Cell, Floats, Library, Table
from .netlist import Netlist
from .tables import Ints, Tables

RISE, FALL = 0, 1
_Ends = tuple[int, int, int, int]  # source pin, source edge, target pin, target edge
_Pair = tuple[Table, Table]  # delay, slew
_EDGES = {"positive_unate": (0,), "negative_unate": (1,), "non_unate": (0, 1)}  # output edge ^ input edge


@dataclass(frozen=True, eq=False)
class ArcList:
    """Nodes are 2 * net + edge; `instance` is the row's cell, `delay` and `slew` are numbers of tables."""

    source: Ints
    target: Ints
    delay: Ints
    slew: Ints
    instance: Ints

    def __len__(self) -> int:
        return len(self.source)


@dataclass(frozen=True, eq=False)
class Template:
    """The arcs of one cell, its pins numbered in the order of `pins`."""

    pins: tuple[str, ...]
    rows: Mapping[str, Ints]  # by kind: [source pin, source edge, target pin, target edge, delay, slew]


class ArcTables:
    """The tables of a whole library, read once, and the template of each cell."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self._list: list[Table] = []
        self.templates = {name: self._template(cell) for name, cell in library.cells.items()}
        self.tables = Tables(self._list)

    def _template(self, cell: Cell) -> Template:
        pins = tuple(sorted(cell.pins))
        number = {pin: i for i, pin in enumerate(pins)}
        found: dict[str, dict[_Ends, list[_Pair]]] = {"combinational": {}, "clock": {}, "setup": {}}
        for arc in cell.arcs:
            if arc.source in number and arc.target in number:
                for source_edge, target_edge, *pair in _edges(arc, self.library.name):
                    ends = (number[arc.source], source_edge, number[arc.target], target_edge)
                    _merge(found[arc.kind].setdefault(ends, []), (pair[0], pair[1]))
        rows = {
            kind: [[*ends, self._add(d), self._add(s)] for ends, pairs in by.items() for d, s in pairs]
            for kind, by in found.items()
        }
        return Template(pins, {k: np.array(r, dtype=np.int64).reshape(-1, 6) for k, r in rows.items()})

    def _add(self, table: Table) -> int:
        self._list.append(table)
        return len(self._list) - 1

    def of(self, netlist: Netlist, kind: str) -> ArcList:
        """All arcs of this kind in a netlist."""
        parts = [np.zeros((0, 5), dtype=np.int64)]
        groups: dict[str, list[int]] = {}
        for index, instance in enumerate(netlist.instances):
            groups.setdefault(instance.cell.name, []).append(index)
        for name, members in groups.items():
            parts.append(self._rows(netlist, self.templates[name], members, kind))
        rows = np.concatenate(parts)
        return ArcList(*(rows[:, i] for i in range(5)))

    @staticmethod
    def _rows(netlist: Netlist, template: Template, members: list[int], kind: str) -> Ints:
        """Rows [source node, target node, delay, slew, instance]; arcs of open pins are left out."""
        rows = template.rows[kind]
        instances = netlist.instances
        nets = np.array([[instances[i].pins.get(p, -1) for p in template.pins] for i in members]).T
        source, target = nets[rows[:, 0]], nets[rows[:, 2]]
        shape = source.shape
        columns = [
            2 * source + rows[:, 1:2], 2 * target + rows[:, 3:4], np.broadcast_to(rows[:, 4:5], shape),
            np.broadcast_to(rows[:, 5:6], shape), np.broadcast_to(np.array(members), shape),
        ]  # fmt: skip
        kept = (source >= 0) & (target >= 0)
        return np.stack([c[kept] for c in columns], axis=1)


def _edges(arc: Arc, where: str) -> Iterator[tuple[int, int, Table, Table]]:
    """(source edge, target edge, delay, slew) of one arc; for a setup arc the clock's and the data's edge
    and the setup time twice."""
    for edge, delay, slew in ((RISE, arc.rise, arc.rise_slew), (FALL, arc.fall, arc.fall_slew)):
        if delay is None:
            continue
        if arc.kind == "setup":
            yield RISE, edge, delay, delay
            continue
        if slew is None:
            raise BrokenFile(f"{where}: an arc to {arc.target} has a delay but no transition")
        for flip in _EDGES.get(arc.sense, (0, 1)):
            yield edge ^ flip, edge, delay, slew


def _merge(pairs: list[_Pair], new: _Pair) -> None:
    """Keep the slower of arcs that differ only in their condition, entry by entry."""
    for i, old in enumerate(pairs):
        if all(_same_axes(a, b) for a, b in zip(old, new, strict=True)):
            delay, slew = (
                replace(a, values=np.maximum(a.values, b.values)) for a, b in zip(old, new, strict=True)
            )
            pairs[i] = (delay, slew)
            return
    pairs.append(new)


def _same_axes(a: Table, b: Table) -> bool:
    return np.array_equal(a.slews, b.slews) and np.array_equal(a.loads, b.loads)


def loads_f(netlist: Netlist, output_load_f: float) -> Floats:
    """Capacitance (F) on every node (2 * net + edge): the input pins driven, the ports and memories. No wires."""
    nets = np.array([n for i in netlist.instances for n in i.pins.values()], dtype=np.int64)
    pins = [i.cell.pins[p].edges_f for i in netlist.instances for p in i.pins]
    load = np.zeros(2 * netlist.nets)
    for edge in (RISE, FALL):
        np.add.at(load, 2 * nets + edge, np.array([c[edge] for c in pins]))
    for ports in (*netlist.outputs.values(), netlist.memory_inputs):
        for net in ports:
            load[2 * net : 2 * net + 2] += output_load_f
    return load


def in_levels(arcs: ArcList, nodes: int) -> list[Ints]:
    """Rows of arcs in an order in which every source is known before it is used."""
    waits = np.bincount(arcs.target, minlength=nodes)
    order = np.argsort(arcs.source, kind="stable")
    starts = np.searchsorted(arcs.source[order], np.arange(nodes + 1))
    ready = np.flatnonzero(waits == 0)
    levels, done = [], 0
    while len(ready):
        spans = [order[starts[n] : starts[n + 1]] for n in ready]
        rows = np.concatenate([*spans, np.zeros(0, dtype=np.int64)])
        done += len(rows)
        targets = arcs.target[rows]
        np.subtract.at(waits, targets, 1)
        ready = np.unique(targets[waits[targets] == 0])
        levels += [rows] if len(rows) else []
    if done < len(arcs):
        raise Unsupported("timing: the netlist has a combinational loop, which is not modeled (break it)")
    return levels
