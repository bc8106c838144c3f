"""Quantizing, block products and reductions: by hand, and the golden model's fast product against them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sartor.families.tensor import cache_numerics, float32, golden_matrix, numerics
from sartor.families.tensor.core import Core
from sartor.families.tensor.isa import Reduce, Scale
from sartor.families.tensor.layout import pack_matrix
from sartor.families.tensor.stream_shape import Shape
from sartor.formats.decode import Element, integers


def test_quantizing_by_hand() -> None:
    # The largest, 3.0 = 1.5 2^1, has the field 128: scale 2^-5. 3 / 2^-5 = 96; 0.046875 is 1.5 codes: to even, 2.
    x = np.zeros(32, np.float32)
    x[:4] = 3.0, -3.0, 0.046875, 0.015625
    codes, exponent = numerics.quantize_groups(x)
    assert exponent.tolist() == [128] and codes[0, :5].tolist() == [96, -96, 2, 0, 0]


def test_the_largest_code_is_127() -> None:
    # 1.9999 has the scale 2^-6: 127.99 codes.
    codes, _ = numerics.quantize_groups(np.full(32, 1.9999, np.float32))
    assert set(codes.ravel().tolist()) == {127}


def test_keys_are_clamped_to_normal_half_precision() -> None:
    # 2^-20 has the field 107, which becomes 119: scale 2^-14, code round(2^-6) = 0. 2^20 becomes 138: code 127.
    codes, scale = cache_numerics.quantize_keys(np.repeat(np.float32([2.0**-20, 2.0**20]), 32)[None])
    assert cache_numerics.scale_value(scale).tolist() == [[2.0**-14, 2.0**5]] and codes[0, :, 0].tolist() == [0, 127]


@given(st.integers(-(2**31), 2**31), st.integers(0, 60))
def test_a_shift_rounds_a_half_up(value: int, shift: int) -> None:
    expected = 0 if shift >= 32 else (2 * value + (1 << shift)) >> (shift + 1)
    assert int(numerics.shift_round(value, shift)) == expected


@given(st.integers(0, 0x7BFF), st.booleans())
def test_half_precision_parts(code: int, negative: bool) -> None:
    code |= 0x8000 if negative else 0
    mantissa, field = numerics.half_parts(np.uint16(code))
    assert float(mantissa) * 2.0 ** (float(field) - 25) == float(np.uint16(code).view(np.float16))


KINDS = [
    *((element, scale) for element in (Element.INT2, Element.INT3, Element.INT4, Element.INT8) for scale in Scale
      if scale < Scale.PAIR and (scale or element == Element.INT8)),
    *((element, Scale.POWER) for element in (Element.E2M1, Element.E2M3)), (Element.E2M1, Scale.PAIR),
    (Element.SIGN, Scale.PLANES), (Element.E4M3, Scale.SCALE), (Element.E4M3, Scale.POWER),
    (Element.INT4, Scale.ZERO), (Element.INT3, Scale.ZERO), (Element.E3M2, Scale.POWER), (Element.CB4, Scale.SCALE),
]  # fmt: skip


def random_case(rng: np.random.Generator, kind: tuple[Element, Scale], n: int, groups: int, columns: int):
    """Stored codes, d, m [n, groups] over all finite exponents, x and its exponents."""
    element, scale = kind
    low = -128 if element == Element.INT8 else 0
    planes = int(rng.integers(1, 5)) if scale == Scale.PLANES else 1
    codes = rng.integers(low, low + (1 << element.bits * planes), (n, groups * 32))
    halves = [rng.integers(0, 0x7C00, (n, groups)) | rng.integers(0, 2, (n, groups)) << 15 for _ in range(2)]
    d, m = (h.astype(np.uint16) if i < scale else None for i, h in enumerate(halves))
    if scale == Scale.PLANES:
        d = rng.integers(0, 0x7C00, (n, groups, planes)).astype(np.uint16)
    elif scale == Scale.ZERO:
        m = rng.integers(0, 1 << element.bits, (n, groups))
    elif scale > Scale.SCALE_MINIMUM:
        d, m = rng.integers(0, 127, (n, groups * (2 if scale == Scale.PAIR else 1))), None
    x = rng.integers(-127, 128, (columns, groups, 32)).astype(np.int8)
    return codes, d, m, x, rng.integers(60, 140, (columns, groups))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=10, deadline=None)  # compiled at the first
@given(seed=st.integers(0, 2**32), n=st.integers(1, 9), groups=st.integers(1, 6), columns=st.integers(1, 5))
def test_the_fast_product_is_the_sum_of_block_terms(
    kind, seed: int, n: int, groups: int, columns: int
) -> None:
    check_product(np.random.default_rng(seed), kind, n, groups, columns)


def test_the_fast_product_in_tiles(monkeypatch) -> None:
    """700 rows are three tiles of 234, the last one padded."""
    monkeypatch.setattr(golden_matrix, "TILE_CODES", 234 * 96)
    check_product(np.random.default_rng(0), (Element.INT4, Scale.SCALE_MINIMUM), 700, 3, 2)


def check_product(rng: np.random.Generator, kind, n: int, groups: int, columns: int) -> None:
    element, scale = kind
    codes, d, m, x, exponent = random_case(rng, kind, n, groups, columns)
    core = Core(rows=2, multiplier_bits=4 if element.in_a_byte else 9)
    top = 127 if scale == Scale.POWER else 30 if scale else 15
    planes = d.shape[-1] if scale == Scale.PLANES else 1
    shape = Shape(core, n, groups * 32, element, scale, planes=planes)
    weights = golden_matrix.decoded(shape, pack_matrix(core, codes, d, m, element, scale=scale), top)
    column_top = exponent.max(axis=1)
    found = golden_matrix.product(weights, x[None], column_top[None], exponent[None])[0, :, :n]
    size = 16 if scale == Scale.PAIR else 32
    stored = codes.reshape(n, -1, size)
    numbers = stored if scale == Scale.PLANES else integers(element, m is not None)[stored]
    one = np.full((n, groups), numerics.ONE_HALF_PRECISION)
    for c in range(columns):
        shift = np.repeat(column_top[c] - exponent[c], 32 // size)
        if scale == Scale.ZERO:
            numbers = stored - m[..., None]
        m_ = None if scale == Scale.ZERO else m
        given = numbers, x[c].reshape(-1, size), shift, one if d is None else d, m_, top
        planes = scale == Scale.PLANES
        terms = numerics.plane_terms(*given) if planes else numerics.block_terms(*given, scale, element.lost)
        assert found[c].tolist() == terms.sum(axis=1).tolist()


@pytest.mark.parametrize("scale", [Scale.SCALE, Scale.NONE])
@pytest.mark.parametrize("sequences, core", [(1, Core(rows=8, columns=2)), (3, Core(rows=4, lanes=64, columns=2))])
def test_a_cache_read_by_places_is_the_cache_decoded(scale: Scale, sequences: int, core: Core) -> None:
    """64 rows of 64 a sequence: whole packets, so that the streams of sequences are one."""
    shape, rng = Shape(core, 64 * sequences, 64, Element.INT8, scale), np.random.default_rng(1)
    raw = rng.integers(0, 256, shape.words * core.port_bytes).astype(np.uint8)
    fast, slow = (f(shape, raw, 20, sequences) for f in (golden_matrix._cached, golden_matrix.decoded))
    assert fast.own and slow.own and fast.n == slow.n
    assert np.array_equal(fast.codes, slow.codes) and np.array_equal(fast.scale, slow.scale)


def test_a_block_by_hand() -> None:
    # 32 times (3 - 8) x 2 = -320; d = 1.5 has mantissa 1536 and field 15. With top = 16 and a group 3 below the
    # column's largest the shift is 4: -320 1536 / 16 = -30720. The unit is 2^(E - 133 + 16 - 25).
    codes, x = np.full(32, -5), np.full(32, 2, np.int8)
    d = np.float16(1.5).view(np.uint16)
    assert int(numerics.block_terms(codes, x, 3, d, None, 16)) == -30720
    # E = 133: -30720 2^-9 = -60 = -320 1.5 2^-3.
    assert float(numerics.result(-30720, 133, numerics.unit_of(Scale.SCALE, 16))) == -60.0


@given(seed=st.integers(0, 2**32), groups=st.integers(1, 8), zeros=st.integers(0, 4))
def test_zeros_behind_do_not_change_a_sum(seed: int, groups: int, zeros: int) -> None:
    x = np.random.default_rng(seed).normal(size=(2, groups * 32)).astype(np.float32)
    padded = np.pad(x, ((0, 0), (0, zeros * 32)))
    assert np.array_equal(numerics.reduce(Reduce.SUM, x), numerics.reduce(Reduce.SUM, padded))


def test_a_sum_has_32_running_sums_in_order() -> None:
    # Sum 0 gets 2^24 + 1 + 1 = 2^24 (each 1 is lost), sum 1 gets 1 + 1 = 2: 2^24 + 2.
    x = np.zeros(96, np.float32)
    x[[0, 32, 64]], x[[1, 33]] = (2.0**24, 1, 1), 1
    assert float(numerics.reduce(Reduce.SUM, x)) == 2.0**24 + 2


def test_a_magnitude_has_its_sign_in_the_lowest_bit() -> None:
    x = np.float32([[1, -3] + [0] * 30])
    assert numerics.reduce(Reduce.MAX, x) == [1]
    assert float32.bits(numerics.reduce(Reduce.MAGNITUDE, x))[0] == 0x40400001
    assert float32.bits(numerics.reduce(Reduce.MAGNITUDE, -x))[0] == 0x40400000
    both = np.float32([[3, -3] + [0] * 30])  # negative where both signs are
    assert float32.bits(numerics.reduce(Reduce.MAGNITUDE, both))[0] == 0x40400001


def test_a_cache_of_four_bits_by_hand() -> None:
    # The largest, -8.4 = -1.05 x 2^3, has the scale 1, in which 7 is the most and -8 the least. Ties go to even.
    keys = np.zeros((1, 32), np.float32)
    keys[0, :6] = 7.9, -8.4, 2.5, -3.5, 0.5, -7.5
    codes, scale = cache_numerics.quantize_keys(keys, 4)
    assert codes[0, 0, :6].tolist() == [7, -8, 2, -4, 0, -8] and cache_numerics.scale_value(scale) == [[1]]
    # The same turned: so is the scale, not the codes.
    codes, scale = cache_numerics.quantize_keys(-keys, 4)
    assert codes[0, 0, :6].tolist() == [7, -8, 2, -4, 0, -8] and cache_numerics.scale_value(scale) == [[-1]]
    # From 1, 1.125, 1.375, 1.625 and 1.875 on an octave's scales are 4, 5, 6, 7 and 8 32nds.
    eighths = np.array([1, 1.124, 1.125, 1.374, 1.375, 1.624, 1.625, 1.874, 1.875, 1.999], np.float32)
    found = cache_numerics.scale_value(cache_numerics.cache_scale(numerics.marked(-eighths), 4)) * 32
    assert found.tolist() == [4, 4, 5, 5, 6, 6, 7, 7, 8, 8] and (eighths / found * 32 < 9).all()
    # In scales of 1.25: ties to even, and one that is none. -8 and 8 eighths of the same octave: negative wins.
    keys[0] = 0
    keys[0, :5] = 8 * 1.25, -8 * 1.25, -2.5 * 1.25, np.nextafter(np.float32(2.5 * 1.25), np.float32(9)), 3.5 * 1.25
    codes, scale = cache_numerics.quantize_keys(keys, 4)
    assert cache_numerics.scale_value(scale) == [[1.25]] and codes[0, 0, :5].tolist() == [7, -8, -2, 3, 4]
    values, scale = cache_numerics.quantize_values(keys, numerics.reduce(Reduce.MAGNITUDE, keys), 4)
    assert cache_numerics.scale_value(scale) == [1.25] and values[0, :5].tolist() == [7, -8, -2, 3, 4]
    # Beyond the bounds the largest code, -8 x 2^9 of keys, and nothing at all.
    codes, scale = cache_numerics.quantize_keys(np.repeat(np.float32([2.0**-20, 2.0**20]), 32)[None], 4)
    assert codes[0, :, 0].tolist() == [0, -8]
    assert cache_numerics.scale_value(scale).tolist() == [[-(2.0**-11), -(2.0**9)]]
