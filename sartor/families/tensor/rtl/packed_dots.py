"""Dot products as they are simulated (dots.py has them as they are built): several rows by one multiplication."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ....rtl.fp8 import integer
from ..core import Core
from .code_layout import codes_layout
from .dots import UPPER_BITS, dot_stages, joined, lanes_of, paired, s_bits, values_layout, values_of

PACK_BITS = 64


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
