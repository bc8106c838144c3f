"""Activations and cache as the chip has them: the golden model's own functions are the oracle."""

import numpy as np
import pytest

from sartor.errors import InputError
from sartor.families.tensor import cache_numerics, numerics
from sartor.quality import rounding


def numbers(*shape: int) -> np.ndarray:
    rng = np.random.default_rng(3)
    x = rng.normal(size=shape) * 10.0 ** rng.integers(-12, 6, shape)
    x[rng.random(shape) < 0.05] = 0
    x[0] = 0
    return x.astype(np.float32)


def stood_for(codes: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    return np.ldexp(codes.astype(np.float32), exponent[..., None] - numerics.EXPONENT_BIAS)


def test_activations_are_those_of_the_numeric_contract() -> None:
    x = numbers(50, 96)
    expected = stood_for(*numerics.quantize_groups(x)).reshape(x.shape)
    assert np.array_equal(rounding.chip_groups(x), expected)


def test_keys_are_those_of_the_numeric_contract() -> None:
    x = numbers(20, 3, 64)
    codes, scale = cache_numerics.quantize_keys(x.reshape(60, 64))
    expected = (codes * cache_numerics.scale_value(scale)[..., None]).reshape(x.shape)
    assert np.array_equal(rounding.chip_keys(x), expected)


def test_values_are_those_of_the_numeric_contract() -> None:
    x = numbers(20, 3, 64)
    codes, expected = cache_numerics.quantize_values(x.reshape(60, 64), np.abs(x).max(-1).reshape(60))
    found, scale = rounding.chip_values(x)
    assert np.array_equal(found.reshape(60, 64), codes)
    assert np.array_equal(scale.reshape(60), cache_numerics.scale_value(expected))


def test_each_token_is_rounded_by_itself() -> None:
    x = numbers(6, 2, 64)
    rounded = rounding.activations("int8")
    assert np.array_equal(rounded(x)[3:4], rounded(x[3:4])) and not np.array_equal(rounded(x), x)
    assert rounding.activations("none") is None and rounding.cache("chip") is None


def test_rows_that_are_not_whole_groups_are_refused() -> None:
    with pytest.raises(InputError, match="rows of 40 numbers are not whole groups of 32"):
        rounding.chip_groups(np.zeros((1, 40), np.float32))


@pytest.mark.parametrize("bits", [4, 8])
def test_a_cache_of_fewer_bits_is_that_of_the_numeric_contract(bits: int) -> None:
    x = numbers(20, 3, 64)
    codes, scale = cache_numerics.quantize_keys(x.reshape(60, 64), bits)
    expected = (codes * cache_numerics.scale_value(scale)[..., None]).reshape(x.shape)
    assert np.array_equal(rounding.chip_keys(x, bits), expected)
    codes, expected = cache_numerics.quantize_values(x.reshape(60, 64), numerics.marked(x).max(-1).reshape(60), bits)
    found, scale = rounding.chip_values(x, bits)
    assert np.array_equal(found.reshape(60, 64), codes) and np.abs(codes.astype(int)).max() == {4: 8, 8: 127}[bits]
    assert np.array_equal(scale.reshape(60), cache_numerics.scale_value(expected))
