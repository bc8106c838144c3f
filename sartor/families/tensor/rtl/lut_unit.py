"""One plane of a block by table, scaled: the `lut` engine's answer to a dot unit (dot_unit.py), with the same contract.

Weights w = sum over planes of alpha_i b_i + z, b = +1 or -1 (binary codes): a plane comes a cycle, its scale alpha goes
the way of a weight's scale: its term is floor(P mantissa / 2^s + 1/2), P = sum b x exact. The offset z goes the way of
a minimum, once a block. Tables and sum of the values belong to all rows.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ....rtl.lut import VALUE_BITS, HalfTables, PlaneSums, keys, total_bits
from ..core import GROUP, Core
from .dot_unit import MANTISSA_BITS
from .matrix_ports import SHIFT_BITS, SUM_BITS

LATENCY = 5  # tables, plane sums (two), product, shift


class LutUnit(wiring.Component):
    """`done` comes `LATENCY` cycles after `valid`, with the terms of its plane and of its offset: each its upper bits
    and its lowest, which rounds."""

    def __init__(self, core: Core) -> None:
        self.core = core
        part = {"alpha": In(signed(MANTISSA_BITS)), "alpha_shift": In(SHIFT_BITS), "x_shift": In(SHIFT_BITS),
                "offset": In(signed(MANTISSA_BITS)), "offset_shift": In(SHIFT_BITS)}  # fmt: skip
        super().__init__(
            {
                "valid": In(1), "bits": In(GROUP), **part,
                "values": In(data.ArrayLayout(signed(VALUE_BITS), GROUP)),
                "term": Out(signed(total_bits(1, GROUP) + MANTISSA_BITS)),
                "least": Out(signed(SUM_BITS + MANTISSA_BITS)),
                "done": Out(1),
            }
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.tables, m.submodules.sums = tables, sums = HalfTables(GROUP), PlaneSums(1, GROUP)
        done, key, total = Signal(LATENCY), Signal(GROUP), Signal(signed(sums.width))
        m.d.sync += [done.eq(Cat(self.valid, done)), key.eq(keys(self.bits)), total.eq(sums.total)]
        m.d.comb += [
            self.done.eq(done[-1]), tables.enable.eq(1), tables.values.eq(self.values), sums.keys[0].eq(key),
            sums.tables.eq(tables.tables),
        ]  # fmt: skip
        x_sum = Signal(signed(SUM_BITS))
        m.d.comb += x_sum.eq(sum(self.values[i] for i in range(GROUP)))
        late = {name: later(m, getattr(self, name), 3) for name in ("alpha", "alpha_shift", "x_shift", "offset",
                                                                    "offset_shift")}  # fmt: skip
        both = later(m, x_sum, 3)
        m.d.comb += self.term.eq(scaled(m, total, late["alpha"], late["x_shift"] + late["alpha_shift"], "term"))
        m.d.comb += self.least.eq(scaled(m, both, late["offset"], late["x_shift"] + late["offset_shift"], "least"))
        return m


def scaled(m: Module, x: Value, mantissa: Value, shift: Value, name: str) -> Value:
    """x mantissa / 2^shift, with one bit behind the point, two cycles later: as `Scaler` has it."""
    bits = len(x) + MANTISSA_BITS - 1
    product, term = Signal(signed(bits), name=f"{name}_product"), Signal(signed(bits + 1), name=f"{name}_value")
    distance = Signal(SHIFT_BITS, name=f"{name}_distance")
    most = (1 << SHIFT_BITS) - 1
    m.d.sync += [
        product.eq(x * mantissa), distance.eq(Mux(shift > most, most, shift)),
        term.eq(Cat(Const(0, 1), product).as_signed() >> distance),
    ]  # fmt: skip
    return term


def later(m: Module, value: Value, cycles: int) -> Value:
    for i in range(cycles):
        held = Signal(value.shape(), name=f"late_{i}")
        m.d.sync += held.eq(value)
        value = held
    return value
