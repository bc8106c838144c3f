"""Full adders on the library's own cells, with as few inverters as possible.

Many libraries' full adders give inverted outputs. A full adder of inverted inputs gives inverted outputs
(it is self-dual), so each can be placed in one of two modes, with true or with complemented inputs. The
modes are chosen by local search over the price of the inverters that they need.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .cells import Cell, Library
from .gates import Bit, Module

_PARITY3, _MAJORITY = 0b10010110, 0b11101000
_PARITY2, _AND2 = 0b0110, 0b1000
MAX_PASSES = 20


@dataclass(frozen=True)
class AdderCell:
    """A library's adder: its pins, and whether each output is inverted. Its inputs are interchangeable;
    the first is the one with the least capacitance, for the latest arrival."""

    cell: Cell
    inputs: tuple[str, ...]
    sum: str
    carry: str
    sum_inverted: bool
    carry_inverted: bool


def find_adder(library: Library, inputs: int) -> AdderCell | None:
    """The smallest full (3) or half (2) adder of the library, known by its truth tables."""
    found = [a for c in library.cells.values() if (a := _as_adder(c, inputs))]
    return min(found, key=lambda a: (a.cell.area_um2, a.cell.name), default=None)


def _as_adder(cell: Cell, inputs: int) -> AdderCell | None:
    if not cell.usable or len(cell.inputs) != inputs or len(cell.outputs) != 2 or cell.truths is None:
        return None
    mask = (1 << (1 << inputs)) - 1
    parity, carry = (_PARITY3, _MAJORITY) if inputs == 3 else (_PARITY2, _AND2)
    of = dict(zip(cell.outputs, cell.truths, strict=True))
    sums = [o for o in of if of[o] in (parity, parity ^ mask)]
    carries = [o for o in of if of[o] in (carry, carry ^ mask)]
    if len(sums) != 1 or len(carries) != 1:
        return None
    s, c = sums[0], carries[0]
    pins = tuple(sorted(cell.inputs, key=lambda p: (cell.pins[p].capacitance_f, p)))
    return AdderCell(cell, pins, s, c, of[s] != parity, of[c] != carry)


@dataclass
class Node:
    """One adder to place: `mode` 1 takes complemented inputs. A half adder's mode is its constant input:
    a + b + 1 is the complement of the half sum of the complements."""

    name: str
    adder: AdderCell
    inputs: list[Bit]  # the latest first
    sum: Bit
    carry: Bit
    mode: int
    free: bool

    def offers(self) -> Iterator[tuple[Bit, int]]:
        yield self.sum, self.mode ^ self.adder.sum_inverted
        yield self.carry, self.mode ^ self.adder.carry_inverted


class Polarity:
    """The price of inverters around adders of one module, for each choice of modes."""

    def __init__(self, module: Module, nodes: list[Node], library: Library) -> None:
        self.drivers, users = module.drivers(), module.users()
        self.module, self.library = module, library
        names = {n.name for n in nodes}
        self.makers = {bit: node for node in nodes for bit, _ in node.offers()}
        self.takers: dict[Bit, list[Node]] = {}
        for node in nodes:
            for bit in node.inputs:
                self.takers.setdefault(bit, []).append(node)
        self.read_true = {bit for bit, found in users.items() if any(n not in names for n, _ in found)}
        inverter = library.inverter
        self.inverter_um2 = inverter.area_um2 if inverter else 1.0

    def price(self, bit: Bit) -> float:
        """Area (um2) that this net needs to be there in the polarities its readers take."""
        wanted = {n.mode for n in self.takers.get(bit, ())} | ({0} if bit in self.read_true else set())
        maker = self.makers.get(bit)
        if maker is not None:
            offered = dict(maker.offers())[bit]
            return self.inverter_um2 * len(wanted - {offered})
        true, complement = self._leaf(bit)
        if wanted == {0, 1}:
            return min(true, complement) + self.inverter_um2
        return complement if wanted == {1} else true

    def _leaf(self, bit: Bit) -> tuple[float, float]:
        """Price of a gate's output in either polarity."""
        inverting = {"$_AND_": (0b1000, 0b0111), "$_OR_": (0b1110, 0b0001)}
        name = self.drivers.get(bit)
        kind = self.module.cells[name]["type"] if name else ""
        if kind in inverting:
            cells = [self.library.smallest((t,), 2) for t in inverting[kind]]
            true, complement = (c.area_um2 if c else self.inverter_um2 for c in cells)
            return true, complement
        if kind == "$_NOT_" and name:
            source = self.module.cells[name]["connections"]["A"][0]
            if source not in self.makers and self.drivers.get(source) != name:
                true, complement = self._leaf(source)
                return complement, true
        return 0.0, self.inverter_um2

    def settle(self, nodes: list[Node]) -> None:
        """Flip modes, node by node, as long as that saves area."""
        for _ in range(MAX_PASSES):
            if not sum(self._improve(node) for node in nodes if node.free):
                return

    def _improve(self, node: Node) -> bool:
        touched = {*node.inputs, node.sum, node.carry}
        before = sum(self.price(bit) for bit in touched)
        node.mode ^= 1
        if sum(self.price(bit) for bit in touched) < before - 1e-9:
            return True
        node.mode ^= 1
        return False
