"""Dot products of blocks and groups: as they are built, and as they are simulated.

Both take codes and values in one cycle and give, `DOT` cycles later, for 4-bit multipliers the sum over the low
nibbles and that over the high ones, those 16 times as much for 8-bit codes; else the sum over all 32 codes. With
multipliers that shift it takes a cycle more.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, EnableInserter, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ....rtl.csa import two_rows
from ....rtl.dot import DotProduct, DotTree
from ....rtl.fp8 import ShiftedDot, integer
from ..core import GROUP, HALF, Core
from ..isa import Scale
from .matrix_ports import CODE_BITS
from .weight_codes import codes_layout

DOT = 1  # register within the dot product
S_BITS = 20  # 32 x 128 x 127 and a sign; sums on the way may wrap
PACK_BITS = 64
SHIFTED_BITS = 31  # of products that are shifted: 32 x 448 x 2^9 x 127, or 32 x 128 x 127 x 2^11, and a sign
UPPER_BITS = 16  # of a half: 16 x 12 x 127 and a sign


def dot_stages(core: Core) -> int:
    """Registers within the dot product."""
    return DOT + (core.shifting or core.by_table)


def s_bits(core: Core) -> int:
    """Of a dot product."""
    return SHIFTED_BITS if core.shifting else S_BITS


def sum_bits(core: Core) -> int:
    """Of what is summed to one: tables give twice of it."""
    return s_bits(core) + core.by_table


def values_layout(core: Core) -> data.StructLayout:
    half = data.ArrayLayout(signed(CODE_BITS), HALF)
    return data.StructLayout({"low": half, "high": half})


def lanes_of(core: Core, codes: Value) -> list[list[Value]]:
    """Codes of a block by the dot product that takes them: of low and high nibbles, or one of bytes."""
    bits = core.multiplier_bits
    if not core.halved:
        return [[codes[8 * i :][:8] for i in range(GROUP)]]
    if core.shifting:
        return [[codes[bits * i :][:bits] for i in range(GROUP)]]
    return [[codes[2 * bits * i + bits * h :][:bits] for i in range(HALF)] for h in (0, 1)]


def values_of(core: Core, values: Any) -> list[list[Value]]:
    """The values that meet them."""
    halves = [[half[i] for i in range(HALF)] for half in (values.low, values.high)]
    return halves if core.halved and not core.shifting else [halves[0] + halves[1]]


def joined(sums: list[Value], code8: Value, pair: Value | None = None) -> Value:
    """Of low and high nibbles one sum; where they are a `pair` the low one alone."""
    if len(sums) == 1:
        return sums[0]
    both = sums[0] + Mux(code8, sums[1] << 4, sums[1])
    return both if pair is None else Mux(pair, sums[0], both)


def paired(core: Core) -> bool:
    """Halves of a block may have scales, and so sums, of their own."""
    return Scale.PAIR in core.scales


class BlockDot(wiring.Component):
    """One block and one column: `dot` + `more` is the sum, modulo 2^s_bits. With `structural` both are the ends of
    carry-save trees, else `more` is 0. Of a `pair` they are that of the first half, `upper` + `upper_more` that of the
    second one."""

    def __init__(self, core: Core, structural: bool = True) -> None:
        self.core, self.structural = core, structural
        upper = {"pair": In(1), "upper": Out(signed(UPPER_BITS)), "upper_more": Out(signed(UPPER_BITS))}
        super().__init__(
            {
                "enable": In(dot_stages(core)), "codes": In(codes_layout(core).elem_shape),
                "values": In(values_layout(core)),
                "code8": In(1), "dot": Out(signed(s_bits(core))), "more": Out(signed(s_bits(core))),
                **(upper if paired(core) else {}),
            }
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        if self.core.shifting:
            m.submodules.sum = dot = EnableInserter(self.enable.any())(ShiftedDot(GROUP))
            codes, values = (each[0] for each in (lanes_of(self.core, self.codes), values_of(self.core, self.values)))
            m.d.comb += [Value.cast(dot.codes).eq(Cat(codes)), Value.cast(dot.values).eq(Cat(values))]
            m.d.comb += [self.dot.eq(dot.low), self.more.eq(dot.high)]
            return m
        sums = [self.half(m, i) for i in range(len(lanes_of(self.core, self.codes)))]
        if not self.structural:
            m.d.comb += self.dot.eq(joined([dot.total for dot in sums], self.code8, getattr(self, "pair", None)))
            if paired(self.core):
                m.d.comb += self.upper.eq(sums[-1].total)
            return m
        rows: list[Value] = [sums[0].low, sums[0].high]
        for dot in sums[1:]:  # of high nibbles
            rows += [self.weighed(row) for row in (dot.low, dot.high)]
        low, high = two_rows(m, list(zip(*rows, strict=True)))
        m.d.comb += [self.dot.eq(low), self.more.eq(high)]
        if paired(self.core):
            m.d.comb += [self.upper.eq(sums[-1].low), self.upper_more.eq(sums[-1].high)]
        return m

    def weighed(self, row: Value) -> Value:
        """16 times a number of high nibbles, if they are those of 8-bit codes; bit by bit, as adders take it."""
        bits = zip(row, (row << 4)[:S_BITS], strict=True)
        both = [Mux(self.code8, shifted, plain) for plain, shifted in bits]
        return Cat(Mux(self.pair, 0, bit) for bit in both) if paired(self.core) else Cat(both)

    def half(self, m: Module, i: int) -> Any:
        """The dot product of low or high nibbles, or of bytes."""
        codes, values = lanes_of(self.core, self.codes)[i], values_of(self.core, self.values)[i]
        lanes, bits = len(codes), self.core.multiplier_bits
        dot = (
            DotTree(lanes=lanes, code_bits=bits, value_bits=CODE_BITS, width=S_BITS, signed_codes=self.core.signed)
            if self.structural
            else DotProduct(
                lanes=lanes, code_bits=bits, value_bits=CODE_BITS, registers=DOT, signed_codes=self.core.signed
            )
        )
        m.submodules[f"sum_{i}"] = EnableInserter(self.enable[0])(dot)
        m.d.comb += [Value.cast(dot.codes).eq(Cat(codes)), Value.cast(dot.values).eq(Cat(values))]
        return dot


class PackedDots(wiring.Component):
    """Blocks of several rows and all columns, for simulation: the codes of rows are fields of one 64-bit
    number, so that one multiplication serves them all."""

    def __init__(self, core: Core) -> None:
        self.core, self.rows = core, packed_rows(core)
        codes = data.ArrayLayout(codes_layout(core).elem_shape, self.rows)
        upper = data.ArrayLayout(data.ArrayLayout(signed(UPPER_BITS), self.rows), core.columns)
        super().__init__(
            {
                "enable": In(core.columns), "codes": In(codes), "code8": In(1),
                "values": In(data.ArrayLayout(values_layout(core), core.columns)),
                "dots": Out(data.ArrayLayout(data.ArrayLayout(signed(s_bits(core)), self.rows), core.columns)),
                **({"pair": In(1), "uppers": Out(upper)} if paired(core) else {}),
            }
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        bits = PACK_BITS // self.rows
        packs = self.packs(m, bits)
        for c in range(self.core.columns):
            values = values_of(self.core, self.values[c])
            totals = [self.total(m, f"{c}_{i}", self.enable[c], packs[i], v) for i, v in enumerate(values)]
            for row in range(self.rows):
                fields = [field(total, row, bits) for total in totals]
                m.d.comb += self.dots[c][row].eq(joined(fields, self.code8, getattr(self, "pair", None)))
                if paired(self.core):
                    m.d.comb += self.uppers[c][row].eq(fields[-1])
        return m

    def packs(self, m: Module, bits: int) -> list[list[Signal]]:
        """For each lane the codes of all rows, `bits` apart."""
        rows = [lanes_of(self.core, self.codes[row]) for row in range(self.rows)]
        packs: list[list[Signal]] = []
        for i in range(len(rows[0])):
            packs.append([])
            for lane in range(len(rows[0][i])):
                pack = Signal(signed(PACK_BITS), name=f"pack_{i}_{lane}")
                m.d.comb += pack.eq(self.side_by_side([row[i][lane] for row in rows], bits))
                packs[-1].append(pack)
        return packs

    def side_by_side(self, codes: list[Value], bits: int) -> Value:
        """Of signed codes a sum: a negative one borrows from the next."""
        if not self.core.signed:
            return Cat(*[_wide(code, bits) for code in codes])
        numbers = [integer(code) if self.core.shifting else code.as_signed() for code in codes]
        return sum((code << bits * i for i, code in enumerate(numbers)), start=Const(0, signed(PACK_BITS)))

    def total(self, m: Module, name: str, enable: Value, packs: list[Signal], values: list[Value]) -> Value:
        products = [(p * v)[:PACK_BITS].as_signed() for p, v in zip(packs, values, strict=True)]
        total: Value = sum(products[1:], start=products[0])[:PACK_BITS]
        for i in range(dot_stages(self.core)):
            held = Signal(PACK_BITS, reset_less=True, name=f"total_{name}_{i}")
            with m.If(Const(1, 1) if i else enable):  # later ones move on in every cycle: simulation only
                m.d.sync += held.eq(total)
            total = held
        return total


def packed_rows(core: Core) -> int:
    """Rows whose sums fit side by side: 16 bits each for nibbles (16 x 15 x 128), else 32."""
    return min(core.rows, 4 if core.halved and not core.shifting else 2)


def field(total: Value, row: int, bits: int) -> Value:
    """The sum of one row: a negative field has borrowed from the next one."""
    value = total[row * bits :][:bits].as_signed()
    return value + total[row * bits - 1] if row else value


def _wide(code: Value, bits: int) -> Value:
    return Cat(code, Const(0, bits - len(code)))
