"""Caches of 8 and 4 bits, and keys of 8 beside values of 4: cores, bytes, silicon, cycles."""

from dataclasses import replace

import numpy as np
import pytest
from pytest import approx

from sartor.chip.spec import Chip, Memory, Tile
from sartor.errors import InputError, Unsupported
from sartor.families.tensor import physical, silicon, sizing, spec
from sartor.families.tensor.core import Core
from sartor.families.tensor.cycles_attention import attention
from sartor.families.tensor.family import Tensor
from sartor.families.tensor.placement import Placement
from sartor.formats import kv
from sartor.formats.codec import codec
from sartor.tables import table
from sartor.tech import logic
from sartor.tech.technology import NOMINAL
from sartor.workload.operators import Attention, Operators, Vector
from sartor.workload.step import Step

CACHES = ("int8-g32", "k8v4-g32", "int4-g32")
OP = Attention("attention", heads=9, kv_heads=3, key_dim=64, value_dim=64, count=30, cached=3 * 128)


def chip(cache: str) -> Chip:
    tile = Tile(8, 32, 4, 16, "q4_1", kv=cache)
    return Chip("small", "tensor", "N7", 4.5e8, Memory("lpddr4x", 1, 1e9, 34e9), tile=tile)


def test_cores_of_each_cache() -> None:
    found = [sizing.core_of(chip(name)) for name in CACHES]
    assert [(c.key_bits, c.cache_bits, c.balanced) for c in found] == [(8, 8, False), (8, 4, False), (4, 4, True)]
    other = chip("fp8-e4m3")
    with pytest.raises(Unsupported, match=r"kv = 'fp8-e4m3' has no decoder in hardware \(try int8-g32, k8v4-g32"):
        sizing.core_of(other)
    with pytest.raises(InputError, match=r"wide_keys are those beside values of 4 bits \(try cache_bits = 4\)"):
        Core(wide_keys=True)


def test_values_of_four_bits_take_the_silicon_of_all_in_four() -> None:
    cells = [sum(physical._cells_mm2(spec.from_chip(chip(name)), NOMINAL)) for name in CACHES]
    size = dict(rows=8, lanes=32, columns=4, vector_lanes=16, port_bytes=128, multiplier_bits=4)
    assert cells[1] == cells[2] == approx(cells[0] + silicon.together_mm2(("short_cache",), silicon.terms(**size)))


def test_bytes_and_cycles_lie_between() -> None:
    machines = [Tensor(spec.from_chip(chip(name))).machine for name in CACHES]
    # Bits with the scale of 32: 8.5 and 4.5; a head of 64 moves so many of keys and of values for each token.
    assert [(m.keys.bits, m.values.bits, m.cache.bits) for m in machines] == [
        (8.5, 8.5, 8.5), (8.5, 4.5, 6.5), (4.5, 4.5, 4.5),
    ]  # fmt: skip
    step = Step(1, 1, 1024)
    found = [attention(m, OP, Placement(m, 1, {}).cache_share(OP), step, 1024.0) for m in machines]
    # 3 heads, each once for its three queries: 1,024 tokens are whole granules.
    assert [float(each.moved_bytes) for each in found] == [
        approx(3 * 1024 * 64 * (m.keys.bits + m.values.bits) / 8) for m in machines
    ]
    assert found[0].matrix > found[1].matrix > found[2].matrix


@pytest.mark.parametrize("cache", CACHES[1:])
def test_energy_of_values_of_four_bits_by_hand(cache: str) -> None:
    """A number that becomes a code and a byte that is read take more, by the parts that were mapped (silicon.csv)."""
    plain, short = (Tensor(spec.from_chip(chip(name))) for name in (CACHES[0], cache))
    cells = logic.energy_ratio(NOMINAL, plain.designs.node, plain.relative_voltage)
    cells = cells * NOMINAL.fact("overheads", "energy", "cells_factor")
    number, byte = (table("silicon").fact("short_cache", item).value for item in ("number", "byte"))
    # 300 numbers enter a matrix, 2 operations each; 30 layers keep 3 x 128 keys and values of a token.
    vectors = Vector("quantize", per_token=2 * 300, count=1), Vector("norm", per_token=900, count=1)
    ops = Operators("decode", (OP, *vectors))
    found = [t.replica(1, {}).phase(ops, Step(1, 1, 1024), keep=False).energy_j for t in (plain, short)]
    assert found[1]["vector"] - found[0]["vector"] == approx((300 + 30 * 384) * number * cells)
    for t, energy, more in zip((plain, short), found, (0, byte), strict=True):
        moved = energy["memory"] / t.machine.dram_j_per_byte
        assert energy["decoder"] == approx(moved * (silicon.decode_j_per_byte() + more) * cells)
    assert found[1]["decoder"] < found[0]["decoder"]


def test_a_pair_is_a_cache_and_no_format_of_weights() -> None:
    x = np.random.default_rng(0).normal(size=(40, 2, 64)).astype(np.float32)
    assert np.array_equal(kv.round_trip_keys(x, "k8v4-g32"), kv.round_trip_keys(x, "int8-g32"))
    assert np.array_equal(kv.round_trip_values(x, "k8v4-g32"), kv.round_trip_values(x, "int4-g32"))
    with pytest.raises(Unsupported, match="k8v4-g32 is a cache, keys in int8-g32 and values in int4-g32: try one of"):
        codec("k8v4-g32").round_trip(x[0])
    with pytest.raises(Unsupported, match=r"weights = 'k8v4-g32' has no decoder in hardware"):
        sizing.core_of(replace(chip("int8-g32"), tile=replace(chip("int8-g32").tile, weights="k8v4-g32")))
