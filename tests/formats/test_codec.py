"""What holds of all formats: packing, rows in parts, bits, errors that name the weight."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sartor.errors import InputError, UnknownName
from sartor.formats.codec import codec
from sartor.formats.floats import Floats
from sartor.formats.spec import format_named, formats

READ_ONLY = {"kquants", "pair"}
WRITTEN = [name for name, form in formats().items() if form.codec not in READ_ONLY]
SCALED = [name for name in WRITTEN if formats()[name].codec != "plain"]
SPARSE = ["int4-g32-2:4", "nvfp4-2:4", "fp16-2:4", "int8-2:4", "bcq2-g64-2:4"]
names = st.sampled_from(WRITTEN + SPARSE)


def weights(seed: int, n: int, k: int, size: float = 0.05) -> np.ndarray:
    rng = np.random.default_rng(seed)
    w = (rng.standard_t(4, (n, k)) * size).astype(np.float32)
    w[rng.random((n, k)) < 0.02] = 0
    return w


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32), name=names, n=st.sampled_from([1, 3, 130]), k=st.sampled_from([128, 192, 576]))
def test_packed_bytes_come_back_and_take_the_bits_of_the_format(seed: int, name: str, n: int, k: int) -> None:
    encoded = codec(name).encode(weights(seed, n, k))
    raw = encoded.packed().tobytes()
    again = codec(name).unpack(raw, n, k)
    assert again.parts.keys() == encoded.parts.keys()
    for part, stored in encoded.parts.items():
        assert again.parts[part].dtype == stored.dtype and np.array_equal(again.parts[part], stored), part
    assert np.array_equal(again.dequantized(), encoded.dequantized())
    assert np.array_equal(codec(name).round_trip(weights(seed, n, k)), encoded.dequantized())
    # What the tensor shares and the bytes that are filled up, a short last group, blocks of rows that are not full.
    more = 8 * (8 + len(encoded.parts)) + n * format_named(name).scale_bits * 2 + n * 16 + 32 * -(-k // 128)
    assert 0 <= len(raw) * 8 - codec(name).bits_per_weight(k) * n * k + 1e-6 <= more


@pytest.mark.parametrize("name", ["int4-g64-asym", "mxfp4", "nvfp4", "fp8-e4m3-b128", "ternary", "bcq2-g64", "nf4"])
def test_rows_are_taken_in_parts_that_do_not_show(name: str) -> None:
    """640 x 576 weights are more than one part; the last rows are what they would be as the first."""
    w = weights(1, 640, 576)
    encoded = codec(name).encode(w)
    alone = codec(name).encode(np.concatenate([w[512:], w[:512]]))
    assert np.array_equal(encoded.codes[512:], alone.codes[:128])


@pytest.mark.parametrize("name", ["int4-g64-asym", "mxfp4", "nvfp4", "q4_1"])
def test_real_numbers_of_all_kinds(name: str) -> None:
    w = (weights(2, 4, 64).view(np.uint32) >> 16).astype(np.uint16)
    stored = Floats("BF16", w)
    assert np.array_equal(codec(name).round_trip(stored), codec(name).round_trip(stored.dequantized()))


@pytest.mark.parametrize("name", SCALED)
def test_zeros_stay_zeros(name: str) -> None:
    assert not codec(name).round_trip(np.zeros((2, 128), np.float32)).any()


@pytest.mark.parametrize("name", WRITTEN + SPARSE)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused(name: str, bad: float) -> None:
    w = weights(3, 3, 128)
    w[2, 40] = bad
    with pytest.raises(InputError, match=rf"the weight {bad:g} at \[2, 40\] is not a number that can be stored"):
        codec(name).encode(w)


@pytest.mark.parametrize("name", ["fp16", "int8", "int4-g32", "q4_1", "nf4", "fp8-e5m2"])
def test_a_scale_that_overflows_is_refused(name: str) -> None:
    w = weights(4, 3, 128)
    w[1, 70] = -1e10
    with pytest.raises(InputError, match=r"wq: the weight -1e\+10 at \[1, 70\] "):
        codec(name).encode(w, "wq")


@pytest.mark.parametrize(("name", "k", "block"), [("int4-g128", 100, 32), ("nvfp4", 40, 16), ("mxfp4", 72, 32)])
def test_rows_that_are_not_whole_blocks_are_refused(name: str, k: int, block: int) -> None:
    with pytest.raises(InputError, match=f"rows of {k} weights are not whole blocks of {block}, as {name} asks for"):
        codec(name).encode(np.zeros((1, k), np.float32))
    with pytest.raises(InputError, match="rows of 6 weights are not whole fours"):
        codec("int8-2:4").encode(np.zeros((1, 6), np.float32))


def test_a_name_that_is_not_known() -> None:
    with pytest.raises(UnknownName, match="unknown number format 'int4-g33': did you mean 'int4-g32'"):
        codec("int4-g33")
