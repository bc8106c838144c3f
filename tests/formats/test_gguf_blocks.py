"""Blocks of GGUF, unpacked as the reference library does."""

import gguf
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor.errors import Unsupported
from sartor.formats.gguf_blocks import unpack

BYTES = {"Q4_0": 18, "Q4_1": 20, "Q8_0": 34}


def raw_blocks(rng: np.random.Generator, kind: str, n: int, k: int) -> np.ndarray:
    """Any codes; scales and minima of any finite binary16."""
    raw = rng.integers(0, 256, (n, k // 32, BYTES[kind]), np.uint8)
    halves = 2 if kind == "Q4_1" else 1
    sizes = rng.integers(0, 0x7C00, (n, k // 32, halves)) | rng.integers(0, 2, (n, k // 32, halves)) << 15
    raw[..., : 2 * halves] = sizes.astype("<u2").view(np.uint8)
    return raw.reshape(-1)


@pytest.mark.parametrize("kind", BYTES)
@given(seed=st.integers(0, 2**32), n=st.integers(1, 5), groups=st.integers(1, 5))
def test_random_blocks_are_those_of_the_reference_library(kind: str, seed: int, n: int, groups: int) -> None:
    raw = raw_blocks(np.random.default_rng(seed), kind, n, groups * 32)
    number = gguf.GGMLQuantizationType[kind]
    expected = gguf.quants.dequantize(raw.reshape(n, -1), number)
    found = unpack(kind, raw, n, groups * 32)
    assert found.n == n and found.k == groups * 32
    assert np.array_equal(found.dequantized(), expected)


@pytest.mark.parametrize("kind", BYTES)
def test_a_quantized_matrix_comes_back(kind: str) -> None:
    w = np.random.default_rng(0).normal(size=(6, 96)).astype(np.float32)
    raw = gguf.quants.quantize(w, gguf.GGMLQuantizationType[kind])
    error = np.abs(unpack(kind, raw.reshape(-1), 6, 96).dequantized() - w).max()
    # Half a step of 2 max / 15, or of 2 max / 255; Q4_0 reaches only 7 of 8 steps on one side.
    assert error < np.abs(w).max() / (100 if kind == "Q8_0" else 7)


def test_codes_by_hand() -> None:
    # d = 0.5, m = -1; byte 0 is 0xA3: code 0 is 3, code 16 is 10. 0.5 3 - 1 = 0.5, 0.5 10 - 1 = 4.
    raw = np.zeros(20, np.uint8)
    raw[:4] = np.float16([0.5, -1]).view(np.uint8)
    raw[4] = 0xA3
    assert unpack("Q4_1", raw, 1, 32).dequantized()[0, [0, 1, 16]].tolist() == [0.5, -1.0, 4.0]


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(Unsupported) as error:
        unpack("Q6_K", np.zeros(210, np.uint8), 1, 256)
    assert str(error.value) == "weights of type Q6_K have no decoder in hardware (try Q4_0, Q4_1 or Q8_0)"
