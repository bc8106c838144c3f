"""A code of the quantizer is the scaled number to the nearest integer, a half to even, at most 127: for all."""

from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Assert, Assume, Cat, Const, Module, Mux, Signal, signed
from prove import Free, bounded, broken, needs_solver

from sartor.families.tensor.rtl.quantizer import code

needs_solver()

SMALLEST = 26  # mantissa / 2^26 is below a half


def is_nearest(function: Any, m: Module, free: Free) -> None:
    """A mantissa M of 24 bits is M 2^(field - 150); the scale is 2^(exponent - 133): code = M / 2^shift with
    shift = 17 + exponent - field. From a shift of 16 on M / 2^shift is 128 or more."""
    number, exponent = free("number", 32), free("exponent", 8)
    field, fraction = number[23:31], number[:23]
    m.d.comb += Assume((field != 0) | (fraction == 0))  # no subnormal numbers: docs/numerics.md
    distance, shift = Signal(signed(10)), Signal(range(SMALLEST + 1))
    m.d.comb += [distance.eq(exponent - field), shift.eq(Mux(distance + 17 > SMALLEST, SMALLEST, distance + 17))]
    mantissa, quotient, rest = Signal(24), Signal(8), Signal(SMALLEST)
    half = Signal(SMALLEST)
    m.d.comb += [
        mantissa.eq(Cat(fraction, field != 0)), half.eq((Const(1, 1) << shift) >> 1),
        quotient.eq(mantissa >> shift), rest.eq(mantissa & ((Const(1, 1) << shift) - 1)),
    ]  # fmt: skip
    up = (rest > half) | ((rest == half) & quotient[0])
    size = Mux(distance < 0, 127, Mux(quotient + up > 127, 127, quotient + up))
    found = Signal(signed(8))
    m.d.comb += found.eq(function(m, number, exponent, "code"))
    m.d.comb += Assert(found == Mux(number[31], -size, size))


def test_codes_of_all_numbers(tmp_path: Path) -> None:
    assert not bounded(lambda m, free: is_nearest(code, m, free), tmp_path, 1)


@pytest.mark.parametrize(
    "old, new",
    [
        ("lost | kept[0] | x.fraction[: FRACTION_BITS + 1 - _KEPT].any()", "lost | kept[0]"),  # a tie that is none
        ("(distance < 0) | full[CODE_BITS - 1]", "full[CODE_BITS - 1]"),  # too large
        ("Mux(distance > _KEPT, _KEPT, distance)", "distance"),  # too small
        ("x.exponent != 0)", "1)"),  # zero
    ],
)
def test_a_planted_bug_is_refuted(old: str, new: str, tmp_path: Path) -> None:
    wrong = broken(code, old, new)
    assert "Assert failed" in bounded(lambda m, free: is_nearest(wrong, m, free), tmp_path, 1)
