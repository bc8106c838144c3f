"""Static timing analysis over NLDM tables: slowest edge-to-edge paths, ideal clock, no wires, no hold.

Every path runs from a register, a memory or an input to a register, a memory or an output. Inputs are taken to come
from registers of this library and outputs to go into such, unless the constraints say otherwise, so the
figures hold for a block between registers. False paths are not known: the result is an upper bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from ..errors import InputError
from .arcs import FALL, RISE, ArcTables, in_levels, loads_f
from .cells import Floats
from .constraints import Constraints
from .netlist import Netlist
from .tables import Ints


class Sta:
    """Arrival, slew and slack of every edge of every net. Arrays are indexed by 2 * net + edge."""

    def __init__(self, netlist: Netlist, arc_tables: ArcTables, constraints: Constraints) -> None:
        self.netlist, self.tables, self.constraints = netlist, arc_tables.tables, constraints
        self.load = loads_f(netlist, constraints.output_load_f)
        self.driver = arc_tables.templates[constraints.driver].rows["clock"] if constraints.driver else None
        self.arcs = arc_tables.of(netlist, "combinational")
        self.launches = arc_tables.of(netlist, "clock")
        self.setups = arc_tables.of(netlist, "setup")
        self.levels = in_levels(self.arcs, 2 * netlist.nets)
        self._forward()
        self._backward()

    def _forward(self) -> None:
        nodes = 2 * self.netlist.nets
        self.arrival, self.slew = np.full(nodes, -np.inf), np.zeros(nodes)
        self.cause = np.full(nodes, -1)
        self.delay = np.zeros(len(self.arcs))
        self._drive([n for nets in self.netlist.inputs.values() for n in nets], 0.0)
        self._drive(self.netlist.memory_outputs, self.constraints.memory_delay_s)
        self._launch()
        for rows in self.levels:
            self._relax(rows)

    def _drive(self, nets: Sequence[int], later_s: float) -> None:
        """What comes from a register outside, or from a memory."""
        nodes = np.array([2 * n + edge for n in nets for edge in (RISE, FALL)], dtype=np.int64)
        self.arrival[nodes] = self.constraints.input_delay_s + later_s
        self.slew[nodes] = self.constraints.input_slew_s
        if self.driver is None:
            return
        for row in self.driver:
            there = nodes[nodes % 2 == row[3]]
            clock, which = np.full(len(there), self.constraints.clock_slew_s), np.full(len(there), row[4])
            self.arrival[there] = self.tables.look_up(which, clock, self.load[there]) + later_s
            self.slew[there] = self.tables.look_up(np.full(len(there), row[5]), clock, self.load[there])

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
        data, margin = self.setups.target, self.setup_times()
        np.minimum.at(self.required, data, period - margin)
        for nets in self.netlist.outputs.values():
            ends = np.array([2 * n + e for n in nets for e in (0, 1)], dtype=np.int64)
            np.minimum.at(self.required, ends, period - self.constraints.output_margin_s)
        ends = np.array([2 * n + e for n in self.netlist.memory_inputs for e in (0, 1)], dtype=np.int64)
        np.minimum.at(self.required, ends, period - self.constraints.memory_setup_s)
        self.end_required = self.required.copy()
        for rows in reversed(self.levels):
            before = self.required[self.arcs.target[rows]] - self.delay[rows]
            np.minimum.at(self.required, self.arcs.source[rows], before)

    def setup_times(self) -> Floats:
        """Seconds by which the data of each row of `setups` comes before the clock."""
        rows = self.setups
        clock = np.full(len(rows), self.constraints.clock_slew_s)
        return self.tables.look_up(rows.delay, self.slew[rows.target], clock)

    @property
    def slack(self) -> Floats:
        """Seconds by which each node's latest arrival is early (negative: late); inf where nothing ends."""
        slack = self.required - self.arrival
        return np.where(np.isfinite(self.arrival), slack, np.inf)

    @property
    def late(self) -> Floats:
        """Seconds by which a path that ends in each node is late."""
        return np.where(np.isfinite(self.arrival), self.arrival - self.end_required, -np.inf)

    @cached_property
    def worst_s(self) -> float:
        """The least slack."""
        return self.worst()[1]

    @cached_property
    def total_s(self) -> float:
        """The sum of the slacks of all ends that are late."""
        return -float(np.maximum(self.late, 0.0).sum())

    def sent_by(self, node: int) -> Ints:
        """The tables of delay of the register that drives `node`, or that stands for what does; none of gates."""
        return np.array(self._sent.get(node, []), dtype=np.int64)

    @cached_property
    def _sent(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for node, table in zip(self.launches.target.tolist(), self.launches.delay.tolist(), strict=True):
            found.setdefault(node, []).append(table)
        outside = [n for nets in self.netlist.inputs.values() for n in nets]
        for row in () if self.driver is None else self.driver:
            for net in (*outside, *self.netlist.memory_outputs):
                found.setdefault(2 * net + int(row[3]), []).append(int(row[4]))
        return found

    def worst(self) -> tuple[int, float]:
        """The node at which the slowest path ends, and its slack."""
        late = self.late
        end = int(np.argmax(late))
        if not np.isfinite(late[end]):
            raise InputError(f"{self.netlist.top}: nothing to time (no path from a register or an input)")
        return end, -float(late[end])

    def worst_rows(self) -> list[int]:
        """The arcs of the slowest path, in its direction."""
        node, rows = self.worst()[0], []
        while (row := int(self.cause[node])) >= 0:
            rows.append(row)
            node = int(self.arcs.source[row])
        return rows[::-1]
