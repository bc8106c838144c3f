"""Constants and scalars: the operands that all lanes share."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from ....rtl import float_multiply
from ....rtl.float_parts import FRACTION_BITS, ONE
from ..core import CONSTANTS, SCALARS, Core
from ..isa import AFTER, BYPASS, Operand
from .fetch import COLUMN_BITS
from .matrix_ports import EIGHTH_BITS, EXPONENT_BITS, FLOAT_BITS, MARK_BITS
from .vector_ports import command_layout, constant_write_signature

_SCALAR_BITS = SCALARS.bit_length() - 1


class SharedOperands(wiring.Component):
    """`p` of the word in `column`, and `q` of the word that had this column when its operands were loaded, as many
    cycles (of `go`) ago as the product takes. `after` a reduction they are the constants of `steps`."""

    def __init__(self, core: Core) -> None:
        self.core = core
        super().__init__(
            {
                "command": In(command_layout()), "after": In(1), "steps": In(data.StructLayout(dict(AFTER))),
                "column": In(COLUMN_BITS), "go": In(1), "largest_column": In(COLUMN_BITS),
                "constant_write": In(constant_write_signature()),
                "write": In(1), "write_scalar": In(_SCALAR_BITS), "write_column": In(COLUMN_BITS),
                "write_data": In(FLOAT_BITS),
                "p": Out(FLOAT_BITS), "q": Out(FLOAT_BITS), "take_q": Out(1),
                "largest": Out(MARK_BITS),
            }
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        c = self.command
        m.submodules.constants = self.constants = memory.Memory(shape=FLOAT_BITS, depth=CONSTANTS, init=[])
        columns = 1 << (self.core.columns - 1).bit_length()
        m.submodules.scalars = self.scalars = memory.Memory(
            shape=FLOAT_BITS, depth=SCALARS * columns, init=[]
        )
        write, given = self.constants.write_port(), self.constant_write
        m.d.comb += [write.en.eq(given.valid), write.addr.eq(given.index), write.data.eq(given.data)]
        write = self.scalars.write_port()
        m.d.comb += [write.en.eq(self.write), write.addr.eq(Cat(self.write_scalar, self.write_column))]
        m.d.comb += write.data.eq(self.write_data)
        column = self.delayed(m)
        addend_is_memory = (c.q == Operand.B) | (c.q == Operand.D)
        m.d.comb += self.p.eq(self.chosen(m, c.p, c.p_index, self.steps.after_p, self.column, ONE))
        m.d.comb += self.q.eq(self.chosen(m, c.q, c.q_index, self.steps.after_q, column, 0))
        m.d.comb += self.take_q.eq(self.after | ~addend_is_memory)
        largest = self.scalar(m, c.q_index, self.largest_column)
        upper = largest[FRACTION_BITS - EIGHTH_BITS : FRACTION_BITS + EXPONENT_BITS]
        m.d.comb += self.largest.eq(Cat(largest[0], upper))
        return m

    def delayed(self, m: Module) -> Value:
        """The column of the word whose product comes next."""
        column: Value = self.column
        for i in range(float_multiply.LATENCY):
            later = Signal(COLUMN_BITS, name=f"column{i}", reset_less=True)
            with m.If(self.go):
                m.d.sync += later.eq(column)
            column = later
        return column

    def scalar(self, m: Module, index: Value, column: Value) -> Value:
        port = self.scalars.read_port(domain="comb")
        m.d.comb += port.addr.eq(Cat(index[:_SCALAR_BITS], column))
        return port.data

    def chosen(self, m: Module, kind: Value, index: Value, step: Value, column: Value, neutral: int) -> Value:
        """A constant, a scalar, or the neutral number."""
        port = self.constants.read_port(domain="comb")
        m.d.comb += port.addr.eq(Mux(self.after, step, index))
        constant = Mux(self.after, step != BYPASS, kind == Operand.CONSTANT)
        scalar = ~self.after & (kind == Operand.SCALAR)
        found = Mux(scalar, self.scalar(m, index, column), neutral)
        return Mux(constant, port.data, found)
