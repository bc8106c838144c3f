"""Static timing analysis over NLDM tables: slowest edge-to-edge paths, ideal clock, no wires, no hold.

Every path runs from a register or an input to a register or an output. Inputs are taken to come from
registers of this library and outputs to go into such, unless the constraints say otherwise, so the
figures hold for a block between registers. False paths are not known: the result is an upper bound.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError, Unsupported
from .arcs import FALL, ArcList, ArcTables, loads_f
from .cells import Floats
from .constraints import Constraints
from .netlist import Netlist
from .tables import Ints


@dataclass(frozen=True)
class Step:
    """One cell of the critical path: the arc into `net`, its delay, and the arrival after it."""

    component: str
    instance: str
    cell: str
    net: int
    rising: bool
    delay_s: float
    arrival_s: float


@dataclass(frozen=True)
class Timing:
    """The slowest path of a netlist. `critical_s` is the shortest clock period that it allows."""

    critical_s: float
    slack_s: float
    period_s: float
    path: tuple[Step, ...]
    ends_at: str

    @property
    def fmax_hz(self) -> float:
        return 1.0 / self.critical_s

    def by_component(self) -> dict[str, float]:
        """Seconds of the critical path in each component."""
        found: dict[str, float] = {}
        for step in self.path:
            found[step.component] = found.get(step.component, 0.0) + step.delay_s
        return found


class Sta:
    """Arrival, slew and slack of every edge of every net. Arrays are indexed by 2 * net + edge."""

    def __init__(self, netlist: Netlist, arc_tables: ArcTables, constraints: Constraints) -> None:
        self.netlist, self.tables, self.constraints = netlist, arc_tables.tables, constraints
        self.load = loads_f(netlist, constraints.output_load_f)
        self.arcs = arc_tables.of(netlist, "combinational")
        self.launches = arc_tables.of(netlist, "clock")
        self.setups = arc_tables.of(netlist, "setup")
        self.levels = _levels(self.arcs, 2 * netlist.nets)
        self._forward()
        self._backward()

    def _forward(self) -> None:
        nodes = 2 * self.netlist.nets
        self.arrival, self.slew = np.full(nodes, -np.inf), np.zeros(nodes)
        self.cause = np.full(nodes, -1)
        self.delay = np.zeros(len(self.arcs))
        for nets in self.netlist.inputs.values():
            for net in nets:
                self.arrival[2 * net : 2 * net + 2] = self.constraints.input_delay_s
                self.slew[2 * net : 2 * net + 2] = self.constraints.input_slew_s
        self._launch()
        for rows in self.levels:
            self._relax(rows)

    def _launch(self) -> None:
        """Registers send at the clock's edge."""
        rows = self.launches
        slews = np.full(len(rows), self.constraints.clock_slew_s)
        delay = self.tables.look_up(rows.delay, slews, self.load[rows.target])
        np.maximum.at(self.arrival, rows.target, delay)
        np.maximum.at(self.slew, rows.target, self.tables.look_up(rows.slew, slews, self.load[rows.target]))

    def _relax(self, rows: Ints) -> None:
        arcs = self.arcs
        source, target = arcs.source[rows], arcs.target[rows]
        slews, loads = self.slew[source], self.load[target]
        delay = self.tables.look_up(arcs.delay[rows], slews, loads)
        self.delay[rows] = delay
        arrival = self.arrival[source] + delay
        np.maximum.at(self.arrival, target, arrival)
        known = np.isfinite(arrival)
        out = self.tables.look_up(arcs.slew[rows], slews, loads)
        np.maximum.at(self.slew, target[known], out[known])
        latest = known & (arrival >= self.arrival[target])
        self.cause[target[latest]] = rows[latest]

    def _backward(self) -> None:
        """Required times, from the ends back; unreached nodes keep infinity."""
        self.required = np.full(2 * self.netlist.nets, np.inf)
        period = self.constraints.period_s
        data, margin = self.setups.target, self._setup_times()
        np.minimum.at(self.required, data, period - margin)
        for nets in self.netlist.outputs.values():
            ends = np.array([2 * n + e for n in nets for e in (0, 1)], dtype=np.int64)
            np.minimum.at(self.required, ends, period - self.constraints.output_margin_s)
        self.end_required = self.required.copy()
        for rows in reversed(self.levels):
            before = self.required[self.arcs.target[rows]] - self.delay[rows]
            np.minimum.at(self.required, self.arcs.source[rows], before)

    def _setup_times(self) -> Floats:
        rows = self.setups
        clock = np.full(len(rows), self.constraints.clock_slew_s)
        return self.tables.look_up(rows.delay, self.slew[rows.target], clock)

    @property
    def slack(self) -> Floats:
        """Seconds by which each node's latest arrival is early (negative: late); inf where nothing ends."""
        slack = self.required - self.arrival
        return np.where(np.isfinite(self.arrival), slack, np.inf)

    def _worst(self) -> tuple[int, float]:
        """The node at which the slowest path ends, and its slack."""
        late = np.where(np.isfinite(self.arrival), self.arrival - self.end_required, -np.inf)
        end = int(np.argmax(late))
        if not np.isfinite(late[end]):
            raise InputError(f"{self.netlist.top}: nothing to time (no path from a register or an input)")
        return end, -float(late[end])

    def worst_rows(self) -> list[int]:
        """The arcs of the slowest path, in its direction."""
        node, rows = self._worst()[0], []
        while (row := int(self.cause[node])) >= 0:
            rows.append(row)
            node = int(self.arcs.source[row])
        return rows[::-1]

    def timing(self) -> Timing:
        """The slowest path, from its start to its end."""
        end, slack = self._worst()
        period = self.constraints.period_s
        return Timing(period - slack, slack, period, tuple(self._path(end)), self._end_name(end // 2))

    def _path(self, end: int) -> list[Step]:
        rows = self.worst_rows()
        steps = [
            self._step(int(self.arcs.instance[r]), int(self.arcs.target[r]), float(self.delay[r]))
            for r in rows
        ]
        start = int(self.arcs.source[rows[0]]) if rows else end
        first = np.flatnonzero(self.launches.target == start)
        if len(first):
            index = int(self.launches.instance[first[0]])
            steps.insert(0, self._step(index, start, float(self.arrival[start])))
        return steps

    def _step(self, index: int, node: int, delay: float) -> Step:
        i = self.netlist.instances[index]
        arrival = float(self.arrival[node])
        return Step(".".join(i.path), i.name, i.cell.name, node // 2, node % 2 != FALL, delay, arrival)

    def _end_name(self, net: int) -> str:
        for port, nets in self.netlist.outputs.items():
            if net in nets:
                return f"{port}[{nets.index(net)}]"
        row = np.flatnonzero(self.setups.target // 2 == net)
        instance = self.netlist.instances[int(self.setups.instance[row[0]])]
        return ".".join((*instance.path, instance.name))


def _levels(arcs: ArcList, nodes: int) -> list[Ints]:
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
