"""From an instruction and the registers to a command: registers added to addresses, counts multiplied by the
granules of the context."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..core import MOST_COLUMNS, Core
from ..isa import BATCH, INSTRUCTION_BITS, OPCODE_BITS, Op, Reduce
from . import matrix_ports, memory_ports, vector_ports
from .fields import view
from .registers import BITS, LOW_BITS

GRANULE_BITS = 16  # granules of a context


class Resolver(wiring.Component):
    """`latch`: in the first cycle of an instruction; its addresses are registered. `word` is the instruction in
    that cycle, `held` in those after it; `sum` that of its value or address and its register. In the next
    cycles, `first` and then `second`, one multiplier makes its products if it is `dynamic`: one, or `two`. FETCH is
    complete in the cycle of its last product, MM and VEC after it."""

    def __init__(self, core: Core) -> None:
        self.core = core
        super().__init__(
            {
                "word": In(INSTRUCTION_BITS), "held": In(INSTRUCTION_BITS),
                "latch": In(1), "first": In(1), "second": In(1),
                "dynamic": Out(1), "two": Out(1), "sum": Out(BITS),
                "position": In(BITS), "cache": In(BITS), "batch": In(MOST_COLUMNS.bit_length()),
                "span": In(BITS), "whole": In(BITS),
                "stride": In(BITS), "a": In(LOW_BITS), "b": In(LOW_BITS),
                "value_stride": In(BITS), "value_scales": In(BITS),
                "fetch": Out(memory_ports.fetch_layout()), "mm": Out(matrix_ports.command_layout()),
                "vec": Out(vector_ports.command_layout()),
            }
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        op, held = self.word[:OPCODE_BITS], self.held
        mm, vec, fetch = view(self.word, Op.MM), view(self.word, Op.VEC), view(self.word, Op.FETCH)
        m.d.comb += self.dynamic.eq(
            Mux(op == Op.MM, mm.tiles_dynamic | mm.folds_dynamic, (op == Op.FETCH) | vec.n_dynamic)
        )
        with m.If(held[:OPCODE_BITS] == Op.MM):
            m.d.comb += self.two.eq(view(held, Op.MM).tiles_dynamic & view(held, Op.MM).folds_dynamic)
        with m.Else():
            m.d.comb += self.two.eq((held[:OPCODE_BITS] == Op.FETCH) & view(held, Op.FETCH).dynamic)
        base = self.add(m, op, fetch)
        product, result = self.multiplied(m)
        self.resolve_fetch(m, view(held, Op.FETCH), base, result)
        self.resolve_mm(m, mm, view(held, Op.MM), product, result)
        self.resolve_vec(m, vec, view(held, Op.VEC), base, product)
        return m

    def add(self, m: Module, op: Value, fetch: data.View[Any]) -> Signal:
        """Register and value of SET and ADD, or address of FETCH or in the cache: one adder; what it gave is held."""
        base, value = Signal(BITS), Signal(BITS)
        # Of FETCH in the same bits as the value of SET and ADD; keys and values go to a sequence's cache.
        m.d.comb += value.eq(Mux(op == Op.VEC, self.cache, fetch.address))
        m.d.comb += self.sum.eq(value + Mux(op == Op.SET, 0, self.whole))
        with m.If(self.latch):
            m.d.sync += base.eq(self.sum)
        return base

    def granules(self, m: Module) -> Signal:
        """ceil((position + SPAN) / granule), valid two cycles after a change."""
        granules, granule = Signal(GRANULE_BITS), self.core.granule
        m.d.sync += granules.eq((self.position + self.span + (granule - 1)) >> (granule.bit_length() - 1))
        return granules

    def multiplied(self, m: Module) -> tuple[Signal, Signal]:
        """The first product, registered; and the product of this cycle."""
        bits = memory_ports.RUN_BITS
        x, count, counted = Signal(bits), Signal(GRANULE_BITS), Signal()
        product, result = Signal(bits), Signal(bits)
        mm, vec, fetch = (view(self.word, op) for op in (Op.MM, Op.VEC, Op.FETCH))
        op = self.word[:OPCODE_BITS]
        m.d.comb += result.eq(x * Mux(counted, count, self.granules(m)))
        with m.If(self.latch):
            of_mm = Mux(mm.tiles_dynamic, mm.tiles, mm.folds)
            m.d.sync += x.eq(Mux(op == Op.FETCH, fetch.unit, Mux(op == Op.MM, of_mm, vec.n)))
            m.d.sync += [count.eq(fetch.count), counted.eq(op == Op.FETCH)]
        with m.If(self.first):
            m.d.sync += product.eq(result)
        with m.If(self.first & self.two):  # else it may wait here, and its product with it
            m.d.sync += counted.eq(0)
            m.d.sync += x.eq(Mux(self.held[:OPCODE_BITS] == Op.FETCH, result, view(self.held, Op.MM).folds))
        return product, result

    def resolve_fetch(self, m: Module, fetch: data.View[Any], base: Signal, result: Signal) -> None:
        moved = Signal(BITS)
        with m.If(fetch.position_shift != 0):
            m.d.comb += moved.eq((self.position << fetch.position_shift) >> 1)
        with m.Elif(fetch.dynamic):
            m.d.comb += moved.eq(self.cache)
        m.d.comb += [
            self.fetch.address.eq(base + moved), self.fetch.run.eq(result),
            self.fetch.outer.eq(fetch.outer), self.fetch.stride.eq(self.stride),
        ]  # fmt: skip

    def resolve_mm(
        self, m: Module, first: data.View[Any], mm: data.View[Any], product: Signal, result: Signal
    ) -> None:
        folds, d_addr = Signal(matrix_ports.FOLD_BITS), Signal.like(self.mm.d_addr)
        with m.If(self.second):
            m.d.sync += folds.eq(result)
        with m.If(self.latch):
            m.d.sync += d_addr.eq(first.d_addr + self.whole)
        copy(m, self.mm, mm, "tiles", "folds", "d_addr", "columns")
        dynamic_folds = Mux(mm.tiles_dynamic, folds, product)
        m.d.comb += [
            self.mm.columns.eq(self.columns(mm)), self.mm.tiles.eq(Mux(mm.tiles_dynamic, product, mm.tiles)),
            self.mm.folds.eq(Mux(mm.folds_dynamic, dynamic_folds, mm.folds)), self.mm.d_addr.eq(d_addr),
        ]  # fmt: skip

    def columns(self, held: data.View[Any]) -> Value:
        return Mux(held.columns == BATCH, self.batch, held.columns)

    def resolve_vec(
        self, m: Module, first: data.View[Any], vec: data.View[Any], base: Signal, product: Signal
    ) -> None:
        """`d_addr` of a reduction is no address."""
        a_addr, b_addr, d_addr = (Signal(LOW_BITS, name=name) for name in ("a_addr", "b_addr", "vec_d_addr"))
        with m.If(self.latch):
            m.d.sync += [
                a_addr.eq(first.a_addr + self.a), b_addr.eq(first.b_addr + self.b),
                d_addr.eq(first.d_addr + Mux(first.reduce == Reduce.NONE, self.whole, 0)),
            ]  # fmt: skip
        resolved = {
            "n": Mux(vec.n_dynamic, product, vec.n), "columns": self.columns(vec),
            "a_addr": a_addr, "b_addr": b_addr, "d_addr": d_addr,
            "base": base, "position": self.position, "value_stride": self.value_stride,
            "value_scales": self.value_scales,
        }  # fmt: skip
        copy(m, self.vec, vec, *resolved)
        m.d.comb += [self.vec[name].eq(value) for name, value in resolved.items()]


def copy(m: Module, command: data.View[Any], instruction: data.View[Any], *others: str) -> None:
    """Fields of a command that are those of its instruction."""
    for name, _ in command.shape():
        if name not in others:
            m.d.comb += command[name].eq(instruction[name])
