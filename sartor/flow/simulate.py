"""Gate-level replay: the mapped netlist run on vectors, with the functions that the liberty file gives.

64 independent runs lie side by side in the bits of one word, so a whole set of runs costs one pass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, Unsupported
from . import logic
from .cells import Cell
from .netlist import HIGH, LOW, Instance, Netlist

Words = NDArray[np.uint64]
ONES = np.uint64(2**64 - 1)
_Evaluate = Callable[[Mapping[str, Any], Any], Any]


@dataclass(frozen=True)
class _Gate:
    """One output of one instance, in the order in which outputs can be computed."""

    evaluate: _Evaluate
    inputs: Mapping[str, int]
    output: int


class Simulator:
    """Values are words of shape (words,): bit r of word w is run 64 * w + r. All registers share a clock."""

    def __init__(self, netlist: Netlist, words: int = 1) -> None:
        if netlist.black_boxes:
            raise Unsupported(
                f"replay: {', '.join(netlist.black_boxes)} has no gates (replay the logic alone)"
            )
        self.netlist = netlist
        self.values: Words = np.zeros((netlist.nets, words), dtype=np.uint64)
        self.values[HIGH] = ONES
        self._gates = _ordered(netlist)
        self._flops = [i for i in netlist.instances if i.cell.flop]
        self._gates_of = {i.pins[i.cell.gate.output]: i for i in netlist.instances if i.cell.gate}
        self.pulses: dict[int, Words] = {}  # by gated clock: the runs that the last edge reached
        self._states: Words = np.zeros((len(self._flops), words), dtype=np.uint64)
        self._show()

    def set(self, port: str, bits: Words) -> None:
        """Give an input: bits[i] are the words of its bit i."""
        if port not in self.netlist.inputs:
            raise InputError(f"replay: no input {port!r} (inputs: {', '.join(self.netlist.inputs)})")
        self.values[list(self.netlist.inputs[port])] = bits

    def get(self, port: str) -> Words:
        return self.values[list(self.netlist.outputs[port])]

    def settle(self) -> None:
        """Compute all gates from the inputs and the registers."""
        values = self.values
        for gate in self._gates:
            values[gate.output] = gate.evaluate({p: values[n] for p, n in gate.inputs.items()}, ONES)

    def clock(self) -> None:
        """One rising edge; then `settle` again."""
        self.pulses = {net: self._pulse(net) for net in self._gates_of}
        for index, instance in enumerate(self._flops):
            before = self._states[index].copy()
            after = self._next(instance.cell, instance.pins, before)
            pulse = self.pulses.get(_clock_net(instance), ONES)
            self._states[index] = (after & pulse) | (before & ~pulse)
        self._show()

    def _pulse(self, net: int) -> Words:
        """The runs in which the next edge reaches this clock net."""
        instance = self._gates_of.get(net)
        if instance is None or instance.cell.gate is None:
            return np.full_like(self.values[net], ONES)
        enabled = np.zeros_like(self.values[net])
        for pin in instance.cell.gate.enables:
            enabled |= self.values[instance.pins.get(pin, LOW)]
        return enabled & self._pulse(instance.pins[instance.cell.gate.clock])

    def _next(self, cell: Cell, pins: Mapping[str, int], state: Words) -> Words:
        flop = cell.flop
        assert flop is not None
        v = {p: self.values[n] for p, n in pins.items()} | {flop.state: state, flop.inverse: ~state}
        after = logic.evaluator(flop.next_state)(v, ONES)
        if flop.clear:
            after = after & ~logic.evaluator(flop.clear)(v, ONES)
        return after | logic.evaluator(flop.preset)(v, ONES) if flop.preset else after

    def _show(self) -> None:
        """Put the registers' states on their output pins."""
        for index, instance in enumerate(self._flops):
            cell, state = instance.cell, self._states[index]
            assert cell.flop is not None
            states = {cell.flop.state: state, cell.flop.inverse: ~state}
            for pin in cell.outputs:
                if pin in instance.pins:
                    self.values[instance.pins[pin]] = logic.evaluator(cell.pins[pin].function)(states, ONES)


def _clock_net(instance: Instance) -> int:
    """The net of a register's clock pin."""
    assert instance.cell.flop is not None
    return instance.pins.get(instance.cell.flop.clock.strip("!() '"), LOW)


def _ordered(netlist: Netlist) -> list[_Gate]:
    """Every gate behind those that drive it."""
    logical = [i for i in netlist.instances if not (i.cell.flop or i.cell.gate)]
    gates = [_gate(i.cell, i.pins, pin) for i in logical for pin in i.cell.outputs if pin in i.pins]
    made = {g.output: g for g in gates}
    waits = {g.output: sum(n in made for n in set(g.inputs.values())) for g in gates}
    readers: dict[int, list[_Gate]] = {}
    for gate in gates:
        for net in set(gate.inputs.values()):
            readers.setdefault(net, []).append(gate)
    order = [g for g in gates if not waits[g.output]]
    for gate in order:  # grows while it runs
        for reader in readers.get(gate.output, ()):
            waits[reader.output] -= 1
            order += [] if waits[reader.output] else [reader]
    if len(order) < len(gates):
        raise Unsupported("replay: the netlist has a combinational loop (break it)")
    return order


def _gate(cell: Cell, pins: Mapping[str, int], pin: str) -> _Gate:
    function = cell.pins[pin].function
    if not function:
        raise Unsupported(f"replay: the liberty file gives no function for {cell.name}.{pin}")
    inputs = {name: pins.get(name, LOW) for name in logic.names(function)}
    return _Gate(logic.evaluator(function), inputs, pins[pin])


def to_words(numbers: NDArray[np.int64], bits: int) -> Words:
    """One number for each run to words by bit: [runs] -> [bits, words]."""
    runs = -(-len(numbers) // 64) * 64
    padded = np.zeros(runs, dtype=np.int64)
    padded[: len(numbers)] = numbers
    planes = (padded[None, :] >> np.arange(bits)[:, None]) & 1
    return np.packbits(planes.astype(np.uint8), axis=1, bitorder="little").view(np.uint64)


def from_words(words: Words, runs: int, signed: bool = False) -> NDArray[np.int64]:
    """The inverse of `to_words`: [bits, words] -> [runs]."""
    planes = np.unpackbits(np.ascontiguousarray(words).view(np.uint8), axis=1, bitorder="little")[:, :runs]
    weights = 2 ** np.arange(len(words), dtype=np.int64)
    if signed:
        weights[-1] = -weights[-1]
    return weights @ planes.astype(np.int64)
