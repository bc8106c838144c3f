"""Stronger cells on the slowest paths, until the period is kept or nothing helps."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .arcs import ArcTables
from .cells import Cell
from .constraints import Constraints
from .netlist import Netlist
from .sta import Sta

MAX_ROUNDS = 200
# Seconds of estimated gain below which a change is not tried.
LEAST_GAIN_S = 1e-13


@dataclass(frozen=True)
class Move:
    """Another cell for one instance, and the estimated seconds that the path gains."""

    instance: int
    cell: Cell
    gain_s: float


def sized(netlist: Netlist, arc_tables: ArcTables, constraints: Constraints) -> Sta:
    """The analysis of the netlist after sizing (its `netlist`); the slowest path decides each round.

    A round changes several cells of the path at once; if that does not help it tries the best one alone,
    and a change that does not help alone is not tried again.
    """
    best, blocked = Sta(netlist, arc_tables, constraints), set[tuple[int, str]]()
    for _ in range(MAX_ROUNDS):
        slack = best.timing().slack_s
        if slack >= 0:
            break
        moves = [m for m in _moves(best, arc_tables) if (m.instance, m.cell.name) not in blocked]
        if not moves:
            break
        better = _tried(best, moves[: 1 + len(moves) // 3], arc_tables, slack)
        better = better or _tried(best, moves[:1], arc_tables, slack)
        if better is None:
            blocked.add((moves[0].instance, moves[0].cell.name))
        else:
            best = better
    return best


def _tried(sta: Sta, moves: list[Move], arc_tables: ArcTables, slack: float) -> Sta | None:
    """The analysis with these moves, if the worst slack is better."""
    cells = {m.instance: m.cell for m in reversed(moves)}
    instances = tuple(
        replace(item, cell=cells[i]) if i in cells else item for i, item in enumerate(sta.netlist.instances)
    )
    after = Sta(replace(sta.netlist, instances=instances), arc_tables, sta.constraints)
    return after if after.timing().slack_s > slack + LEAST_GAIN_S / 10 else None


def _moves(sta: Sta, arc_tables: ArcTables) -> list[Move]:
    """One move for each cell of the slowest path that has a better size, the best first."""
    rows = sta.worst_rows()
    before: int | None = None
    found: dict[int, Move] = {}
    for row in rows:
        index = int(sta.arcs.instance[row])
        cell = sta.netlist.instances[index].cell
        for other in sta.netlist.library.sizes.get(cell.name, ()):
            if other is not cell:
                gain = _gain(sta, arc_tables, row, before, other)
                if gain > LEAST_GAIN_S and (index not in found or gain > found[index].gain_s):
                    found[index] = Move(index, other, gain)
        before = row
    return sorted(found.values(), key=lambda m: -m.gain_s / (1.0 + m.cell.area_um2))


def _gain(sta: Sta, arc_tables: ArcTables, row: int, before: int | None, other: Cell) -> float:
    """Seconds that the path gains: the cell's own arc gets faster, the one before it drives more."""
    source, target = int(sta.arcs.source[row]), int(sta.arcs.target[row])
    instance = sta.netlist.instances[int(sta.arcs.instance[row])]
    delay = _delay(sta, arc_tables, other, row, source, target)
    if delay is None:
        return -np.inf
    more = sum(
        other.pins[p].edges_f[source % 2] - instance.cell.pins[p].edges_f[source % 2]
        for p, n in instance.pins.items()
        if n == source // 2
    )
    upstream = 0.0
    if before is not None:
        slews = sta.slew[sta.arcs.source[[before]]]
        loads = sta.load[[source]] + more
        upstream = float(sta.tables.look_up(sta.arcs.delay[[before]], slews, loads)[0] - sta.delay[before])
    return float(sta.delay[row]) - delay - upstream


def _delay(sta: Sta, arc_tables: ArcTables, cell: Cell, row: int, source: int, target: int) -> float | None:
    """The slowest arc of `cell` between these nodes (s)."""
    template = arc_tables.templates[cell.name]
    pins = sta.netlist.instances[int(sta.arcs.instance[row])].pins
    ends = [pins.get(p, -1) for p in template.pins]
    rows = [
        r for r in template.rows["combinational"]
        if 2 * ends[r[0]] + r[1] == source and 2 * ends[r[2]] + r[3] == target
    ]  # fmt: skip
    if not rows:
        return None
    which = np.array([r[4] for r in rows])
    slews, loads = np.full(len(rows), sta.slew[source]), np.full(len(rows), sta.load[target])
    return float(sta.tables.look_up(which, slews, loads).max())
