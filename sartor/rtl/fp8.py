"""The dot product of E4M3 codes and integers, exact: a fixed-point sum that no code can leave.

E4M3 is (8 + m) 2^(e - 10), or m 2^-9 where e is 0: an integer of 4 bits, shifted by 0 to 14, times 2^-9. 32 products
with values of 8 bits need 31 bits (32 x 448 x 2^9 x 127 < 2^30): no exponent is aligned, nothing is rounded (Kulisch,
"Computer Arithmetic and Validity", 2008, has it for all formats).
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .csa import summed

CODE_BITS = VALUE_BITS = 8
FRACTION = 9  # codes count 2^-9
PRODUCT_BITS = 4 + VALUE_BITS
SHIFTED_BITS = PRODUCT_BITS + 14
LATENCY = 3


class Fp8Dot(wiring.Component):
    """total(t + 3) = 2^9 x the sum of E4M3(codes[i](t)) values[i](t). Registers: after the products, after the shifts,
    and in the tree."""

    def __init__(self, lanes: int = 32) -> None:
        self.lanes, self.width = lanes, SHIFTED_BITS + (lanes - 1).bit_length()
        super().__init__(
            {
                "codes": In(data.ArrayLayout(CODE_BITS, lanes)),
                "values": In(data.ArrayLayout(signed(VALUE_BITS), lanes)),
                "total": Out(signed(self.width)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        columns: list[list[Value]] = [[] for _ in range(self.width)]
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
        m.d.comb += self.total.eq(summed(m, columns, 1))
        return m

    def lane(self, m: Module, i: int) -> tuple[Signal, Signal]:
        """The product of magnitude and value, shifted, and whether it is to be turned."""
        code = self.codes[i]
        field, distance = code[3:7], Signal(4, name=f"distance_{i}")
        product = Signal(signed(PRODUCT_BITS), name=f"product_{i}")
        number = Signal(signed(SHIFTED_BITS), name=f"number_{i}")
        turn, turned = Signal(name=f"turn_{i}"), Signal(name=f"turned_{i}")
        m.d.sync += [
            product.eq(Cat(code[:3], field.any(), Const(0, 1)).as_signed() * self.values[i]),
            distance.eq(Mux(field.any(), field - 1, 0)), turn.eq(code[7]),
            number.eq(product << distance), turned.eq(turn),
        ]  # fmt: skip
        return number, turned
