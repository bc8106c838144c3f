"""The slowest path of a timing analysis, cell by cell."""

from __future__ import annotations

import numpy as np

from .arcs import FALL
from .sta import Sta
from .timing import Step, Timing


def timing(sta: Sta) -> Timing:
    """The slowest path, from its start to its end."""
    end, slack = sta.worst()
    period = sta.constraints.period_s
    return Timing(period - slack, slack, period, tuple(_steps(sta, end)), _end_name(sta, end // 2))


def _steps(sta: Sta, end: int) -> list[Step]:
    """From its start to the node `end`, at which it ends."""
    rows = sta.worst_rows()
    steps = [
        _step(sta, int(sta.arcs.instance[r]), int(sta.arcs.target[r]), float(sta.delay[r])) for r in rows
    ]
    start = int(sta.arcs.source[rows[0]]) if rows else end
    first = np.flatnonzero(sta.launches.target == start)
    if len(first):
        index = int(sta.launches.instance[first[0]])
        steps.insert(0, _step(sta, index, start, float(sta.arrival[start])))
    return steps


def _step(sta: Sta, index: int, node: int, delay: float) -> Step:
    i = sta.netlist.instances[index]
    arrival = float(sta.arrival[node])
    return Step(".".join(i.path), i.name, i.cell.name, node // 2, node % 2 != FALL, delay, arrival)


def _end_name(sta: Sta, net: int) -> str:
    """Of a port, a memory, or the register that takes the net."""
    for port, nets in sta.netlist.outputs.items():
        if net in nets:
            return f"{port}[{nets.index(net)}]"
    if net in sta.netlist.memory_inputs:
        return "a memory"
    row = np.flatnonzero(sta.setups.target // 2 == net)
    instance = sta.netlist.instances[int(sta.setups.instance[row[0]])]
    return ".".join((*instance.path, instance.name))
