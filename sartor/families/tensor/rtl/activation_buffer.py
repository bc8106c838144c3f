"""The activation buffer: for each column groups of 32 codes with their exponent and their sum, and E."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ..core import GROUP, HALF, MOST_COLUMNS, Core
from . import matrix_ports as ports
from .matrix_ports import CODE_BITS, EXPONENT_BITS, SHIFT_BITS, SUM_BITS


def group_layout() -> data.StructLayout:
    """One group as it is stored."""
    codes = data.ArrayLayout(signed(CODE_BITS), GROUP)
    return data.StructLayout({"codes": codes, "exponent": EXPONENT_BITS, "sum": signed(SUM_BITS)})


class ActivationBuffer(wiring.Component):
    """A fold that is read in cycle t may be loaded into `fold` from cycle t + 1 on. A write takes effect in the
    cycle after the next one. Only columns below `columns` are loaded."""

    def __init__(self, core: Core) -> None:
        self.core = core
        super().__init__(
            {
                "write": In(ports.buffer_write_signature(core)), "clear": In(ports.buffer_clear_signature()),
                "columns": In(MOST_COLUMNS.bit_length()),
                "read": In(1), "address": In(ports.FOLD_BITS),
                "load": In(1), "half": In(1), "code8": In(1),
                "fold": Out(ports.fold_layout(core)),
                "exponents": Out(data.ArrayLayout(EXPONENT_BITS, core.columns)),
            }
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        valid, column, group = Signal(), Signal.like(self.write.column), Signal.like(self.write.group)
        word, clear, cleared = Signal(group_layout()), Signal(), Signal.like(self.clear.columns)
        m.d.sync += [valid.eq(self.write.valid), clear.eq(self.clear.valid), cleared.eq(self.clear.columns)]
        with m.If(self.write.valid):
            codes = Cat(self.write.codes)
            m.d.sync += [
                column.eq(self.write.column), group.eq(self.write.group), word.codes.eq(codes),
                word.exponent.eq(self.write.exponent),
                word.sum.eq(sum(codes[CODE_BITS * i :][:CODE_BITS].as_signed() for i in range(GROUP))),
            ]  # fmt: skip
        for c in range(self.core.columns):
            here = valid & (column == c)
            exponent = self.largest(m, c, clear & (cleared > c), here, word.exponent)
            for g in range(self.core.lane_groups):
                found = self.memory(m, c, g, here, group, word)
                self.present(m, c, g, found, exponent)
        return m

    def largest(self, m: Module, c: int, clear: Value, here: Value, exponent: Value) -> Signal:
        """E of a column."""
        largest, old = Signal(EXPONENT_BITS, name=f"largest_{c}"), Signal(EXPONENT_BITS, name=f"old_{c}")
        m.d.comb += [old.eq(Mux(clear, 0, largest)), self.exponents[c].eq(largest)]
        with m.If(clear):
            m.d.sync += largest.eq(0)
        with m.If(here & (exponent > old)):
            m.d.sync += largest.eq(exponent)
        return largest

    def memory(self, m: Module, c: int, g: int, here: Value, group: Value, word: Any) -> Any:
        """The groups g, g + LG, ... of column c: one memory; the group that was read."""
        groups = self.core.lane_groups
        depth = -(-self.core.buffer_groups // groups)
        memory = Memory(shape=group_layout(), depth=depth, init=[])
        m.submodules[f"groups_{c}_{g}"] = memory
        write, read = memory.write_port(), memory.read_port()
        lane = groups.bit_length() - 1
        m.d.comb += [
            write.en.eq(here & (group[:lane] == g)), write.addr.eq(group[lane:]), write.data.eq(word),
            read.en.eq(self.read & (self.columns > c)), read.addr.eq(self.address),
        ]  # fmt: skip
        return read.data

    def present(self, m: Module, c: int, g: int, found: Any, largest: Value) -> None:
        """Load one group: values in the order in which codes come, and the distance to E."""
        held = Signal(self.fold[c][g].shape(), reset_less=True, name=f"fold_{c}_{g}")
        low, high = (Value.cast(found.codes)[i * HALF * CODE_BITS :][: HALF * CODE_BITS] for i in (0, 1))
        distance = Signal(EXPONENT_BITS, name=f"distance_{c}_{g}")
        m.d.comb += [distance.eq(largest - found.exponent), self.fold[c][g].eq(held)]
        halved = self.core.halved
        with m.If(self.load & (self.columns > c)):
            m.d.sync += [
                held.low.eq(Mux(self.half, high, low) if halved else low),
                held.high.eq(Mux(self.code8 & ~self.half, low, high) if halved else high),
                held.sum.eq(found.sum),
                held.shift.eq(Mux(distance[SHIFT_BITS:].any(), (1 << SHIFT_BITS) - 1, distance)),
            ]
