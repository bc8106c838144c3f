"""The scales of one packet, and those of the present beat."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..core import Core
from ..isa import Scale
from ..numerics import ONE_HALF_PRECISION
from .matrix_ports import HALF_BITS
from .pick import pick

MOST_WORDS = 64  # of scales in a packet: 4 bytes for each of 256 dot units, with a port of 16


def scale_words(core: Core, scale: Scale) -> int:
    """Words of scales in a packet."""
    return core.slots(2 * scale) * 2 * scale // core.port_bytes


def slot_groups(core: Core, scale: Scale) -> int:
    """Beats with scales of their own in a packet."""
    return core.slots(2 * scale) // core.dot_units


class ScaleBuffer(wiring.Component):
    """`d` and `m` of all dot units from the cycle after `load`: binary16 as it came, 1 and 0 without scales."""

    def __init__(self, core: Core, minimum: bool) -> None:
        self.core, self.kinds = core, [Scale.SCALE, *([Scale.SCALE_MINIMUM] if minimum else [])]
        self.groups = max(slot_groups(core, kind) for kind in self.kinds)
        halves = data.ArrayLayout(unsigned(HALF_BITS), core.dot_units)
        super().__init__(
            {
                "scale": In(2),
                "word": In(8 * core.port_bytes), "write": In(1), "index": In(range(MOST_WORDS)),
                "load": In(1), "group": In(range(max(2, self.groups))),
                "d": Out(halves), "m": Out(halves),
            }
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        count = max(scale_words(self.core, kind) for kind in self.kinds)
        words = [Signal(8 * self.core.port_bytes, reset_less=True, name=f"scales_{i}") for i in range(count)]
        for i, word in enumerate(words):
            with m.If(self.write & (self.index == i)):
                m.d.sync += word.eq(self.word)
        picked = {kind: self.picked(m, Cat(words), kind) for kind in self.kinds}
        held = Signal.like(self.d, reset_less=True), Signal.like(self.m, reset_less=True)
        with m.If(self.load):
            for unit in range(self.core.dot_units):
                d, minimum = self.unit(picked, unit)
                m.d.sync += [held[0][unit].eq(d), held[1][unit].eq(minimum)]
        m.d.comb += [self.d.eq(held[0]), self.m.eq(held[1])]
        return m

    def picked(self, m: Module, scales: Value, kind: Scale) -> Value:
        """The slots of the present beat."""
        bits = kind * HALF_BITS * self.core.dot_units
        options = [scales[i * bits : (i + 1) * bits] for i in range(slot_groups(self.core, kind))]
        return pick(m, options, self.group, f"slots_{kind.name.lower()}")

    def unit(self, picked: dict[Scale, Value], unit: int) -> tuple[Value, Value | int]:
        """d and m of one dot unit."""
        plain = picked[Scale.SCALE][HALF_BITS * unit :][:HALF_BITS]
        d, minimum = plain, 0
        if Scale.SCALE_MINIMUM in picked:
            both = picked[Scale.SCALE_MINIMUM][2 * HALF_BITS * unit :][: 2 * HALF_BITS]
            wanted = self.scale == Scale.SCALE_MINIMUM
            d, minimum = Mux(wanted, both[:HALF_BITS], plain), Mux(wanted, both[HALF_BITS:], 0)
        return Mux(self.scale == Scale.NONE, ONE_HALF_PRECISION, d), minimum
