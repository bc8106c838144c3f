"""Accumulators to binary32: normalized, rounded to nearest even, below 2^-126 zero, too large the largest."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..core import ACCUMULATOR_BITS
from .matrix_ports import FLOAT_BITS

LATENCY = 4
SCALE_BITS = 11
FRACTION_BITS = 23
MOST = 0x7F7FFFFF
COARSE, FINE = (32, 16, 8), (4, 2, 1)  # shifts of the second and third stage
TOP = ACCUMULATOR_BITS - 1
GUARD = TOP - FRACTION_BITS - 1


class ToFloat(wiring.Component):
    """results = values x 2^(scale - 127), `LATENCY` cycles later."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        super().__init__(
            {
                "valid": In(1), "values": In(data.ArrayLayout(signed(ACCUMULATOR_BITS), lanes)),
                "scale": In(signed(SCALE_BITS)),
                "done": Out(1), "results": Out(data.ArrayLayout(unsigned(FLOAT_BITS), lanes)),
            }
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        valid = Signal(LATENCY)
        m.d.sync += valid.eq(Cat(self.valid, valid))
        m.d.comb += self.done.eq(valid[-1])
        enables = [self.valid, *valid[: LATENCY - 1]]
        scale = self.scale
        for i in range(LATENCY - 1):
            scale = kept(m, enables[i], scale, f"scale_{i}")
        for lane in range(self.lanes):
            m.d.comb += self.results[lane].eq(self.lane(m, lane, enables, scale))
        return m

    def lane(self, m: Module, lane: int, enables: list[Value], scale: Value) -> Value:
        value = self.values[lane]
        negative = value[TOP]
        size = Signal(ACCUMULATOR_BITS, name=f"size_{lane}")
        m.d.comb += size.eq(Mux(negative, -value, value))
        for i, enable in enumerate(enables[:3]):
            negative = kept(m, enable, negative, f"negative_{lane}_{i}")
        size = kept(m, enables[0], size, f"size_{lane}_0")
        size, coarse = normalized(m, size, COARSE)
        size, coarse = (
            kept(m, enables[1], v, f"{n}_{lane}_1") for v, n in ((size, "size"), (coarse, "coarse"))
        )
        size, fine = normalized(m, size, FINE)
        size = kept(m, enables[2], size, f"size_{lane}_2")
        zeros = kept(m, enables[2], Cat(fine, coarse), f"zeros_{lane}")
        return kept(
            m, enables[3], self.packed(m, lane, negative, size, scale + TOP - zeros), f"result_{lane}"
        )

    def packed(self, m: Module, lane: int, negative: Value, size: Value, exponent: Value) -> Value:
        """binary32 of a number whose leading bit is at the top of `size`, and has the biased exponent."""
        up = size[GUARD] & (size[:GUARD].any() | size[GUARD + 1])
        rounded = Signal(signed(SCALE_BITS + FRACTION_BITS), name=f"rounded_{lane}")
        m.d.comb += rounded.eq((Cat(size[GUARD + 1 : TOP], exponent[:SCALE_BITS]) + up).as_signed())
        none = ~size[TOP] | (exponent <= 0)
        number = Mux(rounded[FRACTION_BITS:].as_signed() >= 255, MOST, rounded)
        return Mux(none, 0, Cat(number[: FLOAT_BITS - 1], negative))


def kept(m: Module, enable: Value, value: Value, name: str) -> Signal:
    """A register that takes `value` with `enable`."""
    held = Signal(value.shape(), reset_less=True, name=name)
    with m.If(enable):
        m.d.sync += held.eq(value)
    return held


def normalized(m: Module, size: Value, shifts: tuple[int, ...]) -> tuple[Value, Value]:
    """`size` without leading zeros, as far as the shifts go, and which were made (low bit: the last)."""
    made = []
    for shift in shifts:
        empty = ~size[ACCUMULATOR_BITS - shift :].any()
        size = Mux(empty, size << shift, size)[:ACCUMULATOR_BITS]
        made.append(empty)
    return size, Cat(reversed(made))
