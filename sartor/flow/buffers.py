"""Buffers on late nets that drive much: before the pins that have time, or before all of them in groups."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from .arcs import ArcTables
from .cells import Cell
from .netlist import Instance, Netlist
from .sta import Sta

MAX_ROUNDS = 12
# In input capacitances of a buffer: what one drives, and what a late net may drive without one.
GROUP_LOADS, FEW_LOADS = 24.0, 6.0
SPARE = 1.0  # delays of a buffer by which a pin that goes behind one has more time than the latest
ALIKE = 1.1  # a buffer so much slower than the fastest is chosen if it is smaller
_BUFFER = 0b10  # the truth table

Pin = tuple[int, str]  # an instance and its input; a memory's: -1 and the place in `memory_inputs`


@dataclass(frozen=True)
class Buffer:
    """The cell, what its input loads (F), and its delay (s) before GROUP_LOADS of those."""

    cell: Cell
    load_f: float
    delay_s: float


def buffered(sta: Sta, arc_tables: ArcTables) -> Sta:
    """The analysis of the netlist with buffers (its `netlist`), as long as they make it faster."""
    buffer = _buffer(sta, arc_tables)
    if buffer is None:
        return sta
    for _ in range(MAX_ROUNDS):
        after = Sta(_cut(sta, buffer), arc_tables, sta.constraints)
        if after.total_s <= sta.total_s or after.worst_s < sta.worst_s - buffer.delay_s:
            break
        sta = after
    return sta


def _buffer(sta: Sta, arc_tables: ArcTables) -> Buffer | None:
    """Of the buffers that are about as fast as any before GROUP_LOADS, the smallest."""
    cells = [
        c for c in sta.netlist.library.cells.values()
        if c.usable and len(c.inputs) == 1 and c.truths == (_BUFFER,)
    ]  # fmt: skip
    if not cells or sta.worst_s >= 0:
        return None
    load = min(c.pins[c.inputs[0]].capacitance_f for c in cells)
    found = [Buffer(c, load, _delay(c, GROUP_LOADS * load, sta, arc_tables)) for c in cells]
    fastest = min(b.delay_s for b in found)
    return min((b for b in found if b.delay_s <= ALIKE * fastest), key=lambda b: b.cell.area_um2)


def _delay(cell: Cell, load_f: float, sta: Sta, arc_tables: ArcTables) -> float:
    rows = arc_tables.templates[cell.name].rows["combinational"][:, 4]
    slews = np.full(len(rows), sta.constraints.input_slew_s)
    return float(sta.tables.look_up(rows, slews, np.full(len(rows), load_f)).max())


def _cut(sta: Sta, buffer: Buffer) -> Netlist:
    """The netlist with all nets cut that are late and drive much."""
    netlist = sta.netlist
    editor = _Editor(netlist, buffer.cell, sta.constraints.output_load_f)
    for net, pins in _late_pins(sta):
        latest = min(slack for _, slack in pins)
        patient = [pin for pin, slack in pins if slack >= latest + SPARE * buffer.delay_s]
        if editor.load_f(patient) >= FEW_LOADS * buffer.load_f:
            editor.put_behind(net, patient, GROUP_LOADS * buffer.load_f)
        elif sta.load[2 * net] > 2 * GROUP_LOADS * buffer.load_f:
            editor.put_behind(net, [pin for pin, _ in pins], GROUP_LOADS * buffer.load_f)
    return editor.netlist()


def _late_pins(sta: Sta) -> Iterator[tuple[int, list[tuple[Pin, float]]]]:
    """Nets with a late pin that drive more than a few; their pins, each with its slack (s)."""
    nodes = np.minimum(sta.slack[::2], sta.slack[1::2])
    late = np.flatnonzero(nodes < 0)
    slacks = _pin_slacks(sta)
    users = _users(sta.netlist, set(late.tolist()))
    for net in late.tolist():
        pins = [(pin, slacks.get((pin[0], net), 0.0)) for pin in users.get(net, ())]
        if len(pins) > 1:
            yield net, pins


def _users(netlist: Netlist, nets: set[int]) -> dict[int, list[Pin]]:
    """The pins that read these nets, in the order of the components: neighbors stay together."""
    found: dict[int, list[Pin]] = {}
    for index, instance in enumerate(netlist.instances):
        for pin, net in instance.pins.items():
            if net in nets and not instance.cell.pins[pin].output:
                found.setdefault(net, []).append((index, pin))
    for place, net in enumerate(netlist.memory_inputs):
        if net in nets:
            found.setdefault(net, []).append((-1, str(place)))
    return found


def _pin_slacks(sta: Sta) -> dict[tuple[int, int], float]:
    """The least slack (s) of what (instance, net it reads) leads to."""
    arcs, setups = sta.arcs, sta.setups
    through = sta.required[arcs.target] - sta.delay - sta.arrival[arcs.source]
    into = sta.constraints.period_s - sta.setup_times() - sta.arrival[setups.target]
    pairs = zip(
        np.concatenate([arcs.instance, setups.instance]).tolist(),
        np.concatenate([arcs.source, setups.target]).tolist(),
        np.concatenate([through, into]).tolist(), strict=True,
    )  # fmt: skip
    found: dict[tuple[int, int], float] = {}
    for instance, node, slack in pairs:
        key = instance, node // 2
        if slack < found.get(key, np.inf):
            found[key] = slack
    return found


class _Editor:
    """A netlist under change."""

    def __init__(self, netlist: Netlist, cell: Cell, memory_load_f: float) -> None:
        self.old, self.cell, self.nets, self.memory_load_f = netlist, cell, netlist.nets, memory_load_f
        self.pins: dict[int, dict[str, int]] = {}
        self.memory_inputs = list(netlist.memory_inputs)
        self.added: list[Instance] = []

    def load_f(self, pins: list[Pin]) -> float:
        return sum(self._load_f(pin) for pin in pins)

    def _load_f(self, pin: Pin) -> float:
        index, name = pin
        return self.memory_load_f if index < 0 else self.old.instances[index].cell.pins[name].capacitance_f

    def put_behind(self, net: int, pins: list[Pin], most_f: float) -> None:
        """These pins behind buffers of `net`, each with a load of about `most_f`."""
        group: list[Pin] = []
        for pin in pins:
            group.append(pin)
            if self.load_f(group) >= most_f * (1 - 1e-9):
                self._place(net, group)
                group = []
        if group:
            self._place(net, group)

    def _place(self, net: int, pins: list[Pin]) -> None:
        path = _common([self.old.instances[index].path for index, _ in pins if index >= 0])
        wires = {self.cell.inputs[0]: net, self.cell.outputs[0]: self.nets}
        self.added.append(Instance(path, f"$buffer${self.nets}", self.cell, wires))
        for index, name in pins:
            if index < 0:
                self.memory_inputs[int(name)] = self.nets
            else:
                self.pins.setdefault(index, {})[name] = self.nets
        self.nets += 1

    def netlist(self) -> Netlist:
        instances = tuple(
            replace(item, pins={**item.pins, **self.pins[i]}) if i in self.pins else item
            for i, item in enumerate(self.old.instances)
        )
        return replace(
            self.old,
            instances=instances + tuple(self.added),
            nets=self.nets,
            memory_inputs=tuple(self.memory_inputs),
        )


def _common(paths: list[tuple[str, ...]]) -> tuple[str, ...]:
    """The component that holds all of these.

    >>> _common([("tile", "unit_0", "dot"), ("tile", "unit_1")])
    ('tile',)
    """
    levels = itertools.takewhile(lambda names: len(set(names)) == 1, zip(*paths, strict=False))
    return tuple(names[0] for names in levels)
