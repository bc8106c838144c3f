"""One block of 32 weights times one group of one column: the dot product, scaled, as terms of the accumulator.

Stages, from the cycle in which codes and values are there: dot product (`DOT` registers), S = dot product and
correction, product with the mantissa, shift. Each is a register that moves only when it gets something.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, EnableInserter, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ....rtl.dot import DotProduct
from ..core import GROUP, HALF, Core
from .matrix_ports import CODE_BITS, SHIFT_BITS, SUM_BITS

DOT = 1  # registers within the dot product
S_BITS = 20  # 32 x 128 x 127 and a sign
MANTISSA_BITS = 12
PRODUCT_BITS = S_BITS + MANTISSA_BITS - 1
STAGES = DOT + 3  # cycles from codes and values to the terms


class DotUnit(wiring.Component):
    """`enable` has a bit a stage. A term is its upper bits plus its lowest one, which rounds."""

    def __init__(self, core: Core, minimum: bool = True, structural: bool = False) -> None:
        self.core, self.minimum, self.structural = core, minimum, structural
        values = data.ArrayLayout(signed(CODE_BITS), HALF)
        super().__init__(
            {
                "enable": In(STAGES),
                "codes": In(HALF * 8 * core.multiplier_bits // 4), "low": In(values), "high": In(values),
                "code8": In(1), "half": In(1), "correction": In(signed(S_BITS)),
                "d": In(signed(MANTISSA_BITS)), "d_shift": In(SHIFT_BITS),
                "x_shift": In(SHIFT_BITS), "sum": In(signed(SUM_BITS)),
                "m": In(signed(MANTISSA_BITS)), "m_shift": In(SHIFT_BITS),
                "term": Out(signed(PRODUCT_BITS + 1)), "least": Out(signed(SUM_BITS + MANTISSA_BITS)),
            }
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        total = Signal(signed(S_BITS), reset_less=True)
        dot = self.dot(m, self.enable[0] if DOT else None)
        with m.If(self.enable[DOT]):
            if self.core.multiplier_bits == 4:
                m.d.sync += total.eq(dot + Mux(self.half, total, self.correction))
            else:
                m.d.sync += total.eq(dot + self.correction)
        m.d.comb += self.term.eq(self.scaled(m, total, self.d, self.d_shift, "d"))
        if self.minimum:
            m.d.comb += self.least.eq(self.scaled(m, self.sum, self.m, self.m_shift, "m"))
        return m

    def dot(self, m: Module, enable: Value | None) -> Value:
        """Of what comes in this cycle: 32 lanes, or 16 of each nibble."""
        values = Cat(self.low, self.high)
        if self.core.multiplier_bits == 8:
            codes = [self.codes[8 * i :][:8] for i in range(GROUP)]
            return self.product(m, "dot", Cat(codes), values, GROUP, 8)
        nibbles = [Cat(self.codes[8 * i + 4 * h :][:4] for i in range(HALF)) for h in (0, 1)]
        low = self.product(m, "dot_low", nibbles[0], Value.cast(self.low), HALF, 4)
        high = self.product(m, "dot_high", nibbles[1], Value.cast(self.high), HALF, 4)
        return low + Mux(self.code8, high << 4, high)

    def product(self, m: Module, name: str, codes: Value, values: Value, lanes: int, bits: int) -> Value:
        dot = DotProduct(
            lanes=lanes, code_bits=bits, value_bits=CODE_BITS, registers=DOT, structural=self.structural
        )
        m.submodules[name] = EnableInserter(self.enable[0])(dot) if DOT else dot
        m.d.comb += [Value.cast(dot.codes).eq(codes), Value.cast(dot.values).eq(values)]
        return dot.total

    def scaled(self, m: Module, x: Value, mantissa: Value, shift: Value, name: str) -> Value:
        """x times mantissa / 2^(shifts), with one bit behind the point."""
        bits = len(x) + MANTISSA_BITS - 1
        product = Signal(signed(bits), reset_less=True, name=f"{name}_product")
        term = Signal(signed(bits + 1), reset_less=True, name=f"{name}_term")
        both, distance = Signal(SHIFT_BITS + 1), Signal(SHIFT_BITS, reset_less=True, name=f"{name}_distance")
        m.d.comb += both.eq(self.x_shift + shift)
        with m.If(self.enable[DOT + 1]):
            m.d.sync += product.eq(x * mantissa)
            m.d.sync += distance.eq(Mux(both[SHIFT_BITS], (1 << SHIFT_BITS) - 1, both))
        with m.If(self.enable[DOT + 2]):
            m.d.sync += term.eq(Cat(Const(0, 1), product).as_signed() >> distance)
        return term
