"""The dot product of unsigned codes and signed values: exact, in one carry-save tree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..errors import InputError
from .csa import placed, registered, summed, two_rows

MAX_REGISTERS = 2
DEPTH = 50  # of a tree before its register, in the units of csa_plan.py: 0.75 ns on ASAP7


def total_bits(lanes: int, code_bits: int, value_bits: int) -> int:
    """Bits of a signed word that holds any sum of `lanes` products.

    The lowest is lanes * (2**code_bits - 1) * -2**(value_bits - 1).

    >>> total_bits(32, 4, 8), total_bits(32, 8, 8)
    (17, 21)
    """
    lowest = lanes * (2**code_bits - 1) * 2 ** (value_bits - 1)
    return (lowest - 1).bit_length() + 1


class DotProduct(wiring.Component):
    """total(t + latency) = sum over lanes of codes[i](t) * values[i](t).

    Codes are unsigned, or signed where said so, values signed; nothing is rounded. `structural` elaborates the
    carry-save tree for synthesis, otherwise plain products, which simulate fast; both behave alike in every
    cycle. To stall, wrap it in Amaranth's EnableInserter.
    """

    def __init__(
        self, *, lanes: int = 32, code_bits: int = 4, value_bits: int = 8, registers: int = 1,
        structural: bool = False, signed_codes: bool = False,
    ) -> None:  # fmt: skip
        if not 0 <= registers <= MAX_REGISTERS:
            raise InputError(f"dot product: registers = {registers} (try 0 to {MAX_REGISTERS})")
        if min(lanes, code_bits, value_bits - 1) < 1:
            raise InputError(
                f"dot product: lanes = {lanes}, code_bits = {code_bits}, value_bits = {value_bits} "
                "(at least 1, 1 and 2)"
            )
        self.lanes, self.code_bits, self.value_bits = lanes, code_bits, value_bits
        self.registers, self.structural, self.signed_codes = registers, structural, signed_codes
        self.width = total_bits(lanes, code_bits, value_bits)
        super().__init__(
            {
                "codes": In(data.ArrayLayout(signed(code_bits) if signed_codes else unsigned(code_bits), lanes)),
                "values": In(data.ArrayLayout(signed(value_bits), lanes)),
                "total": Out(signed(self.width)),
            }
        )

    @property
    def latency(self) -> int:
        """Cycles from codes and values to their total."""
        return self.registers

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        if self.structural:
            m.d.comb += self.total.eq(summed(m, self.columns(), self.registers))
            return m
        total: Value = sum(
            (self.codes[i] * self.values[i] for i in range(self.lanes)), start=Const(0, signed(self.width))
        )
        m.d.comb += self.total.eq(later(m, total, signed(self.width), self.registers))
        return m

    def columns(self) -> list[list[Value]]:
        """All bits of all products by weight."""
        codes, values = ([Value.cast(each) for each in port] for port in (self.codes, self.values))
        return bit_products(codes, values, self.width, self.signed_codes)


class DotTree(wiring.Component):
    """low(t + 1) + high(t + 1) = the sum of codes[i](t) values[i](t) modulo 2^width: the carry-save tree of a
    dot product without the adder that propagates carries, for sums that go on.

    The register lies where about `DEPTH` of the tree is done.
    """

    def __init__(
        self, *, lanes: int, code_bits: int, value_bits: int, width: int, signed_codes: bool = False
    ) -> None:
        self.width, self.signed_codes = width, signed_codes
        super().__init__(
            {
                "codes": In(data.ArrayLayout(unsigned(code_bits), lanes)),
                "values": In(data.ArrayLayout(signed(value_bits), lanes)),
                "low": Out(width), "high": Out(width),
            }
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        values = [Value.cast(value) for value in self.values]
        columns = bit_products(list(self.codes), values, self.width, self.signed_codes)
        low, high = two_rows(m, registered(m, placed(m, columns, until=DEPTH)))
        m.d.comb += [self.low.eq(low), self.high.eq(high)]
        return m


def bit_products(
    codes: Sequence[Value], values: Sequence[Value], width: int, signed_codes: bool = False
) -> list[list[Value]]:
    """All bits of all products by weight, with the constant that makes their sum right modulo 2^width.

    A value's sign bit weighs -2**s. With c = code bit and x = sign bit, -c x = not(c x) - 1: so those
    bits are inverted, and the ones to take away are gathered in one constant (Baugh and Wooley, "A
    two's complement parallel array multiplication algorithm", IEEE Trans. Computers C-22, 1973). So it is with
    the sign bit of a signed code; the product of both signs weighs plus.
    """
    columns: list[list[Value]] = [[] for _ in range(width)]
    sign, code_sign = len(values[0]) - 1, len(codes[0]) - 1 if signed_codes else -1
    for code, value in zip(codes, values, strict=True):
        for i in range(len(code)):
            for j in range(len(value)):
                product = Cat(code[i] & value[j])
                columns[i + j].append(~product if (j == sign) != (i == code_sign) else product)
    constant = -len(codes) * (2 ** len(codes[0]) - 1) * 2**sign
    if signed_codes:
        constant = -len(codes) * ((2**code_sign - 1) * 2**sign + (2**sign - 1) * 2**code_sign)
    for weight, column in enumerate(columns):
        column += [Const(1, 1)] if constant >> weight & 1 else []
    return columns


def later(m: Module, value: Value, shape: Any, registers: int) -> Value:
    """`value` as many cycles later."""
    for _ in range(registers):
        held = Signal(shape, reset_less=True)
        m.d.sync += held.eq(value)
        value = held
    return value
