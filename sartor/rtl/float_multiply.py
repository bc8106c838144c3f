"""The product of two binary32 numbers: one rounding, three registers."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .csa import added, placed
from .float_parts import BIAS, FLOAT, FRACTION_BITS, MANTISSA_BITS, packed, rounded

LATENCY = 3
_HALF = MANTISSA_BITS // 2
_EXPONENT = signed(10)
# Of the 48 bits of a product the upper 26 decide a mantissa and its guard; the rest is sticky.
_UPPER = MANTISSA_BITS + 2
_TREE = 56  # depth of the tree before the first register, in the units of csa_plan.py: 0.8 ns on ASAP7


class FloatMultiply(wiring.Component):
    """product(t + 3) = a(t) b(t), canonical, as sartor.families.tensor.float32.multiply. Bit i of `enable`
    loads register i: a pipeline that is empty does not move.

    Partial products take the first stage, their sum the second, rounding the third. A product below 2^-126 before
    rounding is 0. Multiplying by 1 makes a number canonical. The partial products are two of half the width, which
    simulate fast, or with `structural` the ends of a carry-save tree for synthesis.
    """

    def __init__(self, structural: bool = False) -> None:
        self.structural = structural
        super().__init__({"a": In(32), "b": In(32), "enable": In(LATENCY), "product": Out(32)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        a, b = data.View(FLOAT, self.a), data.View(FLOAT, self.b)
        first, rest, after = (Signal(_REST, reset_less=True) for _ in range(3))
        upper, sticky = Signal(_UPPER, reset_less=True), Signal(reset_less=True)
        total = self._product(m, Cat(a.fraction, Const(1, 1)), Cat(b.fraction, Const(1, 1)))
        m.d.comb += [
            first.exponent.eq(a.exponent + b.exponent - BIAS), first.sign.eq(a.sign ^ b.sign),
            first.zero.eq((a.exponent == 0) | (b.exponent == 0)),
        ]  # fmt: skip
        with m.If(self.enable[0]):
            m.d.sync += rest.eq(first)
        with m.If(self.enable[1]):
            m.d.sync += [upper.eq(total[-_UPPER:]), sticky.eq(total[:-_UPPER].any()), after.eq(rest)]
        self._round(m, upper, sticky, after)
        return m

    def _product(self, m: Module, x: Value, y: Value) -> Value:
        """The product of what x and y were a cycle ago."""
        columns = placed(m, products(x, y), until=_TREE) if self.structural else []
        parts = [Cat(*column) for column in columns] or [x * y[:_HALF], x * y[_HALF:]]
        held = [Signal(len(part), name=f"part_{i}", reset_less=True) for i, part in enumerate(parts)]
        with m.If(self.enable[0]):
            m.d.sync += [register.eq(part) for register, part in zip(held, parts, strict=True)]
        total = Signal(2 * MANTISSA_BITS)
        if self.structural:
            m.d.comb += total.eq(added(placed(m, [list(register) for register in held])))
        else:
            m.d.comb += total.eq(held[0] + (held[1] << _HALF))
        return total

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
            m.d.sync += self.product.eq(packed(rest.sign, exponent, exponent >= 255, total[:FRACTION_BITS], tiny))


def products(x: Value, y: Value) -> list[list[Value]]:
    """The products of all bits of x and y, both unsigned, by weight."""
    columns: list[list[Value]] = [[] for _ in range(len(x) + len(y))]
    for i in range(len(x)):
        for j in range(len(y)):
            columns[i + j].append(x[i] & y[j])
    return columns


_REST = data.StructLayout({"exponent": _EXPONENT, "sign": unsigned(1), "zero": unsigned(1)})
