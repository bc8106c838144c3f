"""The sum of two binary32 numbers, or the larger one: one rounding, three registers."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .float_parts import (
    FLOAT,
    FRACTION_BITS,
    MANTISSA_BITS,
    leading_zeros,
    mantissa,
    packed,
    rounded,
    shifted_right,
)

LATENCY = 3
_EXTRA = 3  # guard, round, sticky
_SHIFT_BITS = 5
_FAR = MANTISSA_BITS + 2  # from here on the smaller number is only sticky
_SUM = MANTISSA_BITS + _EXTRA + 1

_ORDERED = data.StructLayout(
    {"big": FLOAT, "small": unsigned(MANTISSA_BITS), "shift": unsigned(_SHIFT_BITS), "subtract": unsigned(1)}
)
_ADDED = data.StructLayout({"sum": unsigned(_SUM), "exponent": unsigned(8), "sign": unsigned(1)})


class FloatAdd(wiring.Component):
    """total(t + 3) = a(t) + b(t), canonical, as sartor.families.tensor.float32.add; with `larger` the larger
    of both. Bit i of `enable` loads register i; `next` is what the last register would take.

    The stages: order by magnitude; shift and add; shift back and round. A sum that needs a long shift back
    is exact, so that one guard, one round and one sticky bit are enough.
    """

    def __init__(self) -> None:
        numbers = {"a": In(32), "b": In(32), "next": Out(32), "total": Out(32)}
        super().__init__({**numbers, "larger": In(1), "enable": In(LATENCY)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        added = self._add(m, self._order(m))
        self._round(m, added)
        with m.If(self.enable[2]):
            m.d.sync += self.total.eq(self.next)
        return m

    def _order(self, m: Module) -> Any:
        a, b = data.View(FLOAT, self.a), data.View(FLOAT, self.b)
        ordered, big, small = Signal(_ORDERED, reset_less=True), Signal(FLOAT), Signal(FLOAT)
        less, swap, distance = Signal(), Signal(), Signal(8)
        m.d.comb += less.eq(self.a[:31] < self.b[:31])
        # Of numbers below zero the one of smaller magnitude is larger.
        greater = Mux(a.sign == b.sign, less ^ a.sign, a.sign)
        m.d.comb += swap.eq(Mux(self.larger, greater, less))
        m.d.comb += [big.eq(Mux(swap, self.b, self.a)), small.eq(Mux(swap, self.a, self.b))]
        m.d.comb += distance.eq(big.exponent - small.exponent)
        with m.If(self.enable[0]):
            m.d.sync += ordered.big.eq(big)
            m.d.sync += ordered.small.eq(Mux(self.larger, 0, mantissa(small)))
            m.d.sync += ordered.shift.eq(Mux(distance >= _FAR, _FAR, distance))
            m.d.sync += ordered.subtract.eq((a.sign ^ b.sign) & ~self.larger)
        return ordered

    def _add(self, m: Module, x: Any) -> Any:
        added = Signal(_ADDED, reset_less=True)
        wide = Signal(MANTISSA_BITS + _EXTRA)
        m.d.comb += wide.eq(x.small << _EXTRA)
        aligned, lost = shifted_right(m, wide, x.shift)
        addend = Signal(_SUM)
        m.d.comb += addend.eq(Cat(aligned[0] | lost, aligned[1:]))
        big = mantissa(x.big) << _EXTRA
        with m.If(self.enable[1]):
            m.d.sync += added.sum.eq(big + (addend ^ x.subtract.replicate(_SUM)) + x.subtract)
            m.d.sync += [added.exponent.eq(x.big.exponent), added.sign.eq(x.big.sign)]
        return added

    def _round(self, m: Module, x: Any) -> None:
        zeros, sum_ = leading_zeros(m, x.sum)
        before, following = Signal(signed(10)), Signal(signed(10))
        total = Signal(MANTISSA_BITS + 1)
        kept, guard, sticky = sum_[-MANTISSA_BITS:], sum_[_EXTRA], sum_[:_EXTRA].any()
        m.d.comb += [
            total.eq(rounded(kept, guard, sticky)),
            before.eq(x.exponent + 1 - zeros),
            following.eq(x.exponent + 2 - zeros),
        ]
        # What a carry out of the fraction would make of the exponent does not wait for it.
        exponent, over = (Mux(total[-1], a, b) for a, b in ((following, before), (following >= 255, before >= 255)))
        zero = ~sum_[-1] | (before <= 0)
        m.d.comb += self.next.eq(packed(x.sign, exponent, over, total[:FRACTION_BITS], zero))
