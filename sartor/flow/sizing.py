"""Stronger cells on the paths that are too slow, until the period is kept or nothing helps."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .arcs import ArcTables
from .cells import Cell
from .sta import Sta

MAX_ROUNDS = 200
# Seconds of estimated gain below which a change is not tried.
LEAST_GAIN_S = 1e-13
# Paths at least so late, of the latest one's lateness, are worked on in a round.
LATE = 0.5
FEWER = 4  # moves that made it worse are tried again, so many times fewer
PATIENCE = 12  # rounds without a gain, one after the other, that end it


@dataclass(frozen=True)
class Move:
    """Another cell for one instance, and the estimated seconds that a path through it gains."""

    instance: int
    cell: Cell
    gain_s: float


def sized(sta: Sta, arc_tables: ArcTables) -> Sta:
    """The analysis of the netlist after sizing (its `netlist`).

    A round changes cells on all of the latest paths at once, none of them next to another one; if that does not help
    it tries fewer, and a change that does not help alone is not tried again.
    """
    best, blocked, share, in_vain = sta, set[tuple[int, str]](), 1.0, 0
    for _ in range(MAX_ROUNDS):
        if best.worst_s >= 0 or in_vain > PATIENCE:
            break
        moves = [m for m in _moves(best, arc_tables) if (m.instance, m.cell.name) not in blocked]
        if not moves:
            break
        chosen = moves[: max(1, int(share * len(moves)))]
        after = _changed(best, chosen, arc_tables)
        if _better(after, best):
            best, share, in_vain = after, min(1.0, 2 * share), 0
            continue
        in_vain += 1
        if len(chosen) > 1:
            share = len(chosen) / len(moves) / FEWER
        else:
            blocked.add((moves[0].instance, moves[0].cell.name))
    return best


def _better(after: Sta, before: Sta) -> bool:
    """The latest path is earlier; or no later, and all together are earlier."""
    gain = after.worst_s - before.worst_s
    return gain > LEAST_GAIN_S / 10 or (gain > -1e-18 and after.total_s > before.total_s + LEAST_GAIN_S)


def _changed(sta: Sta, moves: list[Move], arc_tables: ArcTables) -> Sta:
    cells = {m.instance: m.cell for m in moves}
    instances = tuple(
        replace(item, cell=cells[i]) if i in cells else item for i, item in enumerate(sta.netlist.instances)
    )
    return Sta(replace(sta.netlist, instances=instances), arc_tables, sta.constraints)


def _moves(sta: Sta, arc_tables: ArcTables) -> list[Move]:
    """One move for each cell on late paths that has a better size, the best first and no two side by side."""
    found: dict[int, tuple[Move, int]] = {}
    for row in late_rows(sta):
        index = int(sta.arcs.instance[row])
        cell = sta.netlist.instances[index].cell
        before = int(sta.cause[sta.arcs.source[row]])
        for other in sta.netlist.library.sizes.get(cell.name, ()):
            if other is not cell:
                gain = _gain(sta, arc_tables, row, before, other)
                if gain > LEAST_GAIN_S and (index not in found or gain > found[index][0].gain_s):
                    found[index] = Move(index, other, gain), row
    ordered = sorted(found.values(), key=lambda m: -m[0].gain_s / (1.0 + m[0].cell.area_um2))
    return _apart(sta, ordered)


def late_rows(sta: Sta) -> list[int]:
    """The slowest arc into each node on a path that is about as late as the latest."""
    late = np.flatnonzero((sta.slack < LATE * min(sta.worst_s, 0.0)) & (sta.cause >= 0))
    return [int(row) for row in sta.cause[late]]


def _apart(sta: Sta, moves: list[tuple[Move, int]]) -> list[Move]:
    """Without those that touch a net of one before."""
    taken, kept = set[int](), list[Move]()
    for move, row in moves:
        nets = {int(sta.arcs.source[row]) // 2, int(sta.arcs.target[row]) // 2}
        if not nets & taken:
            taken |= nets
            kept.append(move)
    return kept


def _gain(sta: Sta, arc_tables: ArcTables, row: int, before: int, other: Cell) -> float:
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
    return float(sta.delay[row]) - delay - _upstream(sta, source, before, more)


def _upstream(sta: Sta, source: int, before: int, more: float) -> float:
    """Seconds that the arc `before` (or the register that sends) takes longer for a load of `more`."""
    loads = sta.load[[source]] + more
    if before >= 0:
        slews = sta.slew[sta.arcs.source[[before]]]
        return float(sta.tables.look_up(sta.arcs.delay[[before]], slews, loads)[0] - sta.delay[before])
    rows = sta.sent_by(source)
    if not len(rows):
        return 0.0
    clock = np.full(len(rows), sta.constraints.clock_slew_s)
    later = sta.tables.look_up(rows, clock, np.repeat(loads, len(rows))).max()
    return float(later - sta.tables.look_up(rows, clock, np.full(len(rows), sta.load[source])).max())


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
