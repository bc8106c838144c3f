"""binary32 of the contract against exact rational arithmetic."""

from fractions import Fraction

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from sartor.families.tensor import float32

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


def canonical_numbers() -> st.SearchStrategy[np.float32]:
    """Signs, all exponents of normal numbers, all fractions; and zero."""

    def number(sign: int, field: int, fraction: int) -> np.float32:
        return np.uint32(sign << 31 | field << 23 | fraction).view(np.float32)

    edges = st.sampled_from([0, 1, 2**22, 2**23 - 1]) | st.integers(0, 2**23 - 1)
    normal = st.builds(number, st.integers(0, 1), st.integers(1, 254), edges)
    return st.just(np.float32(0)) | normal


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


@given(st.integers(-(2**39), 2**39 - 1), st.integers(-300, 200))
@example(2**25 + 1, -151)  # below 2^-126 only before rounding
@example(2**24 * 3 + 1, 0)
def test_an_accumulator_is_rounded_once(value: int, exponent: int) -> None:
    same(float32.from_fixed(value, exponent), rounded(value * Fraction(2) ** exponent))


def test_arrays_are_element_by_element() -> None:
    rng = np.random.default_rng(0)
    a, b = (float32.canonical(float32.from_bits(rng.integers(0, 0x7F7FFFFF, 4096))) for _ in range(2))
    # Some products are tiny, so that the slow path of multiply is taken for an array with all kinds of elements.
    b = np.where(np.arange(4096) % 3 == 0, np.float32(2.0**-126) / np.maximum(a, 2.0**-60), b).astype(
        np.float32
    )
    b = float32.canonical(b)
    for call in (float32.add, float32.multiply):
        whole = call(a, b)
        single = [call(x, y) for x, y in zip(a, b, strict=True)]
        assert np.array_equal(float32.bits(whole), float32.bits(np.array(single)))


def test_what_is_not_canonical_becomes_so() -> None:
    # The least normal number is 2^-126 = 1.18e-38; infinities become the largest finite number.
    x = np.float32([-0.0, 1e-40, -1e-40, np.inf, -np.inf, 1.5])
    assert float32.canonical(x).tolist() == [0, 0, 0, float(float32.MOST), -float(float32.MOST), 1.5]
    assert not np.signbit(float32.canonical(x)[:3]).any()
