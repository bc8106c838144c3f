"""One lane: a p + q, and the adder once more for reductions."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ....rtl import float_add, float_multiply
from ....rtl.float_add import FloatAdd
from ....rtl.float_multiply import FloatMultiply
from ....rtl.once import shared
from .matrix_ports import FLOAT_BITS

# From the cycle that loads the operands to the one in which `total` holds.
LATENCY = 1 + float_multiply.LATENCY + float_add.LATENCY


class Lane(wiring.Component):
    """total = a p + q. Operands are loaded with `load_a`, `load_p`, `load_q`; what is missing is 1 or 0, exactly.

    `multiply` and `add` load the registers of the two units. The addend is needed when the product is there:
    `shared_q` (where `take_shared`) or the one loaded by then. A cycle after `feeds` the adder takes x and y instead,
    and `next` is their sum, or the `larger`, two cycles later.
    """

    def __init__(self, structural: bool = False) -> None:
        self.structural = structural
        numbers = ("a", "p", "q", "shared_q", "x", "y")
        flags = ("load_a", "load_p", "load_q", "take_shared", "feeds", "larger")
        super().__init__(
            {
                **{name: In(FLOAT_BITS) for name in numbers}, **{name: In(1) for name in flags},
                "multiply": In(float_multiply.LATENCY), "add": In(float_add.LATENCY),
                "total": Out(FLOAT_BITS), "next": Out(FLOAT_BITS),
            }
        )  # fmt: skip

    @shared("structural")
    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.multiplier = multiplier = FloatMultiply(self.structural)
        m.submodules.adder = adder = FloatAdd()
        a, p, q, addend = (Signal(FLOAT_BITS, name=n, reset_less=True) for n in ("a", "p", "q", "addend"))
        for name, register in (("a", a), ("p", p), ("q", q)):
            with m.If(getattr(self, f"load_{name}")):
                m.d.sync += register.eq(getattr(self, name))
        with m.If(self.multiply[-1]):
            m.d.sync += addend.eq(Mux(self.take_shared, self.shared_q, q))
        feed = Signal()  # one register a lane: 64 multiplexers read it
        m.d.sync += feed.eq(self.feeds)
        m.d.comb += [multiplier.a.eq(a), multiplier.b.eq(p), multiplier.enable.eq(self.multiply)]
        m.d.comb += adder.a.eq(Mux(feed, self.x, multiplier.product))
        m.d.comb += adder.b.eq(Mux(feed, self.y, addend))
        m.d.comb += [adder.larger.eq(feed & self.larger), adder.enable.eq(self.add)]
        m.d.comb += [self.total.eq(adder.total), self.next.eq(adder.next)]
        return m
