"""A FIFO for answers that may not be refused: a question needs a credit, a credit is a free place."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .fifo import Fifo


class CreditFifo(wiring.Component):
    """Asked for (`ask`, only while `may_ask`), a word comes at any later time (`valid`, `payload`), always
    finds a place and leaves as a stream. Credits come back when words leave."""

    def __init__(self, shape: Any, depth: int) -> None:
        self.fifo = Fifo(shape, depth)
        self.free = Signal(range(self.fifo.capacity + 1), init=self.fifo.capacity)
        super().__init__(
            {
                "ask": In(1),
                "may_ask": Out(1),
                "valid": In(1),
                "payload": In(shape),
                "o": Out(stream.Signature(shape)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.fifo = fifo = self.fifo
        m.d.comb += [fifo.i.valid.eq(self.valid), fifo.i.payload.eq(self.payload)]
        m.d.comb += [self.o.payload.eq(fifo.o.payload), self.o.valid.eq(fifo.o.valid)]
        m.d.comb += [fifo.o.ready.eq(self.o.ready), self.may_ask.eq(self.free != 0)]
        m.d.sync += self.free.eq(self.free - self.ask + (self.o.valid & self.o.ready))
        return m
