"""Superblocks of GGUF, as the reference library reads them."""

import gguf
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor.errors import BrokenFile, InputError, Unsupported
from sartor.formats.codec import codec

# Bytes of a superblock, and where its binary16 numbers start.
KINDS = {"q4_k": (gguf.GGMLQuantizationType.Q4_K, 144, (0, 2)), "q6_k": (gguf.GGMLQuantizationType.Q6_K, 210, (208,))}


def raw_superblocks(rng: np.random.Generator, name: str, n: int, groups: int) -> np.ndarray:
    """Any codes and scales; d and dmin of any finite binary16."""
    _, size, halves = KINDS[name]
    raw = rng.integers(0, 256, (n, groups, size), np.uint8)
    for at in halves:
        raw[..., at + 1] &= 0xBB  # no exponent of all ones
    return raw


@pytest.mark.parametrize("name", KINDS)
@given(seed=st.integers(0, 2**32), n=st.integers(1, 4), groups=st.integers(1, 3))
def test_random_superblocks_are_those_of_the_reference_library(name: str, seed: int, n: int, groups: int) -> None:
    raw = raw_superblocks(np.random.default_rng(seed), name, n, groups)
    expected = gguf.quants.dequantize(raw.reshape(n, -1), KINDS[name][0])
    assert np.array_equal(codec(name).unpack(raw.tobytes(), n, groups * 256).dequantized(), expected)


@pytest.mark.parametrize("name", KINDS)
def test_bits_and_what_is_refused(name: str) -> None:
    assert codec(name).bits_per_weight(512) == KINDS[name][1] * 8 / 256
    with pytest.raises(Unsupported, match=f"{name} is read from GGUF files, not written"):
        codec(name).encode(np.zeros((1, 256), np.float32))
    with pytest.raises(BrokenFile, match="100 bytes are not 1 x 256 weights"):
        codec(name).unpack(bytes(100), 1, 256)
    with pytest.raises(InputError, match="rows of 128 weights are not whole blocks of 256"):
        codec(name).unpack(bytes(72), 1, 128)
