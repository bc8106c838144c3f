"""Counters of isa.COUNTERS: what the hardware did, for the host."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..isa import COUNTERS

BITS = 40  # the upper ones of the 64 read as 0; one program of 18 minutes at 1 GHz
HOST_BITS = 32


class Counters(wiring.Component):
    """Counter i counts the cycles with event i since `clear`; `data` is half `index` mod 2 of counter
    `index` div 2, low first."""

    def __init__(self) -> None:
        super().__init__(
            {"event": In(len(COUNTERS)), "clear": In(1), "index": In(range(2 * len(COUNTERS))), "data": Out(HOST_BITS)}
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        counts = [Signal(BITS, name=name) for name in COUNTERS]
        for i, count in enumerate(counts):
            m.d.sync += count.eq(count + self.event[i])
            with m.If(self.clear):
                m.d.sync += count.eq(0)
        halves = [half for count in counts for half in (count[:HOST_BITS], count[HOST_BITS:])]
        m.d.comb += self.data.eq(Array(halves)[self.index])
        return m
