"""The host bus: addresses to the sequencer, the vector unit and the counters (docs/hardware.md)."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..core import CONSTANTS, PROGRAM_WORDS
from ..isa import COUNTERS
from .sequencer import HOST_BITS, PARTS

ADDRESS_BITS = 16
START, POSITION, BEST_INDEX, BEST_VALUE = range(4)
ROWS, CONSTANT, COUNTER, PROGRAM = 0x0010, 0x0020, 0x0040, 0x4000
COUNTER_WORDS, MOST_PROGRAM_WORDS = 0x40, 0x4000 // PARTS


class Host(wiring.Component):
    """Writes act in their own cycle; what a read found is in `read_data` in the next one. A start is heard
    only while the sequencer is not busy."""

    def __init__(self, program_words: int = PROGRAM_WORDS) -> None:
        assert program_words <= MOST_PROGRAM_WORDS
        super().__init__(
            {
                "valid": In(1), "write": In(1), "address": In(ADDRESS_BITS), "read_data": Out(HOST_BITS),
                "write_data": In(HOST_BITS),
                "start": Out(1), "start_pc": Out(range(program_words)), "position": Out(HOST_BITS),
                "program_write": Out(1), "program_address": Out(range(program_words * PARTS)),
                "row_write": Out(1), "constant_write": Out(1), "index": Out(range(CONSTANTS)),
                "busy": In(1), "best_index": In(HOST_BITS), "best_value": In(HOST_BITS),
                "counter": Out(range(2 * len(COUNTERS))), "counter_data": In(HOST_BITS),
            }
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        writes = Signal()
        m.d.comb += [
            writes.eq(self.valid & self.write),
            self.start.eq(writes & (self.address == START) & ~self.busy),
            self.start_pc.eq(self.write_data), self.program_write.eq(writes & self.within(PROGRAM, 14)),
            self.program_address.eq(self.address), self.row_write.eq(writes & self.within(ROWS, 4)),
            self.constant_write.eq(writes & self.within(CONSTANT, 4)), self.index.eq(self.address),
            self.counter.eq(self.address[:6]),
        ]  # fmt: skip
        with m.If(writes & (self.address == POSITION)):
            m.d.sync += self.position.eq(self.write_data)
        with m.If(self.valid & ~self.write):
            m.d.sync += self.read_data.eq(0)
            with m.Switch(self.address):
                for at, value in (
                    (START, self.busy), (BEST_INDEX, self.best_index), (BEST_VALUE, self.best_value)
                ):  # fmt: skip
                    with m.Case(at):
                        m.d.sync += self.read_data.eq(value)
            with m.If(self.within(COUNTER, 6)):
                m.d.sync += self.read_data.eq(self.counter_data)
        return m

    def within(self, base: int, bits: int) -> Any:
        """The address is one of the 2^bits from `base`."""
        return self.address[bits:] == base >> bits
