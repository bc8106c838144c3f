"""A mapped netlist: instances of library cells and the nets between them, hierarchy flattened by name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..errors import Unsupported
from .cells import Cell, Library
from .gates import Bit

LOW, HIGH = 0, 1  # the nets of the constants


@dataclass(frozen=True)
class Instance:
    """One cell; `path` are the names of the components around it, outermost first."""

    path: tuple[str, ...]
    name: str
    cell: Cell
    pins: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class Netlist:
    """Nets are numbered from 0; net 0 is low and net 1 is high. Ports list their nets, lowest bit first."""

    top: str
    library: Library = field(repr=False)
    instances: tuple[Instance, ...]
    inputs: Mapping[str, tuple[int, ...]]
    outputs: Mapping[str, tuple[int, ...]]
    nets: int
    black_boxes: Mapping[str, int] = field(default_factory=dict)  # kinds that are no cells, and how many
    memory_inputs: tuple[int, ...] = ()  # nets that memories read at the clock's edge, one a pin
    memory_outputs: tuple[int, ...] = ()  # nets that they drive

    @cached_property
    def area_um2(self) -> float:
        """Cell area."""
        return sum(i.cell.area_um2 for i in self.instances)


def read_netlist(text: str, top: str, library: Library) -> Netlist:
    """From Yosys' JSON. What is neither a cell of the library nor a module is counted as a black box."""
    reader = _Reader(json.loads(text)["modules"], library)
    module = reader.modules[top]
    nets = {port: tuple(reader.net((), b) for b in p["bits"]) for port, p in module["ports"].items()}
    reader.walk(top, ())
    by = {d: {n: nets[n] for n, p in module["ports"].items() if p["direction"] == d} for d in _DIRECTIONS}
    numbers, order = reader.numbered()
    ports = [{n: tuple(numbers[b] for b in bits) for n, bits in by[d].items()} for d in _DIRECTIONS]
    instances = tuple(
        Instance(i.path, i.name, i.cell, {p: numbers[b] for p, b in i.pins.items()}) for i in reader.instances
    )
    memories = [tuple(numbers[b] for b in bits if numbers[b] not in (LOW, HIGH)) for bits in reader.memories]
    return Netlist(top, library, instances, ports[0], ports[1], order, reader.black_boxes, *memories)


_DIRECTIONS = ("input", "output")
_MEMORY, _CLOCKS = "$mem", ("RD_CLK", "WR_CLK")


class _Reader:
    """Walks the modules; a net is first a raw number, and nets that a port connects become one."""

    def __init__(self, modules: dict[str, Any], library: Library) -> None:
        self.modules, self.library = modules, library
        self.instances: list[Instance] = []
        self.black_boxes: dict[str, int] = {}
        self.memories: tuple[list[int], list[int]] = [], []  # raw nets that memories read, and drive
        self._raw: dict[tuple[tuple[str, ...], Bit], int] = {}
        self._same: list[int] = [LOW, HIGH]

    def net(self, path: tuple[str, ...], bit: Bit) -> int:
        if isinstance(bit, str):
            return HIGH if bit == "1" else LOW
        key = (path, bit)
        if key not in self._raw:
            self._raw[key] = len(self._same)
            self._same.append(len(self._same))
        return self._raw[key]

    def walk(self, module: str, path: tuple[str, ...]) -> None:
        for name, cell in self.modules[module]["cells"].items():
            wires = {p: [self.net(path, b) for b in bits] for p, bits in cell["connections"].items()}
            kind = cell["type"]
            if kind in self.library.cells:
                pins = {p: w[0] for p, w in wires.items()}
                self.instances.append(Instance(path, name, self.library.cells[kind], pins))
            elif kind in self.modules and not self._is_box(kind):
                self._enter(kind, (*path, name), wires)
            elif kind.startswith("$scopeinfo"):
                continue
            else:
                self.black_boxes[kind] = self.black_boxes.get(kind, 0) + 1
                if kind.startswith(_MEMORY):
                    self._remember(cell["port_directions"], wires)

    def _remember(self, directions: Mapping[str, str], wires: Mapping[str, list[int]]) -> None:
        """Pins of a memory: bits of one port on the same net, as those of an enable, are one pin."""
        for port, nets in wires.items():
            if port not in _CLOCKS:
                self.memories[directions[port] == "output"].extend(dict.fromkeys(nets))

    def _is_box(self, module: str) -> bool:
        return bool(self.modules[module].get("attributes", {}).get("blackbox"))

    def _enter(self, module: str, path: tuple[str, ...], wires: Mapping[str, list[int]]) -> None:
        for port, item in self.modules[module]["ports"].items():
            for bit, outer in zip(item["bits"], wires.get(port, []), strict=False):
                self._join(self.net(path, bit), outer)
        self.walk(module, path)

    def _root(self, net: int) -> int:
        while self._same[net] != net:
            self._same[net] = self._same[self._same[net]]
            net = self._same[net]
        return net

    def _join(self, one: int, other: int) -> None:
        low, high = sorted((self._root(one), self._root(other)))
        if high == HIGH:
            raise Unsupported("netlist: a net is both constants (two outputs drive one net)")
        self._same[high] = low

    def numbered(self) -> tuple[dict[int, int], int]:
        """Dense numbers of the joined nets, and how many there are."""
        dense = {LOW: LOW, HIGH: HIGH}
        for net in range(len(self._same)):
            dense.setdefault(self._root(net), len(dense))
        return {net: dense[self._root(net)] for net in range(len(self._same))}, len(dense)


def to_flat(netlist: Netlist) -> str:
    """The netlist as text, hierarchy kept in the names only."""
    rows = [[list(i.path), i.name, i.cell.name, dict(i.pins)] for i in netlist.instances]
    ports = {
        d: {n: list(b) for n, b in p.items()} for d, p in (("i", netlist.inputs), ("o", netlist.outputs))
    }
    whole = {
        "top": netlist.top,
        "nets": netlist.nets,
        "boxes": dict(netlist.black_boxes),
        "memories": [list(netlist.memory_inputs), list(netlist.memory_outputs)],
        "rows": rows,
        **ports,
    }
    return json.dumps(whole)


def from_flat(text: str, library: Library) -> Netlist:
    """What `to_flat` wrote."""
    data = json.loads(text)
    instances = tuple(Instance(tuple(p), n, library.cell(c), pins) for p, n, c, pins in data["rows"])
    inputs, outputs = ({n: tuple(b) for n, b in data[d].items()} for d in "io")
    memories = (tuple(nets) for nets in data["memories"])
    return Netlist(data["top"], library, instances, inputs, outputs, data["nets"], data["boxes"], *memories)
