"""Keys and values written token by token are the matrices that the matrix unit reads."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from tiny_network import tiny

from sartor.families.tensor import cache_layout, memory_map
from sartor.families.tensor.cache_numerics import scale_value
from sartor.families.tensor.core import Core
from sartor.families.tensor.isa import Scale
from sartor.families.tensor.layout import unpack_matrix

CORES = [
    Core(), Core(rows=2, port_bytes=16), Core(rows=64, port_bytes=256), Core(lanes=64), Core(multiplier_bits=8),
    Core(lanes=64, rows=4, port_bytes=32, multiplier_bits=8), Core(cache_bits=4),
    Core(rows=2, port_bytes=256, cache_bits=4), Core(rows=2, port_bytes=16, cache_bits=4),
    Core(lanes=64, rows=4, port_bytes=64, multiplier_bits=8, cache_bits=4),
    Core(cache_bits=4, wide_keys=True), Core(rows=2, port_bytes=16, cache_bits=4, wide_keys=True),
    Core(lanes=64, rows=4, port_bytes=64, multiplier_bits=8, cache_bits=4, wide_keys=True),
]  # fmt: skip


@pytest.mark.parametrize("core", CORES, ids=str)
def test_keys_token_by_token_are_a_matrix(core: Core) -> None:
    rng, net = np.random.default_rng(0), tiny(head_dim=64, dim=128)
    tokens, base = 2 * core.granule, 3
    where = memory_map.cache_map(core, net, tokens)
    memory = np.zeros((base + where.head_words) * core.port_bytes, np.uint8)
    codes = rng.integers(*_range(core.key_bits), (tokens, 2, 32)).astype(np.int8)
    scales = rng.integers(453, 546, (tokens, 2)) + _signs(rng, core.key_bits, (tokens, 2))
    for t in rng.permutation(tokens):
        at, data = cache_layout.key_writes(core, base, int(t), codes[t], scales[t])
        memory[at] = data
    words = memory[base * core.port_bytes :][: where.key_words * core.port_bytes]
    found, d, _ = unpack_matrix(core, words, tokens, 64, element=core.key_element)
    assert np.array_equal(found, codes.reshape(tokens, 64) + _offset(core.key_bits))
    # binary16 of +-(1 + m/4) 2^e.
    assert d is not None and np.array_equal(d.view(np.float16), scale_value(scales))


@pytest.mark.parametrize("core", CORES, ids=str)
def test_values_token_by_token_are_a_matrix(core: Core) -> None:
    rng, net = np.random.default_rng(1), tiny(head_dim=64, dim=128)
    tokens, base = 2 * core.granule, 5
    where = memory_map.cache_map(core, net, tokens)
    memory = np.zeros((base + where.value_words + where.scale_words) * core.port_bytes, np.uint8)
    codes = rng.integers(*_range(core.cache_bits), (tokens, 64)).astype(np.int8)
    numbers = rng.integers(453, 546, tokens) + _signs(rng, core.cache_bits, tokens)
    for t in rng.permutation(tokens):
        at, data = cache_layout.value_writes(
            core, base, where.value_stride, where.value_words, int(t), codes[t], numbers[t]
        )
        memory[at] = data
    words = memory[base * core.port_bytes :]
    values, scales = np.split(words, [where.value_words * core.port_bytes])
    found, d, _ = unpack_matrix(
        core, values, 64, tokens, element=core.cache_element, scale=Scale.NONE, paired=core.cache_bits == 4
    )
    assert d is None and np.array_equal(found, codes.T + _offset(core.cache_bits))
    wide = scales[: 2 * tokens].view(np.uint16).astype(np.uint32) << 16
    assert np.array_equal(wide.view(np.float32), scale_value(numbers))


def _range(bits: int) -> tuple[int, int]:
    return (-8, 8) if bits == 4 else (-127, 128)


def _signs(rng: np.random.Generator, bits: int, shape: Any) -> np.ndarray:
    """Of scales, 1,024 for a negative one: only those of 4 bits have any."""
    return rng.integers(0, 2, shape) << 10 if bits == 4 else np.zeros(shape, np.int64)


def _offset(bits: int) -> int:
    """Codes of 4 bits are stored with 8 added."""
    return 8 if bits == 4 else 0


@pytest.mark.parametrize("bits, wide", [(4, False), (4, True), (8, False)])
def test_no_two_tokens_write_the_same_byte(bits: int, wide: bool) -> None:
    core, net = Core(rows=4, cache_bits=bits, wide_keys=wide), tiny()
    where = memory_map.cache_map(core, net, core.granule)
    taken: list[int] = []
    for t in range(core.granule):
        keys = cache_layout.key_writes(core, 0, t, np.zeros((1, 32), np.int8), np.array([460]))
        values = cache_layout.value_writes(
            core,
            where.key_words,
            where.value_stride,
            where.value_words,
            t,
            np.zeros(32, np.int8),
            np.int64(460),
        )
        taken += [*keys[0].tolist(), *values[0].tolist()]
    assert all(a < b for a, b in pairwise(sorted(taken)))
    assert max(taken) < where.head_words * core.port_bytes
