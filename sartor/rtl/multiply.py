"""A signed multiplier in one carry-save tree."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..errors import InputError
from .csa import summed
from .dot import MAX_REGISTERS, later


class Multiplier(wiring.Component):
    """product(t + latency) = a(t) * b(t), both signed, exact.

    `structural` elaborates the carry-save tree for synthesis, otherwise a plain product. No Booth recoding:
    on ASAP7 a bit of a recoded row (selector and full adder) costs more than the two bits of plain rows
    that it replaces, since a NAND is a quarter of a full adder.
    """

    def __init__(self, *, a_bits: int, b_bits: int, registers: int = 1, structural: bool = False) -> None:
        if not 0 <= registers <= MAX_REGISTERS:
            raise InputError(f"multiplier: registers = {registers} (try 0 to {MAX_REGISTERS})")
        if min(a_bits, b_bits) < 2:
            raise InputError(f"multiplier: a_bits = {a_bits}, b_bits = {b_bits} (at least 2)")
        self.a_bits, self.b_bits = a_bits, b_bits
        self.registers, self.structural = registers, structural
        width = signed(a_bits + b_bits)
        super().__init__({"a": In(signed(a_bits)), "b": In(signed(b_bits)), "product": Out(width)})

    @property
    def latency(self) -> int:
        """Cycles from the factors to their product."""
        return self.registers

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        if self.structural:
            m.d.comb += self.product.eq(summed(m, self.columns(), self.registers))
            return m
        width = signed(self.a_bits + self.b_bits)
        m.d.comb += self.product.eq(later(m, self.a * self.b, width, self.registers))
        return m

    def columns(self) -> list[list[Value]]:
        """All bit products by weight: those with one sign bit are inverted, and a constant takes away what
        that adds (Baugh and Wooley, as in the dot product)."""
        columns: list[list[Value]] = [[] for _ in range(self.a_bits + self.b_bits)]
        constant = 0
        for i in range(self.a_bits):
            for j in range(self.b_bits):
                product = Cat(self.a[i] & self.b[j])
                negative = (i == self.a_bits - 1) != (j == self.b_bits - 1)
                columns[i + j].append(~product if negative else product)
                constant -= negative << (i + j)
        for weight, column in enumerate(columns):
            column += [Const(1, 1)] if constant >> weight & 1 else []
        return columns
