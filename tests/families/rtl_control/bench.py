"""The sequencer between units that do nothing for some cycles."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from sartor.families.tensor.core import Core
from sartor.families.tensor.rtl.sequencer import Sequencer


class Bench(wiring.Component):
    """`done` of a unit comes `delay` + 1 cycles after the cycle in which its command was taken."""

    def __init__(self, core: Core, program_words: int) -> None:
        self.sequencer = Sequencer(core, program_words)
        members = self.sequencer.signature.members
        self.passed = [name for name in members if name not in ("mm_done", "vec_done")]
        super().__init__({**{name: members[name] for name in self.passed}, "delay": In(4)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.sequencer = sequencer = self.sequencer
        for name in self.passed:
            inner, outer = getattr(sequencer, name), getattr(self, name)
            if self.signature.members[name].is_signature:
                wiring.connect(m, inner, wiring.flipped(outer))
            else:
                is_input = self.signature.members[name].flow.name == "In"
                m.d.comb += inner.eq(outer) if is_input else outer.eq(inner)
        for command, done in ((sequencer.mm, sequencer.mm_done), (sequencer.vec, sequencer.vec_done)):
            self.unit(m, command, done)
        return m

    def unit(self, m: Module, command: Any, done: Any) -> None:
        left, runs = Signal(4), Signal()
        m.d.comb += done.eq(runs & (left == 0))
        with m.If(command.valid & command.ready):
            m.d.sync += [runs.eq(1), left.eq(self.delay)]
        with m.Elif(runs):
            m.d.sync += [left.eq(left - 1), runs.eq(left != 0)]
