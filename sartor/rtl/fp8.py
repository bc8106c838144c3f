"""The dot product of E4M3 codes and integers, exact: a fixed-point sum that no code can leave.

E4M3 is (8 + m) 2^(e - 10), or m 2^-9 where e is 0: an integer of 4 bits, shifted by 0 to 14, times 2^-9. 32 products
with values of 8 bits need 31 bits (32 x 448 x 2^9 x 127 < 2^30): no exponent is aligned, nothing is rounded (Kulisch,
"Computer Arithmetic and Validity", 2008, has it for all formats). Other small numbers go the same way: a multiplier
takes a number of 4 bits and a sign, and how far its product is shifted.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .csa import drawn_as, registered, rows_of
from .csa_plan import levels

CODE_BITS = VALUE_BITS = 8
NUMBER_BITS = 5  # of a code: 4 bits and a sign
DISTANCE_BITS = 4
LANE_BITS = NUMBER_BITS + DISTANCE_BITS
FRACTION = 9  # codes count 2^-9
PRODUCT_BITS = 4 + VALUE_BITS
SHIFTED_BITS = PRODUCT_BITS + 15
WIDTH = 31  # of a sum
LATENCY = 2
KEPT = 4  # bits of a column that the register in the tree holds: the shift comes before it, an adder after


def lane_of(code: Value, exponent: int = 4, mantissa: int = 3, least: int = 0) -> Value:
    """What a multiplier takes of a code with so many bits of exponent and mantissa, as E4M3 has them; the smallest are
    shifted by `least`."""
    field = code[mantissa : mantissa + exponent]
    more = field + (least - 1) if least else field - 1
    whole = Cat(code[:mantissa], field.any(), Const(0, 3 - mantissa))
    return signed_lane(whole, code[mantissa + exponent], Mux(field.any(), more, least)[:DISTANCE_BITS])


def signed_lane(magnitude: Value, negative: Value, distance: Value | int) -> Value:
    """The lane of a magnitude of 4 bits with its sign: turned here, for all columns, and not behind each product."""
    number = Mux(negative, -magnitude, magnitude)[:NUMBER_BITS]
    return Cat(number, Cat(distance, Const(0, 4))[:4] if isinstance(distance, Value) else Const(distance, 4))


def integer(lane: Value) -> Value:
    """The number that it is."""
    return lane[:NUMBER_BITS].as_signed() << lane[NUMBER_BITS:LANE_BITS]


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
        numbers = [self.number(m, i) for i in range(self.lanes)]
        columns: list[list[Value]] = [[number[w] for number in numbers] for w in range(SHIFTED_BITS - 1)]
        columns.append([~number[-1] for number in numbers])  # a sign: -s = not(s) - 1
        constant = -self.lanes << SHIFTED_BITS - 1
        columns += [[Const(1, 1)] if constant >> w & 1 else [] for w in range(SHIFTED_BITS, WIDTH)]
        for most in (KEPT, 2):
            columns = drawn_as(m, columns, levels([len(c) for c in columns], most))
            columns = registered(m, columns) if most == KEPT else columns
        low, high = rows_of(columns)
        m.d.comb += [self.low.eq(low), self.high.eq(high)]
        return m

    def number(self, m: Module, i: int) -> Signal:
        """The product of number and value, shifted."""
        code, distance = self.codes[i], Signal(4, name=f"distance_{i}", reset_less=True)
        product = Signal(signed(PRODUCT_BITS), name=f"product_{i}", reset_less=True)
        shifted = Signal(signed(SHIFTED_BITS), name=f"number_{i}")
        m.d.sync += [
            product.eq(code[:NUMBER_BITS].as_signed() * self.values[i]), distance.eq(code[NUMBER_BITS:LANE_BITS]),
        ]  # fmt: skip
        m.d.comb += shifted.eq(product << distance)
        return shifted


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
