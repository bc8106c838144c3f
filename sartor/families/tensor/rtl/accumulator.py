"""One accumulator: the terms of all dot units of a row and column, summed fold by fold."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..core import ACCUMULATOR_BITS, Core
from .dot_unit import TERM_BITS, has_second, least_bits


class Accumulator(wiring.Component):
    """total += terms, each of them its upper bits plus its lowest; `first`: instead of, not onto."""

    def __init__(self, core: Core, minimum: bool = True) -> None:
        widths = {"term": TERM_BITS, **({"least": least_bits(core)} if has_second(core, minimum) else {})}
        terms = {f"{kind}_{g}": In(signed(widths[kind])) for g in range(core.lane_groups) for kind in widths}
        self.names = tuple(terms)
        super().__init__({"enable": In(1), "first": In(1), "total": Out(signed(ACCUMULATOR_BITS)), **terms})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        total = Signal(signed(ACCUMULATOR_BITS), reset_less=True)
        terms = [getattr(self, name) for name in self.names]
        added = sum((term >> 1) + term[0] for term in terms)
        with m.If(self.enable):
            m.d.sync += total.eq(Mux(self.first, 0, total) + added)
        m.d.comb += self.total.eq(total)
        return m
