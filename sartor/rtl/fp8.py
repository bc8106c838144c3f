"""The dot product of E4M3 codes and integers, exact: a fixed-point sum that no code can leave.

E4M3 is (8 + m) 2^(e - 10), or m 2^-9 where e is 0: an integer of 4 bits, shifted by 0 to 14, times 2^-9. 32 products
with values of 8 bits need 31 bits (32 x 448 x 2^9 x 127 < 2^30): no exponent is aligned, nothing is rounded (Kulisch,
"Computer Arithmetic and Validity", 2008, has it for all formats). Other small numbers go the same way: a multiplier
takes a magnitude of 4 bits, how far its product is shifted, and a sign.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .csa import placed, registered, two_rows

CODE_BITS = VALUE_BITS = 8
LANE_BITS = 9  # magnitude of 4 bits, distance of 4, sign
FRACTION = 9  # codes count 2^-9
PRODUCT_BITS = 4 + VALUE_BITS
SHIFTED_BITS = PRODUCT_BITS + 15
WIDTH = 31  # of a sum
LATENCY = 2
DEPTH = 40  # of the tree before its register, in the units of csa.py: the shift comes before it


def lane_of(code: Value) -> Value:
    """What a multiplier takes of an E4M3 code."""
    field = code[3:7]
    return Cat(code[:3], field.any(), Mux(field.any(), field - 1, 0)[:4], code[7])


def integer(lane: Value) -> Value:
    """The number that it is."""
    magnitude = Cat(lane[:4], Const(0, 1)).as_signed() << lane[4:8]
    return Mux(lane[8], -magnitude, magnitude)


class ShiftedDot(wiring.Component):
    """low(t + 2) + high(t + 2) = the sum of codes[i](t) values[i](t) modulo 2^31, codes as `integer` has them.
    Registers: after the products, and in the tree."""

    def __init__(self, lanes: int = 32) -> None:
        self.lanes = lanes
        super().__init__(
            {
                "codes": In(data.ArrayLayout(LANE_BITS, lanes)),
                "values": In(data.ArrayLayout(signed(VALUE_BITS), lanes)),
                "low": Out(signed(WIDTH)), "high": Out(signed(WIDTH)),
            }
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        columns: list[list[Value]] = [[] for _ in range(WIDTH)]
        constant = 0
        for i in range(self.lanes):
            number, negative = self.lane(m, i)
            for weight in range(SHIFTED_BITS - 1):
                columns[weight].append(number[weight] ^ negative)
            columns[SHIFTED_BITS - 1].append(~(number[SHIFTED_BITS - 1] ^ negative))  # a sign: -s = not(s) - 1
            columns[0].append(negative)
            constant -= 1 << SHIFTED_BITS - 1
        for weight, column in enumerate(columns):
            column += [Const(1, 1)] if constant >> weight & 1 else []
        low, high = two_rows(m, registered(m, placed(m, columns, until=DEPTH)))
        m.d.comb += [self.low.eq(low), self.high.eq(high)]
        return m

    def lane(self, m: Module, i: int) -> tuple[Signal, Signal]:
        """The product of magnitude and value, shifted, and whether it is to be turned."""
        code, distance = self.codes[i], Signal(4, name=f"distance_{i}")
        product = Signal(signed(PRODUCT_BITS), name=f"product_{i}")
        number = Signal(signed(SHIFTED_BITS), name=f"number_{i}")
        turn = Signal(name=f"turn_{i}")
        m.d.sync += [
            product.eq(Cat(code[:4], Const(0, 1)).as_signed() * self.values[i]),
            distance.eq(code[4:8]), turn.eq(code[8]),
        ]  # fmt: skip
        m.d.comb += number.eq(product << distance)
        return number, turn


class Fp8Dot(wiring.Component):
    """total(t + 2) = 2^9 x the sum of E4M3(codes[i](t)) values[i](t)."""

    def __init__(self, lanes: int = 32) -> None:
        self.lanes = lanes
        super().__init__(
            {
                "codes": In(data.ArrayLayout(CODE_BITS, lanes)),
                "values": In(data.ArrayLayout(signed(VALUE_BITS), lanes)),
                "total": Out(signed(WIDTH)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.dot = dot = ShiftedDot(self.lanes)
        m.d.comb += [
            Value.cast(dot.codes).eq(Cat(lane_of(self.codes[i]) for i in range(self.lanes))),
            dot.values.eq(self.values), self.total.eq(dot.low + dot.high),
        ]  # fmt: skip
        return m
