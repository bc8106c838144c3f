"""A code of the quantizer is the scaled number to the nearest integer, a half to even, within its range: for all."""

import sys
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Assert, Assume, Cat, Const, Module, Mux, Signal, signed
from prove import Free, bounded, broken, needs_solver

from sartor.families.tensor.rtl.quantizer import Short, code, limits

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


def is_nearest_short(function: Any, m: Module, free: Free) -> None:
    """Of a scale +-S = +-(4 + quarter) 2^(exponent - 134), and a number X = M 2^(field - 150): the code +-q is right
    where (2 q - 1) S <= 2 X <= (2 q + 1) S, for what lies on a border where it is even; 7 and -8 have no border beyond.
    In units of 2^(field - 150), halved where the shift is odd: 2 X = 2 M, S = (4 + quarter) 2^shift."""
    number, exponent, quarter, negative = (free(*each) for each in (("number", 32), ("exponent", 8), ("quarter", 2),
                                                                    ("negative", 1)))  # fmt: skip
    field, fraction = number[23:31], number[:23]
    m.d.comb += Assume((field != 0) | (fraction == 0))
    shift, twice = Signal(signed(10)), Signal(25)
    # 2^(exponent - 134) is 2^shift; from a shift of 24 on every code is 0, below 8 all but zero are the most.
    m.d.comb += [shift.eq(exponent - field + 16), twice.eq(Cat(Const(0, 1), fraction, field != 0))]
    scale, q = Signal(28), Signal(8)
    least = Mux(shift > 25, 25, Mux(shift < 0, 0, shift))
    m.d.comb += scale.eq((4 + quarter) << least[:5])
    found = Signal(signed(8))
    of = Short(Const(1, 1), limits(m, quarter), negative)
    below_zero = number[31] ^ negative
    m.d.comb += [found.eq(function(m, number, exponent, "code", of)), q.eq(Mux(below_zero, -found, found))]
    low, high = Signal(36), Signal(36)
    m.d.comb += [low.eq((2 * q - 1) * scale), high.eq((2 * q + 1) * scale)]
    at_low, at_high, most = twice == low, twice == high, Mux(below_zero, 8, 7)
    below, above = (q == 0) | (low < twice) | at_low & ~q[0], (q == most) | (twice < high) | at_high & ~q[0]
    m.d.comb += [Assert(q <= most), Assert(below), Assert(above)]


def test_codes_of_four_bits_of_all_numbers_and_scales(tmp_path: Path) -> None:
    assert not bounded(lambda m, free: is_nearest_short(code, m, free), tmp_path, 1)


@pytest.mark.parametrize(
    "old, new",
    [
        ("near >= limit if k % 2", "near > limit if k % 2"),  # a tie to odd
        ("near + more > limit", "near > limit"),  # a number just above a limit
        ("over | kept[size:].any()", "kept[size:].any()"),
        ("p[2] & ~p[3] | p[4]", "p[2] | p[4]"),
        ("passed[-1] & flip", "passed[-1]"),  # 8, which no code above zero is
    ],
)
def test_a_planted_bug_in_codes_of_four_bits_is_refuted(
    old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = broken(Short, old, new)
    monkeypatch.setattr(sys.modules[__name__], "Short", wrong)
    assert "Assert failed" in bounded(lambda m, free: is_nearest_short(code, m, free), tmp_path, 1)
