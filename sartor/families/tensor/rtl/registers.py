"""The sequencer's registers, and embedding rows that FETCH reads like registers."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Const, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..core import REGISTERS
from ..isa import SPAN, TOKEN, VALUE_SCALES, VALUE_STRIDE, ZERO

BITS = 32
INDEX = range(REGISTERS)
LOW = range(8)  # a_reg and b_reg of VEC
LOW_BITS = 13  # of a scratchpad address


class Registers(wiring.Component):
    """16 registers of 32 bits; ZERO is always 0. `whole_index` from 16 on: the embedding row of a column, 16: that of
    the sequence that counts.

    `a` and `b` are the low bits of the first eight. All are 0 after `clear`.
    """

    def __init__(self, columns: int) -> None:
        self.columns = columns
        super().__init__(
            {
                "write": In(1), "write_index": In(INDEX), "write_data": In(BITS), "clear": In(1),
                "row": In(BITS), "rows": In(data.ArrayLayout(BITS, columns)),
                "whole_index": In(range(2 * TOKEN)), "whole": Out(BITS),
                "stride_index": In(INDEX), "stride": Out(BITS),
                "a_index": In(LOW), "a": Out(LOW_BITS), "b_index": In(LOW), "b": Out(LOW_BITS),
                "value_stride": Out(BITS), "value_scales": Out(BITS), "span": Out(BITS),
            }
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        held = [Signal(BITS, name=f"register{i}") if i != ZERO else Const(0, BITS) for i in INDEX]
        for i, register in enumerate(held):
            if i != ZERO:
                with m.If(self.write & (self.write_index == i)):
                    m.d.sync += register.eq(self.write_data)
                with m.If(self.clear):
                    m.d.sync += register.eq(0)
        rows = [self.row, *(self.rows[i] for i in range(1, self.columns))]
        filled = rows + [rows[-1]] * (REGISTERS - self.columns)
        m.d.comb += [
            self.whole.eq(Array([*held, *filled])[self.whole_index]),
            self.stride.eq(Array(held)[self.stride_index]),
            self.a.eq(Array(held[: len(LOW)])[self.a_index]), self.b.eq(Array(held[: len(LOW)])[self.b_index]),
            self.value_stride.eq(held[VALUE_STRIDE]), self.value_scales.eq(held[VALUE_SCALES]),
            self.span.eq(held[SPAN]),
        ]  # fmt: skip
        return m
