"""Reductions: every result goes into one of 32 sums; at the end of a column they are halved to one.

The lanes' own adders do it. A result and the sum of its slot enter the adder in the cycle in which the result is
there; the new sum is written three cycles later. Of the five halvings the first ones add words, the others
lanes. What is left is launched once more, as an operand of lane 0, for f(reduced p + q).
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ....rtl import float_add
from ....rtl.float_parts import MINUS_MOST
from ..core import GROUP, Core
from ..isa import Reduce
from .matrix_ports import FLOAT_BITS
from .slots import sums_levels

_GAP = float_add.LATENCY  # cycles between the last sum of a level and the first one that reads it


class Reducer(wiring.Component):
    """`accumulate`: `result` is the vector word `index` of a column, `first` of its sum, `last` of the column.
    `word`, at `read_index`, is read a cycle before it is added, so that the slots are not before the adders.
    `feed`, `x`, `y` go to the adders; `write`, `write_index` to the slots with what comes out. `after`: operand
    `a` of lane 0 is the first sum, launched in this cycle. `middle` loads the adders' second register."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.bits = FLOAT_BITS * core.vector_lanes
        index = range(core.words_per_group)
        super().__init__(
            {
                "kind": In(Reduce), "accumulate": In(1), "index": In(index), "first": In(1), "last": In(1),
                "result": In(self.bits), "word": In(self.bits), "lower": In(self.bits),
                "read_index": Out(index), "lower_index": Out(index),
                "feed": Out(1), "larger": Out(1), "middle": Out(1), "x": Out(self.bits), "y": Out(self.bits),
                "write": Out(1), "write_index": Out(index), "after": Out(1),
            }
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        levels = sums_levels(self.core)
        halving, gap = Signal(), Signal(range(_GAP + 1))
        self.level, self.step = Signal(range(len(levels) + 1)), Signal(range(max(levels[0], 2)))
        halve, done = Signal(), Signal()
        m.d.comb += done.eq(self.level == len(levels))
        m.d.comb += [halve.eq(halving & (gap == 0) & ~done), self.after.eq(halving & (gap == 0) & done)]
        with m.If(self.accumulate & self.last):
            m.d.sync += [halving.eq(1), gap.eq(_GAP), self.level.eq(0), self.step.eq(0)]
        with m.Elif(gap != 0):
            m.d.sync += gap.eq(gap - 1)
        with m.Elif(halve):
            m.d.sync += self.step.eq(self.step + 1)
            with m.If(self.step == self.by_level([n - 1 for n in levels])):
                m.d.sync += [self.step.eq(0), self.level.eq(self.level + 1), gap.eq(_GAP)]
        with m.If(self.after):
            m.d.sync += halving.eq(0)
        self.operands(m, halving, halve)
        self.back(m, halve)
        return m

    def by_level(self, values: list[int]) -> Value:
        """The value of this level."""
        found: Value = Const(values[-1])
        for level, value in enumerate(values[:-1]):
            found = Mux(self.level == level, value, found)
        return found

    def operands(self, m: Module, halving: Signal, halve: Signal) -> None:
        words, core = self.core.words_per_group, self.core
        m.d.comb += [self.feed.eq(self.accumulate | halve), self.larger.eq(self.kind != Reduce.SUM)]
        upper = self.by_level([max(0, words >> i + 1) for i in range(len(sums_levels(core)))])
        m.d.comb += self.lower_index.eq(self.step)
        following = Mux(halving, self.step + halve + upper, self.index + self.accumulate)
        m.d.comb += self.read_index.eq(following)
        held = Signal(self.bits, reset_less=True)
        with m.If(self.kind != 0):
            m.d.sync += held.eq(Mux(halving, self.partner(), self.word))
        magnitude = self.kind == Reduce.MAGNITUDE
        result = Cat(  # a magnitude has its sign in the lowest bit
            Cat(Mux(magnitude, x[-1], x[0]), x[1:-1], x[-1] & ~magnitude)
            for x in (self.result.word_select(i, FLOAT_BITS) for i in range(core.vector_lanes))
        )
        initial = Mux(self.kind == Reduce.MAX, MINUS_MOST, 0)
        begins = self.first & ~halve
        m.d.comb += self.x.eq(Mux(halve, self.lower, result))
        m.d.comb += self.y.eq(Mux(begins, Cat(initial for _ in range(core.vector_lanes)), held))

    def partner(self) -> Value:
        """The upper half: of the words, then of the lanes."""
        lanes = [self.word.word_select(i, FLOAT_BITS) for i in range(self.core.vector_lanes)]
        first = self.core.words_per_group.bit_length() - 1  # level that halves the lanes
        chosen: list[Value] = list(lanes)
        distance = len(lanes) // 2
        for level in range(first, len(sums_levels(self.core))):
            for i in range(distance):
                # Words are halved: the last index read is 0, so that `word` is the first slot.
                chosen[i] = Mux(self.level == level, lanes[i + distance], chosen[i])
            distance //= 2
        return Cat(chosen)

    def back(self, m: Module, halve: Signal) -> None:
        """Which slot the sums that come out of the adders belong to."""
        flags: list[Signal] = []
        indices: list[Signal] = []
        valid: Value = self.feed
        index: Value = Mux(halve, self.step, self.index)
        for i in range(float_add.LATENCY - 1):
            flag, at = Signal(name=f"fed{i}"), Signal.like(self.index, name=f"slot{i}")
            m.d.sync += flag.eq(valid)
            with m.If(valid):
                m.d.sync += at.eq(index)
            valid, index = flag, at
            flags, indices = [*flags, flag], [*indices, at]
        m.d.comb += [self.middle.eq(flags[0]), self.write.eq(flags[-1]), self.write_index.eq(indices[-1])]


assert GROUP == 32  # five halvings
