"""Digests by hand and their laws; equality with the harness is in test_simulator.py."""

import numpy as np

from sartor.families.tensor import digest


def test_splitmix64_is_the_published_one() -> None:
    # The generator seeded with 0 gives mix(0), mix(step), mix(2 step), ...: published first numbers.
    step = 0x9E3779B97F4A7C15
    states = np.array([0, step, 2 * step % 2**64], np.uint64)
    assert [hex(x) for x in digest.mix(states)] == [
        "0xe220a8397b1dcdaf", "0x6e789e6aa1b965f4", "0x6c45d188009454f",
    ]  # fmt: skip


def test_order_does_not_count_and_parts_add_up() -> None:
    rng = np.random.default_rng(0)
    values, order = rng.standard_normal(1000).astype(np.float32), rng.permutation(1000)
    at = np.arange(1000)
    whole = digest.digest_scratch(at, values)
    assert digest.digest_scratch(at[order], values[order]) == whole
    parts = digest.digest_scratch(at[:300], values[:300]) + digest.digest_scratch(at[300:], values[300:])
    assert parts % digest.MODULUS == whole


def test_place_kind_and_value_count() -> None:
    codes = np.arange(-16, 16, dtype=np.int8)
    seen = {
        digest.digest_scratch([1], np.float32([2])), digest.digest_scratch([2], np.float32([2])),
        digest.digest_scratch([1], np.float32([-2])), digest.digest_memory([1], np.uint8([2])),
        digest.digest_memory([1], np.uint8([3])), digest.digest_memory([2**39], np.uint8([3])),
        digest.digest_buffer(1, 2, codes, 3), digest.digest_buffer(2, 1, codes, 3),
        digest.digest_buffer(1, 2, codes, 4), digest.digest_buffer(1, 2, codes[::-1], 3),
        digest.digest_scratch([], np.float32([])),
    }  # fmt: skip
    assert len(seen) == 11 and 0 in seen


def test_swapped_values_and_swapped_words_of_codes_are_seen() -> None:
    a = digest.digest_scratch([0, 1], np.float32([1, 2]))
    assert a != digest.digest_scratch([0, 1], np.float32([2, 1]))
    codes = np.arange(32, dtype=np.int8)
    assert digest.digest_buffer(0, 0, codes, 1) != digest.digest_buffer(0, 0, np.roll(codes, 8), 1)


def test_groups_at_once_are_groups_one_by_one() -> None:
    rng = np.random.default_rng(1)
    codes = rng.integers(-127, 128, (3, 5, 32)).astype(np.int8)
    column, group = np.arange(3)[:, None], np.arange(5)
    exponent = rng.integers(0, 255, (3, 5))
    single = sum(
        digest.digest_buffer(c, g, codes[c, g], exponent[c, g]) for c in range(3) for g in range(5)
    )  # fmt: skip
    assert digest.digest_buffer(column, group, codes, exponent) == single % digest.MODULUS
