"""Sums by table: what binary weights of +1 and -1 make of values, without a multiplier.

Four values x0..x3 and four signs have 16 sums, in pairs of a number and its negative: a half table has the 8 in
which x3 counts plus. All rows of a tile share it; a row reads it with three bits, its fourth says whether to turn it
(Park et al., "LUT-GEMM", ICLR 2024; Park et al., "FIGLUT", HPCA 2025, which hold sums of floating-point activations;
these are of integers from -127 to 127, as activations are quantized, and exact).
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .csa import summed

MU = 4  # values of one table
ENTRIES = 1 << MU - 1
VALUE_BITS = 8
ENTRY_BITS = VALUE_BITS + 2  # four values of 8 bits


def table_layout(lanes: int) -> data.ArrayLayout:
    return data.ArrayLayout(data.ArrayLayout(signed(ENTRY_BITS), ENTRIES), lanes // MU)


def total_bits(planes: int, lanes: int = 32) -> int:
    """Of lanes 127 (2^planes - 1) and a sign.

    >>> total_bits(1), total_bits(4)
    (14, 17)
    """
    return VALUE_BITS + (lanes - 1).bit_length() + planes


class HalfTables(wiring.Component):
    """tables(t + 1)[g][k]: x3 plus or minus x0, x1, x2 of the values of group g at t; bit i of k: plus x_i."""

    def __init__(self, lanes: int = 32) -> None:
        self.lanes = lanes
        values = data.ArrayLayout(signed(VALUE_BITS), lanes)
        super().__init__({"enable": In(1), "values": In(values), "tables": Out(table_layout(lanes))})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        for g in range(self.lanes // MU):
            x = [self.values[MU * g + i] for i in range(MU)]
            low = self.kept(m, f"low_{g}", [-x[0] - x[1], x[0] - x[1], x[1] - x[0], x[0] + x[1]])
            high = self.kept(m, f"high_{g}", [x[3] - x[2], x[3] + x[2]])
            for k in range(ENTRIES):
                entry = Signal(signed(ENTRY_BITS), reset_less=True, name=f"entry_{g}_{k}")
                with m.If(self.enable):
                    m.d.sync += entry.eq(high[k >> 2] + low[k & 3])
                m.d.comb += self.tables[g][k].eq(entry)
        return m

    def kept(self, m: Module, name: str, sums: list[Value]) -> list[Signal]:
        """Sums of two, each one adder."""
        found = [Signal(signed(VALUE_BITS + 1), name=f"{name}_{i}") for i in range(len(sums))]
        m.d.comb += [signal.eq(value) for signal, value in zip(found, sums, strict=True)]
        return found


def keys(bits: Value) -> Value:
    """What reads the tables, of the bits of one plane (1: plus): for each four weights three bits, and whether the
    entry turns. A few gates a row, for all columns."""
    fours = [bits[i : i + MU] for i in range(0, len(bits), MU)]
    return Cat(Cat(four[: MU - 1] ^ (~four[-1]).replicate(MU - 1), ~four[-1]) for four in fours)


class PlaneSums(wiring.Component):
    """total(t + 1) = the sum over planes i and weights j of 2^i b_ij x_j, b = +1 or -1: `planes` reads of the tables,
    and one carry-save tree."""

    def __init__(self, planes: int = 1, lanes: int = 32) -> None:
        self.planes, self.lanes = planes, lanes
        self.width = total_bits(planes, lanes)
        plane = data.ArrayLayout(lanes, planes)
        super().__init__({"keys": In(plane), "tables": In(table_layout(lanes)), "total": Out(signed(self.width))})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        columns: list[list[Value]] = [[] for _ in range(self.width)]
        constant = 0
        for plane in range(self.planes):
            for g in range(self.lanes // MU):
                key = self.keys[plane][MU * g :][:MU]
                turn = key[MU - 1]
                number = read(Value.cast(self.tables[g]), key[: MU - 1]) ^ turn.replicate(ENTRY_BITS)
                for i in range(ENTRY_BITS - 1):
                    columns[plane + i].append(number[i])
                # The sign weighs -2^9: -s = not(s) - 1.
                columns[plane + ENTRY_BITS - 1].append(~number[ENTRY_BITS - 1])
                columns[plane].append(turn)
                constant -= 1 << plane + ENTRY_BITS - 1
        for weight, column in enumerate(columns):
            column += [Const(1, 1)] if constant >> weight & 1 else []
        m.d.comb += self.total.eq(summed(m, columns, 1))
        return m


def read(table: Value, key: Value) -> Value:
    """One entry: a tree of multiplexers."""
    entries = [table[ENTRY_BITS * i :][:ENTRY_BITS] for i in range(ENTRIES)]
    for bit in key:
        entries = [Mux(bit, high, low) for low, high in zip(entries[::2], entries[1::2], strict=True)]
    return entries[0]
