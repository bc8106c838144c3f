"""The parts that benchmarks/silicon_formats.py maps, with what drives them: numbers like those of a model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from amaranth.hdl import Module, Signal, signed
from amaranth.lib.wiring import Component, In, Out
from silicon_batch_parts import batch_parts
from silicon_cache_parts import cache_parts
from silicon_tables_parts import Fill, Part, parts

from sartor.api.cells import RUNS, SHIFT_MOST, normal_codes, ones, random_bits, table_words
from sartor.families.tensor.core import GROUP, Core
from sartor.families.tensor.isa import Scale
from sartor.families.tensor.multipliers import narrowest
from sartor.families.tensor.rtl.dot_unit import DotUnit, Scaler
from sartor.families.tensor.rtl.table_dots import RowKeys
from sartor.families.tensor.rtl.to_float import ToFloat
from sartor.families.tensor.rtl.weight_codes import WeightCodes
from sartor.flow import Simulator, to_words
from sartor.formats.decode import Element
from sartor.formats.element import E4M3
from sartor.rtl.dot import DotProduct
from sartor.rtl.float_add import FloatAdd
from sartor.rtl.fp8 import Fp8Dot


class FixedSum(Component):
    """An exact FP8 block, shifted, onto a sum of 48 bits."""

    def __init__(self) -> None:
        super().__init__({"total": In(signed(31)), "shift": In(5), "first": In(1), "sum": Out(signed(48))})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        term = Signal(signed(32))
        m.d.sync += term.eq((self.total << 1) >> self.shift)
        with m.If(self.first):
            m.d.sync += self.sum.eq((term >> 1) + term[0])
        with m.Else():
            m.d.sync += self.sum.eq(self.sum + (term >> 1) + term[0])
        return m


class FloatSum(Component):
    """The same block to binary32, onto a binary32 sum."""

    def __init__(self) -> None:
        super().__init__({"total": In(signed(31)), "scale": In(signed(11)), "enable": In(4), "sum": Out(32)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.to_float, m.submodules.add = to_float, add = ToFloat(1), FloatAdd()
        m.d.comb += [
            to_float.valid.eq(self.enable[3]), to_float.values[0].eq(self.total), to_float.scale.eq(self.scale),
            add.enable.eq(self.enable), add.a.eq(to_float.results[0]), add.b.eq(add.total), self.sum.eq(add.total),
        ]  # fmt: skip
        return m


def anything(*high: str) -> Fill:
    """Random bits at all inputs but `values`, those of normal activations; `high` are 1, shifts moderate."""

    def fill(simulator: Simulator, rng: np.random.Generator) -> None:
        for port, bits in simulator.netlist.inputs.items():
            if port in ("clk", "rst"):
                continue
            if port in high:
                ones(simulator, port)
            elif port == "values":
                simulator.set(port, normal_codes(rng, GROUP))
            elif port == "tables":
                simulator.set(port, table_words(rng))
            elif port.endswith("shift"):
                simulator.set(port, to_words(rng.integers(0, SHIFT_MOST, RUNS), len(bits)))
            elif port in ("code8", "half", "element", "unsigned"):
                continue
            else:
                random_bits(simulator, rng, port)

    return fill


def codes_of(element: Element) -> Fill:
    """Random words of codes of `element`."""

    def fill(simulator: Simulator, rng: np.random.Generator) -> None:
        anything("load")(simulator, rng)
        simulator.set("element", to_words(np.full(RUNS, int(element)), len(simulator.netlist.inputs["element"])))

    return fill


def fp8_weights(simulator: Simulator, rng: np.random.Generator) -> None:
    """Lanes of E4M3 codes of normal weights, the largest of a channel near 448; uniform codes would toggle more."""
    anything("enable")(simulator, rng)
    codes = E4M3.nearest(rng.normal(0, 448 / 4, (GROUP, RUNS)).astype(np.float32)).astype(np.int64)
    field = codes >> 3 & 15
    magnitude = (codes & 7) | (field > 0) << 3
    lanes = np.where(codes >> 7, -magnitude, magnitude) & 31 | np.maximum(field - 1, 0) << 5
    simulator.set("codes", np.concatenate([to_words(lane, 9) for lane in lanes]))


def _codes(element: Element, bits: int, *scales: Scale) -> Core:
    elements = (Element.INT4, Element.INT8) if element in (Element.INT4, Element.INT8) else (Element.INT8, element)
    return Core(rows=2, lanes=32, port_bytes=32, multiplier_bits=bits, elements=elements, scales=scales)


UNITS = {
    "unit int4": _codes(Element.INT4, 4), "unit mxfp4": _codes(Element.E2M1, 5, Scale.POWER),
    "unit nvfp4": _codes(Element.E2M1, 5, Scale.PAIR), "unit int8": _codes(Element.INT8, 8),
    "unit fp8": _codes(Element.E4M3, 9), "unit int4 zp": _codes(Element.INT4, 5, Scale.ZERO),
    "unit bcq": _codes(Element.SIGN, 4, Scale.PLANES),
}  # fmt: skip
BY_TABLE = ("unit int4", "unit int8", "unit mxfp4")  # units that engine `lut` has, too
DECODERS = {
    **{f"decoder {e.name.lower()}": _codes(e, narrowest(e)) for e in Element if e != Element.SIGN},
    "decoder int4 zp": _codes(Element.INT4, 5, Scale.ZERO), "decoder bcq": _codes(Element.SIGN, 4, Scale.PLANES),
}  # fmt: skip
PARTS: dict[str, Part] = {
    **parts(), "mac 8": Part(lambda: DotProduct(code_bits=8, structural=True), anything()),
    "mac 5 signed": Part(lambda: DotProduct(code_bits=5, structural=True, signed_codes=True), anything()),
    "scaler": Part(lambda: Scaler(Core(), minimum=False), anything("enable")),
    # With a minimum, as every core is built; of a pair both halves are scaled.
    **{name: Part(lambda c=core: DotUnit(c, True, True), fp8_weights if core.shifting else anything("enable", "pair"))
       for name, core in UNITS.items()},
    **{name: Part(lambda c=core: WeightCodes(c), anything("load")) for name, core in DECODERS.items()},
    **{f"{name} lut": Part(lambda c=core: DotUnit(replace(c, engine="lut"), True, True), anything("enable"))
       for name, core in UNITS.items() if name in BY_TABLE},
    "lut keys": Part(lambda: RowKeys(replace(UNITS["unit int4"], engine="lut")), anything("enable")),
    **{name: Part(lambda c=DECODERS[name]: WeightCodes(c), codes_of(e))  # those before them toggle as INT4
       for e in Element if e >= Element.INT5 for name in (f"decoder {e.name.lower()}",)},
    **cache_parts(),
    **batch_parts(),
    "fp8 block": Part(Fp8Dot, anything()),
    "fp8 fixed sum": Part(FixedSum, anything()),
    "fp8 float sum": Part(FloatSum, anything("enable")),
}
