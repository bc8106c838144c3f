"""Every type of GGUF that is read, as the reference library reads it."""

import gguf
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sartor.errors import BrokenFile, Unsupported
from sartor.formats.codec import Encoded
from sartor.formats.gguf_types import read

# Weights and bytes of a block, and where its binary16 numbers start.
KINDS = {
    "F32": (32, 128, ()), "F16": (32, 64, range(0, 64, 2)), "BF16": (32, 64, ()),
    "Q4_0": (32, 18, (0,)), "Q4_1": (32, 20, (0, 2)), "Q5_0": (32, 22, (0,)), "Q8_0": (32, 34, (0,)),
    "Q4_K": (256, 144, (0, 2)), "Q6_K": (256, 210, (208,)), "MXFP4": (32, 17, ()), "NVFP4": (64, 36, ()),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)
@given(seed=st.integers(0, 2**32), n=st.integers(1, 4), blocks=st.integers(1, 3))
def test_random_bytes_are_what_the_reference_library_says(kind: str, seed: int, n: int, blocks: int) -> None:
    size, stored, halves = KINDS[kind]
    raw = np.random.default_rng(seed).integers(0, 256, (n, blocks, stored), np.uint8)
    for at in halves:
        raw[..., at + 1] &= 0xBB
    if kind in ("F32", "BF16"):
        raw = np.random.default_rng(seed).normal(size=(n, blocks, stored // 4)).astype(np.float32).view(np.uint8)
    if kind == "MXFP4":
        raw[..., 0] = raw[..., 0] % 252  # 2^125 times 12 is finite
    if kind == "NVFP4":
        raw[..., :4] &= 0x7F
    found = read(kind, raw.reshape(-1), n, blocks * size)
    with np.errstate(all="ignore"):
        expected = gguf.quants.dequantize(raw.reshape(n, -1), gguf.GGMLQuantizationType[kind])
    assert np.array_equal(found.dequantized(), expected, equal_nan=True)
    assert isinstance(found, Encoded) == (kind not in ("F32", "F16", "BF16"))


def test_what_is_refused() -> None:
    with pytest.raises(Unsupported, match=r"weights of type IQ2_XS are not read \(known: F32, "):
        read("IQ2_XS", np.zeros(74, np.uint8), 1, 256)
    for kind, (size, stored, _) in KINDS.items():
        with pytest.raises(BrokenFile, match=f"{stored - 1} bytes are not "):
            read(kind, np.zeros(stored - 1, np.uint8), 1, size)
