"""Where results go: vector words of the scratchpad, in the order in which the drain converts them."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..core import Core
from . import matrix_ports as ports


class DrainAddress(wiring.Component):
    """`address` and `mask` of the next result; `advance` goes on. Columns are outside, words of a row tile
    inside; a tile of fewer rows than a vector word fills a part of it."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.words = max(1, core.rows // core.vector_lanes)  # of a column of a row tile
        self.tiles = max(1, core.vector_lanes // core.rows)  # row tiles of a vector word
        write = ports.scratch_write_signature(core)
        super().__init__(
            {
                "start": In(1), "command": In(ports.command_layout()), "advance": In(1),
                "address": Out(write.members["address"].shape), "mask": Out(core.vector_lanes),
            }
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        word, column = Signal(range(max(2, self.words))), Signal.like(self.command.columns)
        part, row_word = Signal(range(max(2, self.tiles))), Signal.like(self.address)
        group = Signal(ports.ADDRESS_BITS)
        last_word, last_column = word == self.words - 1, column == self.command.columns - 1
        lanes = self.core.vector_lanes // self.tiles
        m.d.comb += [
            self.address.eq(group * self.core.words_per_group + row_word + word),
            self.mask.eq(Const((1 << lanes) - 1, self.core.vector_lanes) << (part * lanes)),
        ]
        with m.If(self.advance):
            m.d.sync += word.eq(word + 1)
            with m.If(last_word):
                m.d.sync += [word.eq(0), column.eq(column + 1), group.eq(group + self.command.d_stride)]
            with m.If(last_word & last_column):
                m.d.sync += [column.eq(0), group.eq(self.command.d_addr), part.eq(part + 1)]
                with m.If(part == self.tiles - 1):
                    m.d.sync += [part.eq(0), row_word.eq(row_word + self.words)]
        with m.If(self.start):
            m.d.sync += [word.eq(0), column.eq(0), part.eq(0), row_word.eq(0), group.eq(self.command.d_addr)]
        return m
