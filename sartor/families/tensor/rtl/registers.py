"""The sequencer's registers, and the addresses of the embedding rows that FETCH reads like registers."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..core import REGISTERS
from ..isa import SPAN, TOKEN, VALUE_SCALES, VALUE_STRIDE, ZERO

BITS = 32
INDEX = range(REGISTERS)
LOW = range(8)  # a_reg and b_reg of VEC
LOW_BITS = 13  # of a scratchpad address


class Registers(wiring.Component):
    """16 registers of 32 bits; ZERO is always 0. `whole_index` from 16 on: an embedding row of a column.

    `a` and `b` are the low bits of the first eight. All are 0 after `clear`; rows stay.
    """

    def __init__(self, rows: int) -> None:
        self.rows = rows
        super().__init__(
            {
                "write": In(1), "write_index": In(INDEX), "write_data": In(BITS), "clear": In(1),
                "row_write": In(1), "row_index": In(INDEX), "row_data": In(BITS),
                "whole_index": In(range(2 * TOKEN)), "whole": Out(BITS),
                "stride_index": In(INDEX), "stride": Out(BITS),
                "a_index": In(LOW), "a": Out(LOW_BITS), "b_index": In(LOW), "b": Out(LOW_BITS),
                "value_stride": Out(BITS), "value_scales": Out(BITS), "span": Out(BITS),
            }
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        held = [Signal(BITS, name=f"register{i}") if i != ZERO else Const(0, BITS) for i in INDEX]
        rows = [Signal(BITS, name=f"row{i}") for i in range(self.rows)]
        for i, register in enumerate(held):
            if i != ZERO:
                with m.If(self.write & (self.write_index == i)):
                    m.d.sync += register.eq(self.write_data)
                with m.If(self.clear):
                    m.d.sync += register.eq(0)
        for i, row in enumerate(rows):
            with m.If(self.row_write & (self.row_index == i)):
                m.d.sync += row.eq(self.row_data)
        filled = rows + [rows[-1]] * (REGISTERS - self.rows)
        m.d.comb += [
            self.whole.eq(Array([*held, *filled])[self.whole_index]),
            self.stride.eq(Array(held)[self.stride_index]),
            self.a.eq(Array(held[: len(LOW)])[self.a_index]), self.b.eq(Array(held[: len(LOW)])[self.b_index]),
            self.value_stride.eq(held[VALUE_STRIDE]), self.value_scales.eq(held[VALUE_SCALES]),
            self.span.eq(held[SPAN]),
        ]  # fmt: skip
        return m
