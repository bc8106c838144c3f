"""Sums by table: what binary weights of +1 and -1 make of values, without a multiplier.

Four values x0..x3 and four signs have 16 sums, in pairs of a number and its negative: a half table has the 8 in
which x3 counts plus. All rows of a tile share it; a row reads it with three bits, its fourth says whether to turn it
(Park et al., "LUT-GEMM", ICLR 2024; Park et al., "FIGLUT", HPCA 2025, which hold sums of floating-point activations;
these are of integers, as activations are quantized, and exact). Tables of `mu` values, four where nothing is said.

Codes of q bits are planes too: c = (2^q - 1 + the sum over planes k of 2^k b_k) / 2, so that twice the sum over lanes
of c x is what the planes give, and 2^q - 1 times the sum of the values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .csa import placed, registered, summed, two_rows

MU = 4  # values of one table
VALUE_BITS = 8
DEPTH = 30  # of a tree behind its reads before its register, in the units of csa_plan.py


def sizes(lanes: int, mu: int = MU) -> list[int]:
    """Values of each table: the last one takes what is left.

    >>> sizes(32), sizes(32, 6)
    ([4, 4, 4, 4, 4, 4, 4, 4], [6, 6, 6, 6, 6, 2])
    """
    return [min(mu, lanes - at) for at in range(0, lanes, mu)]


def entry_bits(value_bits: int = VALUE_BITS, mu: int = MU) -> int:
    """Of a sum of `mu` values of at most 2^(value_bits - 1) - 1.

    >>> entry_bits(), entry_bits(8, 2), entry_bits(8, 6)
    (10, 9, 11)
    """
    return value_bits + (mu - 1).bit_length()


def table_layout(lanes: int, mu: int = MU, value_bits: int = VALUE_BITS) -> data.ArrayLayout:
    entries = data.ArrayLayout(signed(entry_bits(value_bits, mu)), 1 << mu - 1)
    return data.ArrayLayout(entries, len(sizes(lanes, mu)))


def total_bits(planes: int, lanes: int = 32, value_bits: int = VALUE_BITS) -> int:
    """Of lanes (2^(value_bits - 1) - 1) (2^planes - 1) and a sign.

    >>> total_bits(1), total_bits(4)
    (14, 17)
    """
    return value_bits + (lanes - 1).bit_length() + planes


class HalfTables(wiring.Component):
    """tables(t + 1)[g][k]: the last value of table g at t, plus or minus the others; bit i of k: plus x_i."""

    def __init__(self, lanes: int = 32, mu: int = MU, value_bits: int = VALUE_BITS) -> None:
        self.lanes, self.mu, self.value_bits = lanes, mu, value_bits
        values = data.ArrayLayout(signed(value_bits), lanes)
        tables = table_layout(lanes, mu, value_bits)
        super().__init__({"enable": In(1), "values": In(values), "tables": Out(tables)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        for g, size in enumerate(sizes(self.lanes, self.mu)):
            x = [self.values[self.mu * g + i] for i in range(size)]
            first = [-x[0], x[0]] if size < 4 else [-x[0] - x[1], x[0] - x[1], x[1] - x[0], x[0] + x[1]]
            low = self.kept(m, f"low_{g}", first, x[2 : size // 2])
            high = self.kept(m, f"high_{g}", [x[-1]], x[size // 2 : -1])
            for k in range(1 << size - 1):
                entry = Signal(signed(entry_bits(self.value_bits, self.mu)), reset_less=True, name=f"entry_{g}_{k}")
                with m.If(self.enable):
                    m.d.sync += entry.eq(high[k >> size // 2] + low[k & (1 << size // 2) - 1])
                m.d.comb += self.tables[g][k].eq(entry)
        return m

    def kept(self, m: Module, name: str, sums: list[Value], more: Sequence[Value]) -> list[Value]:
        """What entries share: each of `sums` less and plus each of `more`, an adder each."""
        for i, value in enumerate([*more, None]):
            held = [Signal(each.shape(), name=f"{name}_{i}_{j}") for j, each in enumerate(sums)]
            m.d.comb += [signal.eq(each) for signal, each in zip(held, sums, strict=True)]
            sums = held if value is None else [each - value for each in held] + [each + value for each in held]
        return sums


def keys(bits: Value, mu: int = MU) -> Value:
    """What reads the tables, of the bits of one plane (1: plus): for each weights of a table all bits but one, and
    whether the entry turns. A few gates a row, for all columns."""
    parts = [bits[mu * g :][:size] for g, size in enumerate(sizes(len(bits), mu))]
    return Cat(Cat(part[:-1] ^ (~part[-1]).replicate(len(part) - 1), ~part[-1]) for part in parts)


def read_columns(keys: Sequence[Value], tables: Any, mu: int, width: int) -> list[list[Value]]:
    """The bits of all reads by weight, with the constant that makes their sum right modulo 2^width: plane k of `keys`
    counts 2^k."""
    columns: list[list[Value]] = [[] for _ in range(width)]
    constant = 0
    for plane, key in enumerate(keys):
        for g, size in enumerate(sizes(len(key), mu)):
            bits = key[mu * g :][:size]
            entry = read([tables[g][k] for k in range(1 << size - 1)], bits[:-1])
            top, number = len(entry) - 1, entry ^ bits[-1].replicate(len(entry))
            # The sign weighs -2^top: -s = not(s) - 1. A number that turns has a 1 more.
            column = [*number[:top], ~number[top]]
            for i, bit in enumerate(column[: width - plane]):
                columns[plane + i].append(bit)
            columns[plane].append(bits[-1])
            constant -= 1 << plane + top
    for weight, each in enumerate(columns):
        each += [Const(1, 1)] if constant >> weight & 1 else []
    return columns


def read(entries: Sequence[Any], key: Value) -> Value:
    """One entry: a tree of multiplexers."""
    values = [Value.cast(entry) for entry in entries]
    for bit in key:
        values = [Mux(bit, high, low) for low, high in zip(values[::2], values[1::2], strict=True)]
    return values[0]


class PlaneSums(wiring.Component):
    """total(t + 1) = the sum over planes i and weights j of 2^i b_ij x_j, b = +1 or -1: `planes` reads of the tables,
    and one carry-save tree."""

    def __init__(self, planes: int = 1, lanes: int = 32, mu: int = MU, value_bits: int = VALUE_BITS) -> None:
        self.planes, self.lanes, self.mu = planes, lanes, mu
        self.width = total_bits(planes, lanes, value_bits)
        super().__init__(
            {
                "keys": In(data.ArrayLayout(lanes, planes)), "tables": In(table_layout(lanes, mu, value_bits)),
                "total": Out(signed(self.width)),
            }
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        columns = read_columns([self.keys[i] for i in range(self.planes)], self.tables, self.mu, self.width)
        m.d.comb += self.total.eq(summed(m, columns, 1))
        return m


class PlaneTree(wiring.Component):
    """low(t + 1) + high(t + 1) = the same modulo 2^width: the tree without the adder that propagates carries, or with
    `structural` false the sum and 0, which simulate fast."""

    def __init__(self, planes: int, lanes: int, width: int, structural: bool = True) -> None:
        self.planes, self.lanes, self.width, self.structural = planes, lanes, width, structural
        ports = {"enable": In(1), "keys": In(data.ArrayLayout(lanes, planes)), "tables": In(table_layout(lanes))}
        super().__init__({**ports, "low": Out(width), "high": Out(width)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        planes = [self.keys[i] for i in range(self.planes)]
        if self.structural:
            columns = placed(m, read_columns(planes, self.tables, MU, self.width), until=DEPTH)
            low, high = two_rows(m, registered(m, columns, self.enable))
            m.d.comb += [self.low.eq(low), self.high.eq(high)]
            return m
        total = Signal(self.width, reset_less=True)
        with m.If(self.enable):
            m.d.sync += total.eq(sum(self.plain(key) << i for i, key in enumerate(planes)))
        m.d.comb += self.low.eq(total)
        return m

    def plain(self, key: Value) -> Value:
        """The reads of one plane."""
        found = []
        for g in range(self.lanes // MU):
            bits = key[MU * g :][:MU]
            entry = read([self.tables[g][k] for k in range(1 << MU - 1)], bits[:-1]).as_signed()
            found.append(Mux(bits[-1], -entry, entry))
        return sum(found[1:], start=found[0])
