"""An accumulator becomes the nearest binary32 number, a half to even, for all accumulators and scales."""

from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Assert, Cat, Const, Module, Mux, Signal, signed
from prove import Free, bounded, broken, needs_solver

from sartor.families.tensor.core import ACCUMULATOR_BITS
from sartor.families.tensor.rtl.to_float import LATENCY, MOST, SCALE_BITS, ToFloat

needs_solver()

LOWEST, HIGHEST = -300, 300  # scales: more than E - 133 + X - 25 + 127 has


def is_nearest(unit: Any, m: Module, free: Free) -> None:
    """Accumulator and scale do not change: after LATENCY cycles the result is theirs."""
    m.submodules.unit = unit
    first, value, scale = Signal(range(LATENCY + 1)), Signal(signed(ACCUMULATOR_BITS)), Signal(signed(SCALE_BITS))
    now, its_scale = free("value", ACCUMULATOR_BITS), free("scale", SCALE_BITS)
    inside = (its_scale.as_signed() >= LOWEST) & (its_scale.as_signed() <= HIGHEST)
    with m.If(first == 0):
        m.d.sync += [value.eq(now), scale.eq(Mux(inside, its_scale.as_signed(), 0))]
    with m.If(first != LATENCY):
        m.d.sync += first.eq(first + 1)
    m.d.comb += [unit.valid.eq(first == 1), unit.values[0].eq(value), unit.scale.eq(scale)]
    with m.If(unit.done):
        claim(m, unit.results[0], value, scale)


def claim(m: Module, result: Any, value: Signal, scale: Signal) -> None:
    """The result is M 2^(field - 150): with k = field - 23 - scale, M 2^k in units of the accumulator."""
    size, field, fraction = Signal(ACCUMULATOR_BITS), result[23:31], result[:23]
    k, unit = Signal(signed(12)), Signal(64)
    m.d.comb += [size.eq(Mux(value < 0, -value, value)), k.eq(field - 23 - scale)]
    mantissa, exact, found = Signal(24), Signal(66), Signal(66)
    m.d.comb += [
        mantissa.eq(Cat(fraction, Const(1, 1))), unit.eq(Const(1, 64) << Mux(k > 0, k[:5], 0)),
        exact.eq(size << 2),
        found.eq(Mux(k > 0, (mantissa << k[:5]) << 2, (mantissa << 2) >> Mux(-k > 30, 30, (-k)[:5]))),
    ]  # fmt: skip
    below = Mux((fraction == 0) & (field != 1), unit, unit << 1)  # half the distance to the next, in quarters
    near = (exact <= found + (unit << 1)) & (found <= exact + below)
    tie = (exact == found + (unit << 1)) | (found == exact + below)
    largest, least = result[:31] == MOST, field == 0
    m.d.comb += Assert(result[31] == ((value < 0) & ~least))
    with m.If(least):  # zero, or below 2^-126: size < 2^(1 - scale)
        limit = Mux(scale > 0, 1, Const(1, 64) << (1 - scale)[:6])
        m.d.comb += [Assert(fraction == 0), Assert((size == 0) | (scale < 1 - ACCUMULATOR_BITS) | (size < limit))]
    with m.Elif(largest & (exact > found)):  # too large, or rounded to it
        pass
    with m.Else():
        m.d.comb += [Assert(k <= ACCUMULATOR_BITS - 23), Assert(k >= -23)]
        m.d.comb += Assert(Mux(k > 0, near & (~tie | ~mantissa[0]), exact == found))


def test_results_of_all_accumulators(tmp_path: Path) -> None:
    assert not bounded(lambda m, free: is_nearest(ToFloat(1), m, free), tmp_path, LATENCY + 3)


@pytest.mark.parametrize(
    "old, new",
    [
        ("(size[:GUARD].any() | size[GUARD + 1])", "1"),  # ties go up
        ("size[GUARD] & ", ""),  # everything goes up
        ("(exponent <= 0)", "(exponent < 0)"),  # a number below 2^-126
        (">= 255, MOST", ">= 254, MOST"),  # large too soon
        ("(32, 16, 8), (4, 2, 1)", "(32, 16), (4, 2, 1)"),  # is not normalized
    ],
)
def test_a_planted_bug_is_refuted(old: str, new: str, tmp_path: Path) -> None:
    wrong = broken(ToFloat, old, new)
    assert "Assert failed" in bounded(lambda m, free: is_nearest(wrong(1), m, free), tmp_path, LATENCY + 3)
