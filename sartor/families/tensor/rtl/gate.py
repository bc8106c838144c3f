"""When the vector unit needs its clock: simulators evaluate all of a unit in each cycle in which its clock comes."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

SETTLING = 7  # cycles after a pass until no register of the unit moves any more; two would do


class Gate(wiring.Component):
    """`active` in each cycle in which something of the unit may move: from its `command` to the cycles after `running`,
    and when it is `written` from outside. It stands in the unit's clock domain."""

    def __init__(self) -> None:
        super().__init__({"command": In(1), "running": In(1), "written": In(1), "active": Out(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        left, works = Signal(range(SETTLING + 1), init=SETTLING), Signal()
        m.d.comb += [works.eq(self.command | self.running), self.active.eq(works | self.written | (left != 0))]
        with m.If(works):
            m.d.sync += left.eq(SETTLING)
        with m.Elif(left != 0):
            m.d.sync += left.eq(left - 1)
        return m
