"""The host bus: addresses to the sequencer, the vector unit and the counters (docs/hardware.md)."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..core import CONSTANTS, MOST_COLUMNS, PROGRAM_WORDS
from ..isa import COUNTERS
from .sequencer import HOST_BITS, PARTS
from .sequences import OF_EACH

ADDRESS_BITS = 16
START, BATCH = range(2)
ROWS, CONSTANT, POSITIONS, COUNTER = 0x0010, 0x0020, 0x0030, 0x0040
CACHES, BEST_INDEX, BEST_VALUE, PROGRAM = 0x0080, 0x0090, 0x00A0, 0x4000
OF_COLUMN = {"position": POSITIONS, "cache": CACHES, "row": ROWS}
MOST_PROGRAM_WORDS = 0x4000 // PARTS


class Host(wiring.Component):
    """Writes act in their own cycle; what a read found is in `read_data` in the next one; `index` is the column, or the
    constant, of an access. A start is heard only while the sequencer is not busy."""

    def __init__(self, program_words: int = PROGRAM_WORDS) -> None:
        assert program_words <= MOST_PROGRAM_WORDS
        super().__init__(
            {
                "valid": In(1), "write": In(1), "address": In(ADDRESS_BITS), "read_data": Out(HOST_BITS),
                "write_data": In(HOST_BITS),
                "start": Out(1), "start_pc": Out(range(program_words)),
                "batch": Out(MOST_COLUMNS.bit_length(), init=1),
                "program_write": Out(1), "program_address": Out(range(program_words * PARTS)),
                "sequence_write": Out(len(OF_EACH)), "constant_write": Out(1), "index": Out(range(CONSTANTS)),
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
            self.program_address.eq(self.address),
            self.sequence_write.eq(Cat(writes & self.within(OF_COLUMN[name], 4) for name in OF_EACH)),
            self.constant_write.eq(writes & self.within(CONSTANT, 4)), self.index.eq(self.address),
            self.counter.eq(self.address[:6]),
        ]  # fmt: skip
        with m.If(writes & (self.address == BATCH)):
            m.d.sync += self.batch.eq(self.write_data)
        with m.If(self.valid & ~self.write):
            m.d.sync += self.read_data.eq(0)
            for here, value in (
                (self.address == START, self.busy), (self.within(COUNTER, 6), self.counter_data),
                (self.within(BEST_INDEX, 4), self.best_index), (self.within(BEST_VALUE, 4), self.best_value),
            ):  # fmt: skip
                with m.If(here):
                    m.d.sync += self.read_data.eq(value)
        return m

    def within(self, base: int, bits: int) -> Any:
        """The address is one of the 2^bits from `base`."""
        return self.address[bits:] == base >> bits
