"""A synchronous FIFO on a memory with one write port and one read port whose output is registered."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ..errors import InputError


class Fifo(wiring.Component):
    """Words leave in the order they came; one in and one out a cycle, also when full.

    `depth` words lie in the memory and one more in its output register: `capacity` = depth + 1. A word is at
    the output `LATENCY` cycles after it was taken. The memory never reads an address in the cycle it is
    written: any 1R1W macro with a registered output fits.
    """

    LATENCY = 2

    def __init__(self, shape: Any, depth: int) -> None:
        if depth < 1:
            raise InputError(f"FIFO: depth = {depth} (at least 1)")
        self.depth, self.capacity = depth, depth + 1
        self.storage = memory.Memory(shape=shape, depth=depth, init=[])
        self.write_index, self.read_index = Signal(range(depth)), Signal(range(depth))
        self.stored = Signal(range(depth + 1))  # words in the memory
        super().__init__(
            {
                "i": In(stream.Signature(shape)),
                "o": Out(stream.Signature(shape)),
                "level": Out(range(depth + 2)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.storage = self.storage
        write, read = self.storage.write_port(), self.storage.read_port()
        taken, moved = Signal(), Signal()  # a word enters the memory, goes to the output register
        m.d.comb += [
            self.i.ready.eq(self.stored != self.depth),
            taken.eq(self.i.valid & self.i.ready),
            moved.eq((self.stored != 0) & (~self.o.valid | self.o.ready)),
            write.addr.eq(self.write_index), write.data.eq(self.i.payload), write.en.eq(taken),
            read.addr.eq(self.read_index), read.en.eq(moved), self.o.payload.eq(read.data),
            self.level.eq(self.stored + self.o.valid),
        ]  # fmt: skip
        m.d.sync += self.stored.eq(self.stored + taken - moved)
        with m.If(taken):
            m.d.sync += self.write_index.eq(self.after(self.write_index))
        with m.If(moved):
            m.d.sync += self.read_index.eq(self.after(self.read_index))
        with m.If(~self.o.valid | self.o.ready):
            m.d.sync += self.o.valid.eq(moved)
        return m

    def after(self, index: Value) -> Value:
        """The place behind `index` in the ring."""
        power_of_two = not self.depth & (self.depth - 1)
        return index + 1 if power_of_two else Mux(index == self.depth - 1, 0, index + 1)
