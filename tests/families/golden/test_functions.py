"""exp2, reciprocal and reciprocal square root: how far they are off, and where they end."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor.families.tensor import float32, functions

# docs/numerics.md, section 4.
BOUND = {"exp2": 1.6e-5, "reciprocal": 7.5e-5, "rsqrt": 3.1e-5}


def test_the_errors_are_those_of_the_contract() -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(-100, 100, 200_000).astype(np.float32)
    error = functions.exp2(x) / np.exp2(x.astype(np.float64)) - 1
    # A coarse table would have an error of (1 / 64)^2 / 8 ln^2 2 = 1.5e-5 alone: the bound is tight.
    assert BOUND["exp2"] / 1.2 < np.abs(error).max() < BOUND["exp2"]
    x = (rng.integers(0, 2**24, 200_000) + (0x3F800000)).astype(np.uint32).view(np.float32)  # 1 to 4
    wide = x.astype(np.float64)
    for found, exact, bound in (
        (functions.reciprocal(x), 1 / wide, BOUND["reciprocal"]),
        (functions.rsqrt(x), 1 / np.sqrt(wide), BOUND["rsqrt"]),
    ):
        assert bound / 1.2 < np.abs(found / exact - 1).max() < bound


@given(st.floats(2.0**-120, 2.0**120, width=32))
def test_they_scale_with_powers_of_two(x: float) -> None:
    """The table sees fractions only: an exponent goes through exactly."""
    value = np.float32(x)
    assert functions.reciprocal(value * 4) == functions.reciprocal(value) / 4
    assert functions.rsqrt(value * 4) == functions.rsqrt(value) / 2
    assert functions.reciprocal(-value) == -functions.reciprocal(value)


@given(st.integers(-120, 120), st.integers(0, 2**16 - 1))
def test_exp2_scales_with_its_whole_part(whole: int, fraction: int) -> None:
    part = np.float32(fraction / 2**16)
    if float(np.float32(whole + float(part))) == whole + float(part):
        assert functions.exp2(np.float32(whole + float(part))) == functions.exp2(part) * 2.0**whole


@pytest.mark.parametrize(
    ("call", "x", "expected"),
    [
        (functions.exp2, 0.0, 1.0), (functions.exp2, 1.0, 2.0), (functions.exp2, -126.0, 2.0**-126),
        (functions.exp2, -126.01, 0.0), (functions.exp2, -float(float32.MOST), 0.0),
        (functions.exp2, 128.0, float(float32.MOST)), (functions.exp2, float(float32.MOST), float(float32.MOST)),
        (functions.reciprocal, 0.0, float(float32.MOST)),
        (functions.rsqrt, 0.0, float(float32.MOST)), (functions.rsqrt, -1.0, float(float32.MOST)),
        # T of 1 / 1 is at most 2^18 - 1: (2 - 2^-18) / 2.
        (functions.reciprocal, 1.0, 1 - 2.0**-19), (functions.rsqrt, 4.0, 0.5 - 2.0**-20),
        # 1 / 2^127 would be below the least normal number.
        (functions.reciprocal, 2.0**127, 0.0),
    ],
)  # fmt: skip
def test_ends_by_hand(call, x: float, expected: float) -> None:
    assert call(np.float32(x)).item() == expected


def test_they_are_monotone() -> None:
    x = np.linspace(1, 4, 300_001).astype(np.float32)
    assert (np.diff(functions.reciprocal(x)) <= 0).all() and (np.diff(functions.rsqrt(x)) <= 0).all()
    assert (np.diff(functions.exp2(x - 2)) >= 0).all()
