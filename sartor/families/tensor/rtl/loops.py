"""LOOP: where the next instruction is. Loops nest three deep and may end with the same instruction."""

from __future__ import annotations

import itertools
from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..isa import FIELDS, Op

DEPTH = 3
WIDTHS = dict(FIELDS[Op.LOOP])


class Loops(wiring.Component):
    """`next_pc` after the instruction at `pc`. `step`: that instruction ends in this cycle; with `enter` it is
    LOOP: the `length` instructions behind it run `count` times (both at least 1). A LOOP is never the last
    instruction of another one."""

    def __init__(self, program_words: int) -> None:
        pc = range(program_words)
        self.entry = data.StructLayout({"first": pc, "last": pc, "again": WIDTHS["count"], "valid": 1})
        super().__init__(
            {
                "pc": In(pc), "step": In(1), "enter": In(1), "clear": In(1),
                "count": In(WIDTHS["count"]), "length": In(WIDTHS["length"]),
                "next_pc": Out(pc),
            }
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        stack = [Signal(self.entry, name=f"loop{i}") for i in range(DEPTH)]  # the innermost first
        following = Signal.like(self.pc)
        m.d.comb += [following.eq(self.pc + 1), self.next_pc.eq(following)]
        with m.If(self.enter):
            self.push(m, stack, following)
        with m.Else():
            self.leave(m, stack)
        with m.If(self.clear):
            m.d.sync += [entry.valid.eq(0) for entry in stack]
        return m

    def push(self, m: Module, stack: list[Any], first: Signal) -> None:
        """A loop in all the others."""
        with m.If(self.step):
            m.d.sync += [inner.eq(outer) for outer, inner in itertools.pairwise(stack)]
            m.d.sync += [
                stack[0].first.eq(first), stack[0].last.eq(self.pc + self.length),
                stack[0].again.eq(self.count - 1), stack[0].valid.eq(1),
            ]  # fmt: skip

    def leave(self, m: Module, stack: list[Any]) -> None:
        """Leave the loops that end here for the last time; the next outer one, if it ends here, runs again."""
        ends = [Signal(name=f"ends{i}") for i in range(DEPTH)]
        over = [Signal(name=f"over{i}") for i in range(DEPTH)]  # this one, and all within it
        for i, entry in enumerate(stack):
            m.d.comb += ends[i].eq(entry.valid & (entry.last == self.pc))
            m.d.comb += over[i].eq(ends[i] & (entry.again == 0) & (over[i - 1] if i else 1))
        for left in range(DEPTH, 0, -1):
            with m.If(over[left - 1]) if left == DEPTH else m.Elif(over[left - 1]):
                self.move_up(m, stack, ends, left)
        with m.Else():
            self.move_up(m, stack, ends, 0)

    def move_up(self, m: Module, stack: list[Any], ends: list[Signal], left: int) -> None:
        """`left` inner loops are left."""
        if left < DEPTH:
            with m.If(ends[left]):
                m.d.comb += self.next_pc.eq(stack[left].first)
        with m.If(self.step):
            for i, entry in enumerate(stack):
                m.d.sync += entry.eq(stack[i + left]) if i + left < DEPTH else entry.valid.eq(0)
            if left < DEPTH:
                with m.If(ends[left]):
                    m.d.sync += stack[0].again.eq(stack[left].again - 1)
