"""KV cache in KIVI form and by token."""

import numpy as np
import pytest

from sartor.formats.codec import codec
from sartor.formats.kv import round_trip_keys, round_trip_values


def cache(tokens: int = 100, heads: int = 3, dim: int = 64) -> np.ndarray:
    """Channels of different size and place, as keys have them."""
    rng = np.random.default_rng(0)
    size, place = rng.uniform(0.1, 10, (1, heads, dim)), rng.normal(size=(1, heads, dim)) * 20
    return (rng.normal(size=(tokens, heads, dim)) * size + place).astype(np.float32)


def by_hand(group: np.ndarray, bits: int) -> np.ndarray:
    """Numbers that share a scale, one by one."""
    steps = np.float32(2**bits - 1)
    d, m = np.float16((group.max() - group.min()) / steps), np.float16(group.min())
    q = np.clip(np.rint((group - np.float32(m)) / np.float32(d)), 0, steps)
    return q * np.float32(d) + np.float32(m)


@pytest.mark.parametrize(("name", "bits"), [("int4", 4), ("int3", 3), ("int2", 2)])
def test_keys_by_channel_and_values_by_token(name: str, bits: int) -> None:
    x = cache()
    keys, values = round_trip_keys(x, name), round_trip_values(x, name)
    assert np.array_equal(keys[32:64, 1, 5], by_hand(x[32:64, 1, 5], bits))
    assert np.array_equal(values[70, 2], by_hand(x[70, 2], bits))
    # 100 tokens are three groups of 32 and 4 that wait in binary16.
    assert np.array_equal(keys[96:], x[96:].astype(np.float16))
    assert not np.array_equal(keys[64:96], x[64:96].astype(np.float16))


def test_the_newest_tokens_are_in_binary16() -> None:
    x = cache()
    half = x.astype(np.float16).astype(np.float32)
    for name in ("int4", "fp8-e4m3", "mxfp4"):
        keys, values = round_trip_keys(x, name, residual=20), round_trip_values(x, name, residual=20)
        assert np.array_equal(keys[80:], half[80:]) and np.array_equal(values[80:], half[80:])
        assert not np.array_equal(values[60:80], half[60:80])
    assert np.array_equal(round_trip_keys(x, "int4", residual=5)[64:], half[64:])  # 95 are two groups of 32
    assert np.array_equal(round_trip_keys(x, "int4", residual=200), half)


@pytest.mark.parametrize("name", ["fp8-e4m3", "int8-g32", "mxint8"])
def test_other_formats_by_token_and_head(name: str) -> None:
    x = cache()
    assert np.array_equal(round_trip_keys(x, name)[7, 1], codec(name).round_trip(x[7, 1][None])[0])


def test_by_channel_is_what_makes_four_bits_bearable() -> None:
    """Source: KIVI, arXiv 2402.02750: outlier channels of keys make a scale by token coarse."""
    x = cache()
    by_channel = np.square(round_trip_keys(x, "int4") - x).mean()
    assert by_channel < np.square(round_trip_values(x, "int4") - x).mean() / 10
    assert np.square(round_trip_keys(x, "int8") - x).mean() < by_channel / 100
