"""What the host says of each column's sequence: its position, where its cache lies, its token's embedding row."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..core import MOST_COLUMNS

BITS = 32
OF_EACH = ("position", "cache", "row")


class Sequences(wiring.Component):
    """`write` has a bit for each of OF_EACH. `select` takes the column `select_index`, whose three are there from the
    next cycle on; `clear` takes column 0. `rows` are those of all columns."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        super().__init__(
            {
                "write": In(len(OF_EACH)), "write_index": In(range(MOST_COLUMNS)), "write_data": In(BITS),
                "select": In(1), "select_index": In(range(MOST_COLUMNS)), "clear": In(1),
                **{name: Out(BITS) for name in OF_EACH}, "rows": Out(data.ArrayLayout(BITS, columns)),
            }
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        for bit, name in enumerate(OF_EACH):
            held = [Signal(BITS, name=f"{name}{i}") for i in range(self.columns)]
            for i, each in enumerate(held):
                with m.If(self.write[bit] & (self.write_index == i)):
                    m.d.sync += each.eq(self.write_data)
            self.choose(m, name, held)
            if name == "row":
                m.d.comb += [self.rows[i].eq(each) for i, each in enumerate(held)]
        return m

    def choose(self, m: Module, name: str, held: list[Signal]) -> None:
        """A register behind the multiplexer keeps it out of every address; of one column there is none."""
        chosen = getattr(self, name)
        if self.columns == 1:
            m.d.comb += chosen.eq(held[0])
            return
        with m.If(self.select):
            m.d.sync += chosen.eq(Array(held)[self.select_index])
        with m.If(self.clear):
            m.d.sync += chosen.eq(held[0])
