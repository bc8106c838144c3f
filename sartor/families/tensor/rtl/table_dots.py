"""Dot products by table, as a tile with engine `lut` has them: the same sums as multipliers give, two cycles later.

In the first cycle each column makes tables of its values, for all rows, and each row keys of its codes, for all
columns (sartor/rtl/lut.py); in the second a dot unit reads: four values and a bit of their codes is one read. Of a code
c = sum over k of 2^k c_k twice the sum over lanes of c x is T + (2^bits - 1) U, T what the reads give, U the sum of the
values; of a signed code, whose highest bit turns, it is T - U. What is not T is in the correction: `Scaler` halves.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ....rtl.csa import two_rows
from ....rtl.lut import HalfTables, PlaneTree, keys, table_layout
from ....rtl.once import shared
from ..core import GROUP, HALF, Core
from .code_layout import codes_layout
from .dots import dot_stages, lanes_of, sum_bits, values_layout, values_of


def halves(core: Core) -> tuple[int, int]:
    """Sums of a block, and the lanes of each: of low and high nibbles, or one of bytes."""
    return (2, HALF) if core.halved else (1, GROUP)


def keys_layout(core: Core) -> data.ArrayLayout:
    """[half][plane]: a bit a lane."""
    count, lanes = halves(core)
    return data.ArrayLayout(data.ArrayLayout(lanes, core.multiplier_bits), count)


def tables_layout(core: Core) -> data.ArrayLayout:
    count, lanes = halves(core)
    return data.ArrayLayout(table_layout(lanes), count)


def corrections(core: Core) -> tuple[int, int, int]:
    """How often the sum of the values has to be added to T, so that it is twice a dot product: of bytes, of other
    codes, and of codes with a minimum, which have no sign.

    >>> corrections(Core(engine="lut")), corrections(Core(engine="lut", multiplier_bits=5))
    ((-1, -1, 15), (-17, -1, -1))
    """
    bits = core.multiplier_bits
    if core.signed:
        return -1 - (1 << 4), -1, -1  # of a byte both nibbles
    all_ones = (1 << bits) - 1
    return -1, all_ones - 16, all_ones


class RowKeys(wiring.Component):
    """Keys of a block's codes, a cycle later."""

    def __init__(self, core: Core) -> None:
        self.core = core
        super().__init__({"enable": In(1), "codes": In(codes_layout(core).elem_shape), "keys": Out(keys_layout(core))})

    @shared("core")
    def elaborate(self, platform: Any) -> Module:
        m = Module()
        for half, codes in enumerate(lanes_of(self.core, self.codes)):
            for plane in range(self.core.multiplier_bits):
                bits = Cat(code[plane] for code in codes)
                turned = self.core.signed and plane == self.core.multiplier_bits - 1
                held = Signal(len(bits), reset_less=True, name=f"key_{half}_{plane}")
                with m.If(self.enable):
                    m.d.sync += held.eq(keys(~bits if turned else bits))
                m.d.comb += self.keys[half][plane].eq(held)
        return m


class ColumnTables(wiring.Component):
    """Tables of a group's values, a cycle later."""

    def __init__(self, core: Core) -> None:
        self.core = core
        super().__init__({"enable": In(1), "values": In(values_layout(core)), "tables": Out(tables_layout(core))})

    @shared("core")
    def elaborate(self, platform: Any) -> Module:
        m = Module()
        for half, values in enumerate(values_of(self.core, self.values)):
            m.submodules[f"half_{half}"] = tables = HalfTables(len(values))
            m.d.comb += [tables.enable.eq(self.enable), Value.cast(tables.values).eq(Cat(values))]
            m.d.comb += self.tables[half].eq(tables.tables)
        return m


class TableDot(wiring.Component):
    """One block and one column: `dot` + `more` is T modulo 2^sum_bits, a cycle after its keys and tables."""

    def __init__(self, core: Core, structural: bool = True) -> None:
        self.core, self.structural = core, structural
        super().__init__(
            {
                "enable": In(dot_stages(core)), "keys": In(keys_layout(core)), "tables": In(tables_layout(core)),
                "code8": In(1), "dot": Out(sum_bits(core)), "more": Out(sum_bits(core)),
            }
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        count, lanes = halves(self.core)
        rows: list[Value] = []
        for half in range(count):
            tree = PlaneTree(self.core.multiplier_bits, lanes, sum_bits(self.core), self.structural)
            m.submodules[f"half_{half}"] = tree
            m.d.comb += [tree.enable.eq(self.enable[1]), tree.keys.eq(self.keys[half])]
            m.d.comb += tree.tables.eq(self.tables[half])
            rows += [self.weighed(row) if half else row for row in (tree.low, tree.high)]
        if self.structural:
            low, high = two_rows(m, list(zip(*rows, strict=True)))
            m.d.comb += [self.dot.eq(low), self.more.eq(high)]
        else:
            m.d.comb += self.dot.eq(sum(rows[1:], start=rows[0]))
        return m

    def weighed(self, row: Value) -> Value:
        """16 times a number of high nibbles, if they are those of 8-bit codes."""
        return Mux(self.code8, (row << 4)[: len(row)], row)
