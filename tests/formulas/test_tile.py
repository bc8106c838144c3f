"""The tile and the roofline: by hand, and laws."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from sartor.formulas import roofline, tile

size = st.integers(1, 100_000)
unit = st.sampled_from([1, 2, 4, 8, 16, 32, 64, 128])
seconds = st.floats(0, 10)
n_bytes = st.floats(1, 1e9)


def test_gemv_on_a_tiny_tile_by_hand() -> None:
    # 2 rows x 4 lanes, one token. 5 output features: rows take 2, 2, 1. K = 9: lanes take 4, 4, 1.
    # 3 x 3 folds, one a cycle.
    assert tile.gemm_cycles(n=5, k=9, m=1, rows=2, lanes=4, columns=1) == 9
    # Elements twice as wide as the multipliers take two passes.
    assert tile.gemm_cycles(n=5, k=9, m=1, rows=2, lanes=4, columns=1, passes=2) == 18
    # 8 columns share the decoded weights of 8 tokens: 8 tokens cost one. A ninth costs as much again.
    assert tile.gemm_cycles(n=5, k=9, m=8, rows=2, lanes=4, columns=8) == 9
    assert tile.gemm_cycles(n=5, k=9, m=9, rows=2, lanes=4, columns=8) == 18


def test_decode_gemv_is_bound_by_memory_by_hand() -> None:
    # 16.8 MB over 1 TB/s: 16.8 us. 33.6 Mop at 100 Top/s: 0.34 us. Memory wins.
    assert roofline.time_s(33.6e6, 16.8e6, 100e12, 1e12) == approx(16.8e-6)
    # The two are equal at 100 ops a byte.
    assert roofline.ridge_ops_per_byte(100e12, 1e12) == approx(100)
    assert roofline.time_s(100 * 16.8e6, 16.8e6, 100e12, 1e12) == approx(16.8e-6)
    assert roofline.time_s(200 * 16.8e6, 16.8e6, 100e12, 1e12) == approx(2 * 16.8e-6)


def test_bytes_of_the_two_loop_orders_by_hand() -> None:
    # 300 bytes of activations in halves of 100: three blocks of tokens. Weights 1000 bytes.
    # Blocks of tokens: 3 x 1000 + in 300 + out 200 = 3500.
    # Blocks of weights, 4 of them: 1000 + 4 x 300 + 200 = 2400, the better.
    assert tile.gemm_bytes(1000, 300, 200, 100, 4) == 2400
    # 12 blocks of weights: 1000 + 12 x 300 + 200 = 4800: now the blocks of tokens are the better.
    assert tile.gemm_bytes(1000, 300, 200, 100, 12) == 3500
    # All weights fit in the cores: everything once.
    assert tile.gemm_bytes(1000, 300, 200, 100, 1) == 1500
    # The activations fit: weights only.
    assert tile.gemm_bytes(1000, 100, 200, 100, 12) == 1000


def test_what_a_fifo_hides_by_hand() -> None:
    # Weights stream for 10 us, the tile needs 6 us. It waits 3 us for its input; the FIFO holds 2 us of
    # weights: the memory stands still for 1 us. 11 us.
    assert tile.exposed_s(6, 10, 0, 3, 2) == 11
    # A deeper FIFO hides the wait altogether; the memory never stops.
    assert tile.exposed_s(6, 10, 0, 3, 4) == 10
    # Compute-bound: the wait is exposed in full.
    assert tile.exposed_s(9, 4, 0, 3, 4) == 12
    # Vector work longer than both is the bound.
    assert tile.exposed_s(6, 10, 20, 3, 4) == 20


@given(size, unit)
def test_folds_cover_the_size_and_no_more(n: int, step: int) -> None:
    folds = tile.folds(n, step)
    assert (folds - 1) * step < n <= folds * step


@given(size, size, st.integers(1, 512), unit, unit, unit)
def test_a_larger_tile_is_never_slower(n: int, k: int, m: int, rows: int, lanes: int, columns: int) -> None:
    base = tile.gemm_cycles(n, k, m, rows, lanes, columns)
    assert tile.gemm_cycles(n, k, m, 2 * rows, lanes, columns) <= base
    assert tile.gemm_cycles(n, k, m, rows, 2 * lanes, columns) <= base
    assert tile.gemm_cycles(n, k, m, rows, lanes, 2 * columns) <= base
    # No tile does more than it has multipliers.
    assert base * rows * lanes * columns >= n * k * m


@given(n_bytes, n_bytes, n_bytes, n_bytes, st.integers(1, 1000))
def test_every_byte_passes_once_at_least(
    weights: float, into: float, out: float, half: float, blocks: int
) -> None:
    moved = tile.gemm_bytes(weights, into, out, half, blocks)
    assert moved >= weights
    assert tile.gemm_bytes(weights, into, out, 2 * half, blocks) <= moved * (1 + 1e-12)
    assert tile.gemm_bytes(weights / 2, into, out, half, blocks) <= moved


@given(seconds, seconds, seconds, seconds, seconds)
def test_exposed_time_is_between_overlap_and_sum(
    compute: float, memory: float, vector: float, bubble: float, fifo: float
) -> None:
    time = tile.exposed_s(compute, memory, vector, bubble, fifo)
    assert max(compute + bubble, memory, vector) <= time <= compute + memory + vector + bubble
    assert tile.exposed_s(compute, memory, vector, bubble, 2 * fifo) <= time
    assert tile.exposed_s(compute, memory / 2, vector, bubble, fifo) <= time


@given(st.floats(0, 1e15), st.floats(0, 1e12), st.floats(1, 1e15), st.floats(1, 1e13))
def test_halving_the_bytes_never_slows(ops: float, moved: float, rate: float, bandwidth: float) -> None:
    assert roofline.time_s(ops, moved / 2, rate, bandwidth) <= roofline.time_s(ops, moved, rate, bandwidth)


def test_arrays_and_scalars_are_one_code() -> None:
    rng = np.random.default_rng(1)
    args = rng.uniform(1, 1e6, (5, 1000))
    for formula in (tile.gemm_bytes, tile.exposed_s):
        many = formula(*args)
        assert many == approx([formula(*(float(v) for v in column)) for column in args.T], rel=1e-12)
