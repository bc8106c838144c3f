"""exp2, reciprocal and, in lane 0, reciprocal square root in hardware: one table, one small multiplier."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ....rtl.float_parts import BIAS, FLOAT, FRACTION_BITS, MOST, shifted_right
from ....rtl.once import shared
from .. import functions
from ..functions import EXP2_LOW, FRACTION, SEGMENTS, STEP
from ..isa import Function

REGISTERS = 2
SLOPE_BITS = 14
_INDEX_BITS = SEGMENTS.bit_length() - 1
_WHOLE_BITS = 9  # of exp2's argument, signed
_LOW = FRACTION_BITS - _INDEX_BITS - STEP  # fraction bits that no segment sees

# Which segment, how far into it, and the result's exponent field; or a constant.
_STEP = data.StructLayout(
    {
        "segment": unsigned(_INDEX_BITS + 2), "r": unsigned(STEP), "exponent": signed(10),
        "sign": unsigned(1), "zero": unsigned(1), "most": unsigned(1),
    }
)  # fmt: skip
_LINE = data.StructLayout(
    {
        "start": unsigned(FRACTION), "slope": signed(SLOPE_BITS), "r": unsigned(STEP), "exponent": unsigned(8),
        "sign": unsigned(1), "zero": unsigned(1), "most": unsigned(1),
    }
)  # fmt: skip


def segments() -> list[tuple[int, int]]:
    """(start, slope) of exp2, reciprocal, rsqrt of even and of odd exponents: 64 each."""
    return [pair for name in ("exp2", "reciprocal", "rsqrt") for pair in functions.table(name)]


class FunctionUnit(wiring.Component):
    """result(t + 2) = f(x(t)) as families.tensor.functions. Bit i of `enable` loads register i; `result`
    itself is not registered. The stages: segment; table; start + (slope r >> 10).

    A unit without `roots` has no table for RSQRT, half of all segments: what a reduction leaves is in lane 0.
    """

    def __init__(self, roots: bool = True) -> None:
        self.roots = roots
        super().__init__({"x": In(32), "kind": In(Function), "enable": In(REGISTERS), "result": Out(32)})

    @shared("roots")
    def elaborate(self, platform: Any) -> Module:
        m = Module()
        step, line = Signal(_STEP, reset_less=True), Signal(_LINE, reset_less=True)
        with m.If(self.enable[0]):
            self._segment(m, data.View(FLOAT, self.x), step)
        with m.If(self.enable[1]):
            self._look_up(m, step, line)
        self._interpolate(m, line)
        return m

    def _segment(self, m: Module, x: Any, step: Any) -> None:
        fixed, tiny, huge = self._fixed(m, x)
        exponent = x.exponent
        m.d.sync += [step.sign.eq(0), step.zero.eq(0)]
        m.d.sync += Cat(step.r, step.segment).eq(x.fraction[_LOW:])
        with m.Switch(self.kind):
            with m.Case(Function.EXP2):
                m.d.sync += Cat(step.r, step.segment).eq(fixed[:16])
                m.d.sync += step.exponent.eq(fixed[16:].as_signed() + BIAS)
                m.d.sync += [step.zero.eq(tiny), step.most.eq(huge)]
            with m.Case(Function.RECIPROCAL) if self.roots else m.Default():
                m.d.sync += step.segment.eq(Cat(x.fraction[-_INDEX_BITS:], Const(1, 2)))
                m.d.sync += step.exponent.eq(2 * BIAS - 1 - exponent)
                m.d.sync += [step.sign.eq(x.sign), step.most.eq(exponent == 0)]
            if self.roots:
                with m.Default():
                    odd = ~exponent[0]  # of the exponent without its bias
                    m.d.sync += step.segment.eq(Cat(x.fraction[-_INDEX_BITS:], odd, Const(1, 1)))
                    m.d.sync += step.exponent.eq(190 - ((exponent + 1) >> 1))
                    m.d.sync += step.most.eq((exponent == 0) | x.sign)

    def _fixed(self, m: Module, x: Any) -> tuple[Value, Value, Value]:
        """floor(x 2^16) in 25 bits; whether 2^x is 0; whether it is beyond the largest number."""
        whole = BIAS + 7  # the exponent field at which the mantissa is in units of 2^-16
        amount, beyond = Signal(5), Signal()
        m.d.comb += beyond.eq(x.exponent >= whole)  # |x| >= 128
        m.d.comb += amount.eq(Mux(x.exponent < whole - 31, 31, whole - x.exponent))
        mantissa = Cat(x.fraction, x.exponent != 0)
        magnitude, lost = shifted_right(m, mantissa, amount, "fixed")
        fixed = Signal(signed(16 + _WHOLE_BITS))
        flip = x.sign.replicate(len(fixed))
        m.d.comb += fixed.eq((magnitude ^ flip) + (x.sign & ~lost))
        below = beyond | (fixed[16:].as_signed() < EXP2_LOW)
        return fixed, x.sign & below, beyond & ~x.sign

    def _look_up(self, m: Module, step: Any, line: Any) -> None:
        with m.Switch(step.segment):
            for i, (start, slope) in enumerate(segments() if self.roots else segments()[: 2 * SEGMENTS]):
                with m.Case(i):
                    m.d.sync += [line.start.eq(start), line.slope.eq(slope)]
        small = step.exponent <= 0
        m.d.sync += [line.r.eq(step.r), line.exponent.eq(step.exponent), line.sign.eq(step.sign)]
        m.d.sync += [line.zero.eq(~step.most & (step.zero | small)), line.most.eq(step.most)]

    def _interpolate(self, m: Module, line: Any) -> None:
        # One sum: floor(start + product / 2^STEP).
        total = Signal(FRACTION + STEP)
        m.d.comb += total.eq((line.start << STEP) + line.slope * line.r)
        y = total[STEP:]
        bits = Cat(Const(0, FRACTION_BITS - FRACTION), y, line.exponent)
        m.d.comb += self.result.eq(Mux(line.zero, 0, Cat(Mux(line.most, MOST, bits)[:31], line.sign)))
