"""From an instruction and the registers to a command: registers added to addresses, counts multiplied by the
granules of the context."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..core import Core
from ..isa import INSTRUCTION_BITS, Op, Reduce
from . import matrix_ports, memory_ports, vector_ports
from .fields import view
from .registers import BITS, LOW_BITS

GRANULE_BITS = 16  # granules of a context


class Resolver(wiring.Component):
    """`latch`: in the first cycle of an instruction; its addresses are registered. In the cycles after it,
    `first` and then `second`, one multiplier makes its products, as many as `products` says. FETCH is complete
    in the cycle of its last product, MM and VEC after it."""

    def __init__(self, core: Core) -> None:
        self.core = core
        super().__init__(
            {
                "word": In(INSTRUCTION_BITS), "latch": In(1), "first": In(1), "second": In(1),
                "products": Out(2), "position": In(BITS), "span": In(BITS), "whole": In(BITS),
                "stride": In(BITS), "a": In(LOW_BITS), "b": In(LOW_BITS),
                "value_stride": In(BITS), "value_scales": In(BITS),
                "fetch": Out(memory_ports.fetch_layout()), "mm": Out(matrix_ports.command_layout()),
                "vec": Out(vector_ports.command_layout()),
            }
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        is_mm, is_fetch = self.word[:4] == Op.MM, self.word[:4] == Op.FETCH
        mm, vec, fetch = view(self.word, Op.MM), view(self.word, Op.VEC), view(self.word, Op.FETCH)
        with m.If(is_mm):
            m.d.comb += self.products.eq(mm.tiles_dynamic + mm.folds_dynamic)
        with m.Elif(is_fetch):
            m.d.comb += self.products.eq(1 + fetch.dynamic)
        with m.Else():
            m.d.comb += self.products.eq(vec.n_dynamic)
        product, result = self.multiplied(m, is_mm, is_fetch)
        base = Signal(BITS)
        with m.If(self.latch):
            m.d.sync += base.eq(Mux(is_fetch, fetch.address, 0) + self.whole)
        self.resolve_fetch(m, fetch, base, result)
        self.resolve_mm(m, mm, product, result)
        self.resolve_vec(m, vec, base, product)
        return m

    def granules(self, m: Module) -> Signal:
        """ceil((position + SPAN) / granule), valid two cycles after a change."""
        granules, granule = Signal(GRANULE_BITS), self.core.granule
        m.d.sync += granules.eq((self.position + self.span + (granule - 1)) >> (granule.bit_length() - 1))
        return granules

    def multiplied(self, m: Module, is_mm: Value, is_fetch: Value) -> tuple[Signal, Signal]:
        """The first product, registered; and the product of this cycle."""
        mm, vec, fetch = view(self.word, Op.MM), view(self.word, Op.VEC), view(self.word, Op.FETCH)
        bits = memory_ports.RUN_BITS
        x, y, product, result = Signal(bits), Signal(GRANULE_BITS), Signal(bits), Signal(bits)
        m.d.comb += [y.eq(self.granules(m)), result.eq(x * y)]
        with m.If(is_fetch):
            m.d.comb += x.eq(Mux(self.second, product, fetch.unit))
            with m.If(~self.second):
                m.d.comb += y.eq(fetch.count)
        with m.Elif(is_mm):
            m.d.comb += x.eq(Mux(mm.tiles_dynamic & ~self.second, mm.tiles, mm.folds))
        with m.Else():
            m.d.comb += x.eq(vec.n)
        with m.If(self.first):
            m.d.sync += product.eq(result)
        return product, result

    def resolve_fetch(self, m: Module, fetch: data.View[Any], base: Signal, result: Signal) -> None:
        shifted = Signal(BITS)
        with m.If(fetch.position_shift != 0):
            m.d.comb += shifted.eq((self.position << fetch.position_shift) >> 1)
        m.d.comb += [
            self.fetch.address.eq(base + shifted), self.fetch.run.eq(result),
            self.fetch.outer.eq(fetch.outer), self.fetch.stride.eq(self.stride),
        ]  # fmt: skip

    def resolve_mm(self, m: Module, mm: data.View[Any], product: Signal, result: Signal) -> None:
        folds, d_addr = Signal(matrix_ports.FOLD_BITS), Signal.like(self.mm.d_addr)
        with m.If(self.second):
            m.d.sync += folds.eq(result)
        with m.If(self.latch):
            m.d.sync += d_addr.eq(mm.d_addr + self.whole)
        copy(m, self.mm, mm, "tiles", "folds", "d_addr")
        dynamic_folds = Mux(mm.tiles_dynamic, folds, product)
        m.d.comb += [
            self.mm.tiles.eq(Mux(mm.tiles_dynamic, product, mm.tiles)),
            self.mm.folds.eq(Mux(mm.folds_dynamic, dynamic_folds, mm.folds)), self.mm.d_addr.eq(d_addr),
        ]  # fmt: skip

    def resolve_vec(self, m: Module, vec: data.View[Any], base: Signal, product: Signal) -> None:
        """`d_addr` of a reduction is no address."""
        a_addr, b_addr, d_addr = (Signal(LOW_BITS, name=name) for name in ("a_addr", "b_addr", "vec_d_addr"))
        with m.If(self.latch):
            m.d.sync += [
                a_addr.eq(vec.a_addr + self.a), b_addr.eq(vec.b_addr + self.b),
                d_addr.eq(vec.d_addr + Mux(vec.reduce == Reduce.NONE, self.whole, 0)),
            ]  # fmt: skip
        resolved = {
            "n": Mux(vec.n_dynamic, product, vec.n), "a_addr": a_addr, "b_addr": b_addr, "d_addr": d_addr,
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
