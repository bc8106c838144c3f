"""Several streams into one: the first that asks goes first."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..errors import InputError


class Arbiter(wiring.Component):
    """One of `count` in-streams a cycle, the lowest number that is valid, without a cycle of delay.

    A choice stands until it is taken, so that the payload of a stalled output does not change.
    """

    def __init__(self, shape: Any, count: int) -> None:
        if count < 1:
            raise InputError(f"arbiter: count = {count} streams (at least 1)")
        self.count = count
        self.held = Signal(count)  # the choice of a stalled output, one bit a stream
        super().__init__(
            {
                "i": In(stream.Signature(shape)).array(count),
                "o": Out(stream.Signature(shape)),
                "grant": Out(count),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        asked, first = Signal(self.count), Signal(self.count)
        for number, one in enumerate(self.i):
            m.d.comb += asked[number].eq(one.valid)
            with m.If(self.grant[number]):
                m.d.comb += [self.o.payload.eq(one.payload), one.ready.eq(self.o.ready)]
        m.d.comb += [
            first.eq(asked & -asked),
            self.grant.eq(Mux(self.held.any(), self.held, first)),
            self.o.valid.eq(asked.any()),
        ]
        m.d.sync += self.held.eq(Mux(self.o.valid & ~self.o.ready, self.grant, 0))
        return m
