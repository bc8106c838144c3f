"""The memory block on a model memory: answers in order of each tag, at random times, in any order of tags."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from sartor.families.tensor.core import Core
from sartor.families.tensor.rtl import memory_ports as ports
from sartor.families.tensor.rtl.memory import Memory
from sartor.rtl.fifo import Fifo

OUTSIDE = ("stream", "fetch", "store", "weights", "cache")


class Bench(wiring.Component):
    """`accept`: requests are taken; `answer`: which tags may answer, `first`: which of both does.
    A word read is its address and, above it, its tag. `request` and `outstanding` are for looking at."""

    def __init__(self, core: Core) -> None:
        self.core, self.memory = core, Memory(core)
        streams = {name: self.memory.signature.members[name] for name in OUTSIDE}
        look = {"address": ports.ADDRESS_BITS, "tag": 1, "write": 1}
        shapes = {"data": 8 * core.port_bytes, "mask": core.port_bytes}
        seen = {name: Out(shape) for name, shape in {**look, **shapes}.items()}
        super().__init__(
            {**streams, "accept": In(1), "answer": In(2), "first": In(1), "moved": Out(1), "valid": Out(1),
             "idle_store": Out(1), "asked": Out(3), "response": Out(1), **seen}
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.memory = memory = self.memory
        for name in OUTSIDE:
            wiring.connect(m, getattr(memory, name), wiring.flipped(getattr(self, name)))
        request = memory.request
        m.d.comb += [getattr(self, n).eq(getattr(request, n)) for n in ("address", "tag", "write", "data", "mask")]
        m.d.comb += [
            request.ready.eq(self.accept), self.valid.eq(request.valid), self.moved.eq(request.valid & self.accept),
            self.idle_store.eq(memory.idle_store), self.asked.eq(memory.asked),
            self.response.eq(memory.response.valid),
        ]  # fmt: skip
        asked = [self.outstanding(m, tag) for tag in range(2)]
        may = Cat(asked[tag].o.valid & self.answer[tag] for tag in range(2))
        tag = Signal()
        m.d.comb += [tag.eq(may[1] & (self.first | ~may[0])), memory.response.tag.eq(tag)]
        m.d.comb += memory.response.valid.eq(may.any())
        for number, fifo in enumerate(asked):
            with m.If(may.any() & (tag == number)):
                m.d.comb += [fifo.o.ready.eq(1), memory.response.data.eq(Cat(fifo.o.payload, tag))]
        return m

    def outstanding(self, m: Module, tag: int) -> Fifo:
        """Addresses of one tag that were asked for."""
        fifo = Fifo(ports.ADDRESS_BITS, 64)
        m.submodules[f"outstanding{tag}"] = fifo
        request = self.memory.request
        m.d.comb += [
            fifo.i.payload.eq(request.address),
            fifo.i.valid.eq(request.valid & request.ready & ~request.write & (request.tag == tag)),
        ]
        return fifo
