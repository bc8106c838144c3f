"""Dot products of blocks and groups, as they are built; packed_dots.py has them as they are simulated.

Both take codes and values in one cycle and give, `DOT` cycles later, for 4-bit multipliers the sum over the low
nibbles and that over the high ones, those 16 times as much for 8-bit codes; else the sum over all 32 codes. With
multipliers that shift it takes a cycle more.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, EnableInserter, Module, Mux, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ....rtl.csa import two_rows
from ....rtl.dot import DotProduct, DotTree
from ....rtl.fp8 import ShiftedDot
from ..core import GROUP, HALF, Core
from ..isa import Scale
from .code_layout import codes_layout
from .matrix_ports import CODE_BITS

DOT = 1  # register within the dot product
S_BITS = 20  # 32 x 128 x 127 and a sign; sums on the way may wrap
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
