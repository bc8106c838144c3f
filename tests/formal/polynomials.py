"""Sums of products proven for all inputs: a netlist is read as polynomials of its input bits.

A solver of formulas does not end on multipliers and carry-save trees. As polynomials with whole coefficients they
are one sum: a full adder leaves two bits whose weighted sum is that of its three, so that carries cancel. Bits are 0
or 1 (x x = x); a word is known modulo 2^width, and exactly where its range fits. Registers let through what they
get: the designs have no feedback. What cannot be read so is refused, never guessed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sartor.rtl import yosys

Polynomial = dict[frozenset[str], int]  # products of bits, and how often
Bit = tuple["Word", int]
READ = "read_rtlil in.il; hierarchy -top top; proc; flatten; opt_clean; opt_dff; write_json out.json"
PRODUCT, SUM = "$mul", ("$add", "$sub")


@dataclass(eq=False)
class Word:
    """A number of `width` bits: `value` modulo 2^width. One of a single bit is exact."""

    value: Polynomial
    width: int

    def within(self, low: int, high: int) -> bool:
        """Whether its value is surely low to high - 1."""
        if self.width == 1 and low <= 0 and high >= 2:
            return True
        least, most = (sum(c for c in self.value.values() if (c < 0) is side) for side in (True, False))
        return low <= least and most < high


def total(*terms: tuple[int, Polynomial]) -> Polynomial:
    """The weighted sum."""
    found: Polynomial = {}
    for weight, polynomial in terms:
        for bits, count in polynomial.items():
            found[bits] = found.get(bits, 0) + weight * count
    return {bits: count for bits, count in found.items() if count}


def product(a: Polynomial, b: Polynomial) -> Polynomial:
    return total(*((m * n, {x | y: 1}) for x, m in a.items() for y, n in b.items()))


def modulo(polynomial: Polynomial, bits: int) -> Polynomial:
    return {k: c % (1 << bits) for k, c in polynomial.items() if c % (1 << bits)}


def extended(value: Polynomial, size: int, signed: bool) -> Polynomial:
    """What a number of `size` bits is exactly, of which `value` is known modulo 2^size."""
    low = -(1 << size - 1) if signed else 0
    found = {k: (c - low) % (1 << size) + low for k, c in value.items()}
    if not Word(found, size).within(low, low + (1 << size)):
        raise ValueError(f"a number of {size} bits may overflow")
    return {k: c for k, c in found.items() if c}


@dataclass
class Netlist:
    """Of a component without hierarchy: words by the names of its nets."""

    cells: dict[Any, tuple[str, dict[str, Any]]]  # by each bit of an output
    nets: dict[str, Sequence[Any]]
    bits: dict[Any, Bit] = field(default_factory=dict)

    def word(self, name: str, signed: bool = True) -> Word:
        """The net `name`."""
        return self.read(self.nets[name], signed, len(self.nets[name]))

    def bit(self, net: Any) -> Bit:
        if isinstance(net, str):
            return Word({frozenset(): int(net)} if int(net) else {}, 1), 0
        if net not in self.bits:
            self.evaluate(*self.cells[net])
        return self.bits[net]

    def read(self, nets: Sequence[Any], signed: bool, width: int) -> Word:
        """The number of some nets, extended to `width` bits."""
        while len(nets) > 1 and nets[-1] == nets[-2] and (signed or width <= len(nets)) and nets[-1] != "0":
            nets, signed = nets[:-1], True  # the sign, repeated
        value: Polynomial = {}
        at, size = 0, len(nets)
        for word, run in _runs([self.bit(net) for net in nets]):
            if at + run < size and not word.within(0, 1 << run):
                raise ValueError(f"{run} bits of a word of {word.width} at {at} may overflow")
            value, top, at = total((1, value), (1 << at, word.value)), word, at + run
        if width <= size:
            return Word(value, width)
        if top.width == 1:  # bits only: exact as they are
            return Word(total((1, value), (-(1 << size), top.value)) if signed else value, width)
        return Word(extended(value, size, signed), width)

    def give(self, nets: Sequence[Any], word: Word) -> None:
        self.bits |= {net: (word, i) for i, net in enumerate(nets)}

    def evaluate(self, kind: str, cell: dict[str, Any]) -> None:
        """All outputs of one cell."""
        pins, parameters = cell["connections"], cell["parameters"]
        signed = int(parameters.get("A_SIGNED", "0"), 2) == 1
        out = pins.get("Y") or pins.get("Q")
        if kind == "$fa":
            self.adder(pins)
        elif kind in ("$dffe", "$dff"):
            self.bits |= {q: self.bit(d) for q, d in zip(out, pins["D"], strict=True)}
        elif kind == "$not":
            for y, a in zip(out, pins["A"], strict=True):
                self.give([y], Word(total((1, {frozenset(): 1}), (-1, self.single(a))), 1))
        elif kind == "$and":
            for y, a, b in zip(out, pins["A"], pins["B"], strict=True):
                self.give([y], Word(product(self.single(a), self.single(b)), 1))
        elif kind == "$mux":
            zero, one = (self.read(pins[p], False, len(out)).value for p in "AB")
            chosen = product(self.single(*pins["S"]), total((1, one), (-1, zero)))
            self.give(out, Word(total((1, zero), (1, chosen)), len(out)))
        elif kind in (PRODUCT, *SUM) and len(out) > 1:
            a, b = (self.read(pins[p], signed, len(out)).value for p in "AB")
            value = product(a, b) if kind == PRODUCT else total((1, a), (-1 if kind == "$sub" else 1, b))
            self.give(out, Word(value, len(out)))
        else:
            raise ValueError(f"a cell {kind} is no sum of products")

    def single(self, net: Any) -> Polynomial:
        word, _ = self.bit(net)
        if word.width != 1:
            raise ValueError("a bit of a number is not one of its own")
        return word.value

    def adder(self, pins: dict[str, Any]) -> None:
        """X, the carry, is a new bit; Y = A + B + C - 2 X."""
        for x, y, *three in zip(*(pins[p] for p in "XYABC"), strict=True):
            carry = {frozenset({f"carry {x}"}): 1}
            self.give([x], Word(carry, 1))
            self.give([y], Word(total((-2, carry), *((1, self.single(net)) for net in three)), 1))


def _runs(found: Sequence[Bit]) -> list[tuple[Word, int]]:
    """Words, each with how many of its lowest bits follow each other."""
    runs: list[tuple[Word, int]] = []
    for word, i in found:
        if i and runs and runs[-1] == (word, i):
            runs[-1] = word, i + 1
        elif i:
            raise ValueError(f"bit {i} of a number without those below it")
        else:
            runs.append((word, 1))
    return runs


def netlist(component: Any) -> Netlist:
    """The component, its inputs as free bits `port[i]`."""
    text = yosys.run_script(READ, {"in.il": yosys.to_rtlil(component, "top")}).files["out.json"]
    module = json.loads(text)["modules"]["top"]
    cells = {}
    for cell in module["cells"].values():
        for pin, side in cell["port_directions"].items():
            if side == "output":
                cells |= {net: (cell["type"], cell) for net in cell["connections"][pin]}
    found = Netlist(cells, {name: net["bits"] for name, net in module["netnames"].items()})
    for name, port in module["ports"].items():
        if port["direction"] == "input":
            for i, net in enumerate(port["bits"]):
                found.give([net], Word({frozenset({f"{name}[{i}]"}): 1}, 1))
    return found
