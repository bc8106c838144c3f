"""binary32 of the contract against exact rational arithmetic."""

from fractions import Fraction

import numpy as np
from binary32 import canonical_numbers
from hypothesis import example, given

from sartor.families.tensor import float32

EDGES = (0, 0.5, 1, 1 + 2.0**-23, 2.0**125, 2.0**253 * (2 - 2.0**-23))  # of the least normal number
LEAST, MOST = Fraction(2) ** -126, Fraction(2 - Fraction(2) ** -23) * 2**127


def rounded(x: Fraction) -> Fraction:
    """docs/numerics.md, section 2: flush before rounding, 24 bits to nearest even, saturate."""
    if abs(x) < LEAST:
        return Fraction(0)
    exponent = 0
    while abs(x) >= Fraction(2) ** (exponent + 1):
        exponent += 1
    while abs(x) < Fraction(2) ** exponent:
        exponent -= 1
    unit = Fraction(2) ** (exponent - 23)
    return max(-MOST, min(MOST, round(x / unit) * unit))  # round() of a Fraction: half to even


def same(found: np.ndarray, expected: Fraction) -> None:
    assert found.dtype == np.float32 and Fraction(float(found)) == expected
    assert expected or not np.signbit(found)  # no -0


@given(canonical_numbers(), canonical_numbers())
def test_a_sum_is_rounded_once(a: np.float32, b: np.float32) -> None:
    same(float32.add(a, b), rounded(Fraction(float(a)) + Fraction(float(b))))


@given(canonical_numbers(), canonical_numbers())
@example(np.float32(2.0**-126), np.float32(1 - 2.0**-24))  # rounds up to 2^-126, but is below it
@example(np.float32(2.0**-63), np.float32(2.0**-63))  # 2^-126 itself
@example(np.float32(2.0**-100), np.float32(-(2.0**-100)))  # -0
def test_a_product_is_rounded_once(a: np.float32, b: np.float32) -> None:
    same(float32.multiply(a, b), rounded(Fraction(float(a)) * Fraction(float(b))))
