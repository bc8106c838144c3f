"""Which word, group and column a result is, and where it goes in the scratchpad."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..core import Core
from .fetch import ADDRESS_BITS, COLUMN_BITS
from .vector_ports import COUNT_BITS, command_layout


class Results(wiring.Component):
    """Results are counted as they come: `accept` a vector word, `reduced` what is left of a column. `resume`: the
    next column of a reduction may begin; `finished`: the last one of the pass is through."""

    def __init__(self, core: Core) -> None:
        self.core = core
        word_bits = core.words_per_group.bit_length() - 1
        super().__init__(
            {
                "start": In(1), "offered": In(command_layout()), "command": In(command_layout()),
                "accept": In(1), "reduced": In(1),
                "word": Out(range(core.words_per_group)), "group": Out(COUNT_BITS), "column": Out(COLUMN_BITS),
                "address": Out(ADDRESS_BITS + word_bits),
                "first": Out(1), "group_ends": Out(1), "column_ends": Out(1), "resume": Out(1), "finished": Out(1),
            }
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        c, row = self.command, Signal(ADDRESS_BITS)
        column_done, last = Signal(), Signal()
        m.d.comb += [
            self.first.eq(self.group == 0),
            self.group_ends.eq(self.word == self.core.words_per_group - 1),
            self.column_ends.eq(self.group_ends & (self.group == c.n - 1)),
            self.address.eq(Cat(self.word, (row + self.group)[:ADDRESS_BITS])),
            column_done.eq(self.reduced | self.accept & self.column_ends & (c.reduce == 0)),
            last.eq(self.column == c.columns - 1),
            self.resume.eq(self.reduced & ~last),
        ]
        with m.If(self.start):
            m.d.sync += [self.word.eq(0), self.group.eq(0), self.column.eq(0), self.finished.eq(0)]
            m.d.sync += row.eq(self.offered.d_addr)
        with m.Elif(self.accept):
            m.d.sync += self.word.eq(self.word + 1)
            with m.If(self.group_ends):
                m.d.sync += self.group.eq(self.group + 1)
            with m.If(self.column_ends):
                m.d.sync += [self.group.eq(0), row.eq(row + c.d_stride)]
        with m.If(column_done):
            m.d.sync += [self.column.eq(self.column + 1), self.finished.eq(last)]
        return m
