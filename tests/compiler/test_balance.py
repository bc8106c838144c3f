"""Balanced keys: the network stays what it is, and a cache of 4 bits gets what it can hold."""

from dataclasses import replace

import numpy as np
import pytest
from tiny_network import decoded, tiny

from sartor.compiler.balance import Balance, balanced
from sartor.compiler.reference import Reference
from sartor.errors import BrokenFile
from sartor.families.tensor.core import Core
from sartor.families.tensor.network import Network

NET = tiny(heads=4, kv_heads=2, dim=128, head_dim=64)
TOKENS = [1, 5, 3, 33, 60, 2, 9, 17] * 3


def some(net: Network, seed: int = 0) -> Balance:
    rng, shape = np.random.default_rng(seed), (len(net.layers), net.kv_heads)
    powers = rng.integers(-2, 3, (*shape, net.head_dim // 2)).astype(np.int8)
    return Balance(powers, rng.normal(0, 1, (*shape, net.head_dim)).astype(np.float32))


def test_the_network_stays_what_it_is() -> None:
    # Codes too: of Q4_1's kind, and of values in a format of their own.
    for net in (NET, tiny(heads=4, kv_heads=2, minimum=True)):
        found = balanced(net, some(net))
        assert np.allclose(Reference(found).logits(TOKENS), Reference(net).logits(TOKENS), atol=1e-4)
        assert all(np.array_equal(a.qkv.codes, b.qkv.codes) for a, b in zip(found.layers, net.layers, strict=True))
    values = NET.layers[0].qkv.rows(slice(384, None))
    assert np.array_equal(balanced(NET, some(NET)).layers[0].qkv.rows(slice(384, None)).scale, values.scale)


def test_what_the_cache_meets_by_hand() -> None:
    """A pair 4 times as large and an offset of 3 behind it: keys of 2^2 (1 + 3) are stored as 1, queries grow by 4."""
    how = Balance(np.full((1, 1, 1), 2, np.int8), np.full((1, 1, 2), 3, np.float32))
    q, k = how.applied(0, np.full((1, 2, 2), 0.5, np.float32), np.full((1, 1, 2), 16, np.float32))
    assert np.array_equal(k, np.full((1, 1, 2), 1)) and np.array_equal(q, np.full((1, 2, 2), 2))


def test_keys_with_an_offset_and_a_loud_pair_are_heard_again() -> None:
    """By hand: pair 0 of all keys 16 times as large, and its queries 16 times smaller."""
    loud, nothing = np.zeros((2, 2, 32), np.int8), np.zeros((2, 2, 64), np.float32)
    plain = balanced(NET, Balance(loud, nothing))
    loud[:, :, 0] = -4
    spoiled = balanced(NET, Balance(loud, nothing))
    mended = balanced(spoiled, Balance(-loud, nothing))
    core, exact = Core(lanes=64, cache_bits=4, scratch_groups=8192), Reference(NET).logits(TOKENS)
    off = [np.abs(decoded(core, net, TOKENS) - exact).mean() for net in (spoiled, mended, plain)]
    assert off[1] == off[2] < 0.8 * off[0]
    # An offset is nothing to a softmax, but leaves no room for what the keys say.
    far = [replace(x, key_offset=np.full(128, c, np.float32)) for x, c in zip(NET.layers, (20, -20), strict=True)]
    assert np.abs(decoded(core, replace(NET, layers=tuple(far)), TOKENS) - exact).mean() > 1.5 * off[2]
    little = [replace(x, key_offset=np.full(128, 0.01, np.float32)) for x in NET.layers]
    assert np.abs(decoded(core, replace(NET, layers=tuple(little)), TOKENS) - exact).mean() < 1.2 * off[2]


def test_a_cache_of_eight_bits_takes_nothing_off() -> None:
    far = replace(NET, layers=tuple(replace(x, key_offset=np.full(128, 20, np.float32)) for x in NET.layers))
    core = Core(lanes=64, scratch_groups=8192)
    assert np.array_equal(decoded(core, far, TOKENS[:6]), decoded(core, NET, TOKENS[:6]))


def test_a_balance_of_another_model_is_refused() -> None:
    with pytest.raises(BrokenFile, match=r"tiny: keys are balanced for \(2, 1, 32\), not \(2, 2, 64\)"):
        balanced(NET, some(tiny()))
