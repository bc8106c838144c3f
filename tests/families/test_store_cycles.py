"""Writes of a token's keys and values, and jumps among them: the formulas against the layout of the cache."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pytest import approx

from sartor.families.tensor import cache_layout
from sartor.families.tensor.core import GROUP, Core
from sartor.families.tensor.cycles_store import HELD, Stores, stores
from sartor.families.tensor.rtl.cache_address import bytes_of_word, key_bytes
from sartor.workload.operators import Attention

HEAD = 64
OP = Attention("attention", heads=1, kv_heads=1, key_dim=HEAD, value_dim=HEAD, count=1, cached=2 * HEAD)
CORES = [
    Core(rows=rows, lanes=lanes, multiplier_bits=bits, port_bytes=port, cache_bits=cache, wide_keys=wide)
    for rows in (2, 8, 32) for lanes in (32, 64) for bits in (4, 8) for port in (32, 64, 128)
    for cache, wide in ((4, False), (4, True), (8, False))
]  # fmt: skip


def counted(core: Core, word: float, jump: float) -> Stores:
    """On a memory whose words and jumps take so many cycles."""
    designs = SimpleNamespace(rows=core.rows, lanes=core.lanes, vector_lanes=8)
    machine: Any = SimpleNamespace(
        designs=designs, multiplier_bits=np.float64(core.multiplier_bits), port_bytes=np.float64(core.port_bytes),
        dot_units=core.dot_units, word_cycles=word, jump_cycles=jump, dtype=np.float64,
        keys=SimpleNamespace(element_bits=np.float64(core.key_bits)),
        values=SimpleNamespace(element_bits=np.float64(core.cache_bits)),
    )  # fmt: skip
    return stores(machine, OP)


def jumps(words: list[int]) -> int:
    return sum(b != a + 1 for a, b in zip([-2, *words], words, strict=False))


def key_words(core: Core, token: int) -> list[int]:
    """Of each group its scale, then its codes, whole or in halves."""
    codes, exponents = np.zeros((HEAD // GROUP, GROUP), np.int8), np.full(HEAD // GROUP, 500)
    at, _ = cache_layout.key_writes(core, 0, token, codes, exponents)
    size = HEAD * core.key_bits // 8
    codes_at, scales_at = at[:size].reshape(HEAD // GROUP, -1), at[size::2]
    found = [[scale, *group[:: key_bytes(core)]] for scale, group in zip(scales_at, codes_at, strict=True)]
    return [int(byte) // core.port_bytes for group in found for byte in group]


def value_words(core: Core, token: int) -> list[int]:
    """The scale, then the codes of so many rows a word; row tiles lie far apart."""
    at, _ = cache_layout.value_writes(core, 0, 1000, 10**6, token, np.zeros(HEAD, np.int8), np.int64(500))
    size = HEAD * core.cache_bits // 8
    found = [at[size], *at[: size : bytes_of_word(core)]]
    return [int(byte) // core.port_bytes for byte in found]


@pytest.mark.parametrize("core", CORES, ids=str)
def test_writes_and_jumps_are_those_of_the_layout(core: Core) -> None:
    writes, jumped = counted(core, 1.0, 0.0), counted(core, 0.0, 1.0)
    for token in (26, 42, 58):  # in the middle of a packet, whose last scales lie before its first codes
        keys, values = key_words(core, token), value_words(core, token)
        assert writes.keys.written == len(keys) and writes.values.written == len(values)
        assert jumped.keys.written == jumps(keys) and jumped.values.written == jumps(values)
        assert writes.keys.held == writes.values.held == HELD
        assert jumped.keys.held == jumps(keys) - jumps(keys[:-HELD])
        assert len(values) <= HELD or jumped.values.held == jumps(values) - jumps(values[:-HELD])


def test_a_pass_takes_what_is_longer() -> None:
    core = Core(rows=4, lanes=32, multiplier_bits=4, port_bytes=64)
    free, slow = counted(core, 0.0, 0.0), counted(core, 1.6, 15.4)
    # Keys: 11 cycles, 4 words of 8 lanes, and twice 4 words, a scale and two halves, 1: 31. Values: 16 words of a row
    # tile each, and a scale.
    assert free.keys.cycles(1, 0) == approx(11 + 4 + 2 * 8)
    assert free.values.cycles(1, 0) == approx(11 + 4 + 2 * 5 + 17)
    # The first write 23 cycles after the start; of 17 the first 13 are taken when the pass ends.
    assert slow.first == approx(23)
    assert slow.values.cycles(1, slow.first) == approx(23 + 1 + 13 * 17)
    # The keys wait for the values of the head before, of which 4 x 17 - 5 cycles are left; two of six writes go on.
    assert slow.cycles(1) == approx(63 + 1 + 2 * 17 + 23 + 1 + 13 * 17)
    assert slow.fence == approx(3 * 17 - 5)
