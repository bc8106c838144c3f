"""The product of two binary32 numbers: one rounding, three registers."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .float_parts import BIAS, FLOAT, FRACTION_BITS, MANTISSA_BITS, packed, rounded

LATENCY = 3
_HALF = MANTISSA_BITS // 2
_EXPONENT = signed(10)
# Of the 48 bits of a product the upper 26 decide a mantissa and its guard; the rest is sticky.
_UPPER = MANTISSA_BITS + 2


class FloatMultiply(wiring.Component):
    """product(t + 3) = a(t) b(t), canonical, as sartor.families.tensor.float32.multiply. Bit i of `enable`
    loads register i: a pipeline that is empty does not move.

    Two products of half the width take the first stage, their sum the second, rounding the third. A product
    below 2^-126 before rounding is 0. Multiplying by 1 makes a number canonical.
    """

    def __init__(self) -> None:
        super().__init__({"a": In(32), "b": In(32), "enable": In(LATENCY), "product": Out(32)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        low, high, first = self._multiply(m)
        upper, sticky, second = self._add(m, low, high, first)
        self._round(m, upper, sticky, second)
        return m

    def _multiply(self, m: Module) -> tuple[Signal, Signal, data.View[data.StructLayout]]:
        """Two partial products; sign, exponent and whether it is zero."""
        a, b = data.View(FLOAT, self.a), data.View(FLOAT, self.b)
        low, high = (Signal(MANTISSA_BITS + _HALF, name=n, reset_less=True) for n in ("low", "high"))
        rest = Signal(_REST, reset_less=True)
        long, short = Cat(a.fraction, Const(1, 1)), Cat(b.fraction, Const(1, 1))
        with m.If(self.enable[0]):
            m.d.sync += [low.eq(long * short[:_HALF]), high.eq(long * short[_HALF:])]
            m.d.sync += rest.exponent.eq(a.exponent + b.exponent - BIAS)
            m.d.sync += [rest.sign.eq(a.sign ^ b.sign), rest.zero.eq((a.exponent == 0) | (b.exponent == 0))]
        return low, high, rest

    def _add(self, m: Module, low: Signal, high: Signal, rest: Any) -> tuple[Signal, Signal, Any]:
        total = Signal(2 * MANTISSA_BITS)
        upper, sticky = Signal(_UPPER, reset_less=True), Signal(reset_less=True)
        after = Signal(_REST, reset_less=True)
        m.d.comb += total.eq(low + (high << _HALF))
        with m.If(self.enable[1]):
            m.d.sync += [upper.eq(total[-_UPPER:]), sticky.eq(total[:-_UPPER].any()), after.eq(rest)]
        return upper, sticky, after

    def _round(self, m: Module, upper: Signal, sticky: Signal, rest: Any) -> None:
        """A product of mantissas is in [1, 4)."""
        large, kept, guard, below = Signal(), Signal(MANTISSA_BITS), Signal(), Signal()
        total, exponent, before = Signal(MANTISSA_BITS + 1), Signal(_EXPONENT), Signal(_EXPONENT)
        m.d.comb += [
            large.eq(upper[-1]),
            kept.eq(Mux(large, upper[2:], upper[1:-1])),
            guard.eq(Mux(large, upper[1], upper[0])),
            below.eq(sticky | large & upper[0]),
            total.eq(rounded(kept, guard, below)),
            before.eq(rest.exponent + large),
            exponent.eq(before + total[-1]),
        ]
        with m.If(self.enable[2]):
            tiny = rest.zero | (before <= 0)
            m.d.sync += self.product.eq(packed(rest.sign, exponent, total[:FRACTION_BITS], tiny))


_REST = data.StructLayout({"exponent": _EXPONENT, "sign": unsigned(1), "zero": unsigned(1)})
