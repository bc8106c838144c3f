"""Exact against the libraries that others trust: ml_dtypes, gguf and compressed-tensors."""

import gguf
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor.formats.codec import codec
from sartor.formats.element import E2M1, E2M3, E3M2, E4M3, E5M2
from sartor.formats.mx import power

VECTORS = 10**6  # of 32
DTYPES = {
    E4M3: ml_dtypes.float8_e4m3fn, E5M2: ml_dtypes.float8_e5m2, E3M2: ml_dtypes.float6_e3m2fn,
    E2M3: ml_dtypes.float6_e2m3fn, E2M1: ml_dtypes.float4_e2m1fn,
}  # fmt: skip
BLOCKS = {"q4_0": "Q4_0", "q4_1": "Q4_1", "q5_0": "Q5_0", "q8_0": "Q8_0", "mxfp4": "MXFP4"}


def any_bits(seed: int, n: int) -> np.ndarray:
    """Finite float32 of all exponents, and of those that matter here."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 2**32, n, np.uint32).view(np.float32)
    x[n // 2 :] = rng.normal(size=n - n // 2) * 2.0 ** rng.integers(-20, 20, n - n // 2)
    return x[np.isfinite(x)]


@pytest.mark.parametrize("small", DTYPES)
def test_every_code_is_the_number_that_ml_dtypes_says(small) -> None:
    codes = np.arange(2**small.bits, dtype=np.uint8)
    assert np.array_equal(small.numbers(codes), codes.view(DTYPES[small]).astype(np.float32), equal_nan=True)


def check_numbers(small, x: np.ndarray) -> None:
    """To nearest even; what is beyond the largest is the largest, where ml_dtypes may have NaN or infinity."""
    cut = np.clip(x, -small.largest, small.largest)
    assert np.array_equal(small.nearest(x), cut.astype(DTYPES[small]).view(np.uint8))


@pytest.mark.parametrize("small", DTYPES)
@given(seed=st.integers(0, 2**32))
def test_numbers_round_as_in_ml_dtypes(small, seed: int) -> None:
    check_numbers(small, any_bits(seed, 1000))


@pytest.mark.parametrize("small", DTYPES)
def test_halfway_numbers_and_their_neighbors(small) -> None:
    numbers = np.unique(small.table[np.isfinite(small.table)])
    middles = (numbers[1:] + numbers[:-1]) / np.float32(2)
    for x in (numbers, middles, np.nextafter(middles, np.float32(9e9)), np.nextafter(middles, np.float32(-9e9))):
        check_numbers(small, x)
    with np.errstate(over="ignore"):
        every = np.arange(0, 2**32, 9973, dtype=np.uint32).view(np.float32)
    check_numbers(small, every[np.isfinite(every)])


def test_scales_of_mx_are_those_of_ml_dtypes() -> None:
    codes = np.arange(256, dtype=np.uint8)
    assert np.array_equal(power(codes), codes.view(ml_dtypes.float8_e8m0fnu).astype(np.float32), equal_nan=True)


@pytest.mark.parametrize("kind", [np.float16, ml_dtypes.bfloat16])
def test_halves_round_as_their_libraries_do(kind) -> None:
    x = any_bits(5, 100_000)
    x = x[np.abs(x) < (65504 if kind is np.float16 else 3.38e38)][None]
    name = "fp16" if kind is np.float16 else "bf16"
    assert np.array_equal(codec(name).encode(x).codes, x.astype(kind).view(np.uint16))


def vectors(seed: int, n: int) -> np.ndarray:
    """[n, 32]: normal, with zeros, equal extremes and rows of one value."""
    rng = np.random.default_rng(seed)
    w = (rng.normal(size=(n, 32)) * 2.0 ** rng.integers(-8, 4, (n, 1))).astype(np.float32)
    w[rng.random((n, 32)) < 0.01] = 0
    w[::97, 3] = -w[::97, 7]
    w[::1009] = w[::1009, :1]
    w[::5003] = 0
    return w


def check_bytes(name: str, w: np.ndarray) -> None:
    raw = gguf.quants.quantize(w, gguf.GGMLQuantizationType[BLOCKS[name]])
    encoded = codec(name).encode(w)
    back = gguf.quants.dequantize(raw, gguf.GGMLQuantizationType[BLOCKS[name]])
    if name == "mxfp4":  # gguf takes the smaller of two equally near, the standard the even one
        scale = np.abs(encoded.dequantized() - w) == np.abs(back - w)
        assert np.array_equal(encoded.parts["scale"], raw[:, :1]) and scale.all()
        return
    assert np.array_equal(encoded.packed().reshape(len(w), -1), raw)
    assert np.array_equal(encoded.dequantized(), back)
    assert np.array_equal(codec(name).unpack(raw.reshape(-1), len(w), 32).codes, encoded.codes)


@pytest.mark.parametrize("name", BLOCKS)
def test_blocks_are_those_of_gguf_to_the_byte(name: str) -> None:
    check_bytes(name, vectors(0, 20_000))


@pytest.mark.slow
@pytest.mark.parametrize("name", BLOCKS)
def test_a_million_blocks_are_those_of_gguf(name: str) -> None:
    for seed in range(10):
        check_bytes(name, vectors(seed, VECTORS // 10))


@pytest.mark.slow
@pytest.mark.parametrize("small", DTYPES)
def test_a_million_vectors_round_as_in_ml_dtypes(small) -> None:
    for seed in range(32):
        check_numbers(small, any_bits(seed, VECTORS))
