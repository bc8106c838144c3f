"""The tile and the roofline: by hand, and laws."""

from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from sartor.formulas import roofline, tile

size = st.integers(1, 100_000)
unit = st.sampled_from([1, 2, 4, 8, 16, 32, 64, 128])


def test_decode_gemv_is_bound_by_memory_by_hand() -> None:
    # 16.8 MB over 1 TB/s: 16.8 us. 33.6 Mop at 100 Top/s: 0.34 us. Memory wins.
    assert roofline.time_s(33.6e6, 16.8e6, 100e12, 1e12) == approx(16.8e-6)
    # The two are equal at 100 ops a byte.
    assert roofline.ridge_ops_per_byte(100e12, 1e12) == approx(100)
    assert roofline.time_s(100 * 16.8e6, 16.8e6, 100e12, 1e12) == approx(16.8e-6)
    assert roofline.time_s(200 * 16.8e6, 16.8e6, 100e12, 1e12) == approx(2 * 16.8e-6)


@given(size, unit)
def test_folds_cover_the_size_and_no_more(n: int, step: int) -> None:
    folds = tile.folds(n, step)
    assert (folds - 1) * step < n <= folds * step


@given(st.floats(0, 1e15), st.floats(0, 1e12), st.floats(1, 1e15), st.floats(1, 1e13))
def test_halving_the_bytes_never_slows(ops: float, moved: float, rate: float, bandwidth: float) -> None:
    assert roofline.time_s(ops, moved / 2, rate, bandwidth) <= roofline.time_s(ops, moved, rate, bandwidth)
