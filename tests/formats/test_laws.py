"""What is true of every format: twice is once, order is kept, more bits are better; some by hand."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_codec import SPARSE, WRITTEN, weights

from sartor.errors import Unsupported
from sartor.formats.bcq import signs
from sartor.formats.codec import codec
from sartor.formats.grouped import Grouped
from sartor.formats.spec import formats

GROUPED = [name for name in WRITTEN if isinstance(codec(name), Grouped)]
# The mean magnitude of ternary weights changes when they are rounded; least squares may find other levels; a rounded
# zero point may leave the last code of a group unused.
TWICE = [name for name in WRITTEN + SPARSE if not name.startswith(("ternary", "bcq")) and "-zp" not in name]


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32), name=st.sampled_from(TWICE), k=st.sampled_from([128, 192]))
def test_twice_is_once(seed: int, name: str, k: int) -> None:
    """Numbers that a format holds come back as they are: scales in binary16 and E4M3 within their rounding."""
    rng = np.random.default_rng(seed)
    once = codec(name).round_trip(rng.normal(size=(3, k)).astype(np.float32))
    twice = codec(name).round_trip(once)
    if formats().get(name.removesuffix("-2:4")).codec in ("plain", "mx"):
        assert np.array_equal(twice, once)
    assert np.allclose(twice, once, rtol=2.0**-9, atol=np.abs(once).max() * 2.0**-10)


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32), name=st.sampled_from(GROUPED))
def test_order_is_kept(seed: int, name: str) -> None:
    """Under the same scales a larger number never comes back smaller."""
    one, rng = codec(name), np.random.default_rng(seed)
    size = formats()[name].group or 96
    x = rng.normal(size=(4, 2, size)).astype(np.float32)
    params = one.groups_encoded(x, one.whole(_floats(x)))
    del params["codes"]
    ascending = np.sort(rng.normal(size=(4, 2, size)).astype(np.float32) * 3, axis=-1)
    back = one.values(one.codes(ascending, params), params)
    assert (np.diff(back, axis=-1) >= 0).all()


def _floats(x: np.ndarray):
    from sartor.formats.floats import Floats

    return Floats("F32", x.reshape(len(x), -1))


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32), name=st.sampled_from([n for n in GROUPED if codec(n).form.codec != "ggml"]))
def test_no_code_is_nearer(seed: int, name: str) -> None:
    """Of all codes of a group the stored one is nearest, to the rounding of one division."""
    one, rng = codec(name), np.random.default_rng(seed)
    x = rng.normal(size=(1, 1, formats()[name].group or 64)).astype(np.float32)
    params = one.groups_encoded(x, one.whole(_floats(x)))
    codes = params.pop("codes")
    bits = one.element.bits if one.element else one.planes
    every = np.arange(3 if name == "ternary" else 2**bits, dtype=np.uint8).view(codes.dtype)[None, None]
    values = one.values(every, params).reshape(-1)
    values = values[np.isfinite(values)]
    if one.element and getattr(one.element, "low", 0) == -127:
        values = values[np.argsort(values)][1:]  # -128 is not used
    best = np.abs(x.reshape(-1, 1).astype(np.float64) - values).min(1)
    error = np.abs(x - one.values(codes, params)).reshape(-1)
    assert (error <= best + np.abs(values).max() * 2.0**-20).all()


def test_more_bits_and_smaller_groups_are_better() -> None:
    w = weights(0, 64, 512)
    error = {name: np.square(codec(name).round_trip(w) - w).mean() for name in WRITTEN}
    for kind in ("", "-asym", "-zp"):
        for group in (32, 64, 128):
            falling = [error[f"int{b}-g{group}{kind}"] for b in (2, 3, 4, 8) if (b, kind) != (8, "-zp")]
            assert falling == sorted(falling, reverse=True)
        for bits in (2, 3, 4):
            rising = [error[f"int{bits}-g{g}{kind}"] for g in (32, 64, 128)]
            assert rising == sorted(rising)
    for group in (64, 128):
        assert error[f"bcq2-g{group}"] > error[f"bcq3-g{group}"] > error[f"bcq4-g{group}"]
    assert error["mxfp4"] > error["nvfp4"] > error["mxfp6-e2m3"] > error["mxint8"] > error["fp16"]
    assert error["fp8-e5m2"] > error["fp8-e4m3"] > error["int8"]


def test_binary_codes_beat_uniform_ones_and_need_their_offset() -> None:
    """A uniform code is a special case of binary ones, so that least squares can only be better."""
    rng = np.random.default_rng(1)
    w = (rng.standard_t(4, (64, 256)) + 0.5).astype(np.float32)
    for bits in (2, 3, 4):
        errors = [np.square(codec(name).round_trip(w) - w).mean() for name in (f"bcq{bits}-g64", f"int{bits}-g64-asym")]
        assert errors[0] < errors[1]


@pytest.mark.parametrize("planes", [2, 3, 4])
def test_binary_codes_of_groups_with_few_values(planes: int) -> None:
    """Where least squares has no single answer, and where levels fall together."""
    rng = np.random.default_rng(2)
    w = np.zeros((400, 64), np.float32)
    w[:100] = rng.normal(size=(100, 1))
    w[100:200] = rng.choice([-1, 3], (100, 64)) * rng.random((100, 1))
    w[200:300, 5] = rng.normal(size=100)
    w[300:] = rng.choice([-2, 0, 0, 1], (100, 64))
    back = codec(f"bcq{planes}-g64").round_trip(w)
    assert np.abs(back - w).max() <= 0.01 * np.abs(w).max()


@pytest.mark.parametrize("planes", [2, 3, 4])
def test_alphas_are_those_of_least_squares(planes: int) -> None:
    """Against a solver of its own: given the codes, no other alphas and offset fit better by more than rounding."""
    x = np.random.default_rng(3).normal(size=(5, 64)).astype(np.float32)
    encoded = codec(f"bcq{planes}-g64").encode(x)
    for row in range(5):
        b = np.concatenate([signs(encoded.codes[row], planes), np.ones((64, 1))], axis=1)
        best = np.linalg.lstsq(b, x[row], rcond=None)[1][0]
        assert np.square(encoded.dequantized()[row] - x[row]).sum() <= best * 1.05


def test_uniform_codes_are_binary_codes() -> None:
    """w = d q + m is z + sum of alpha_i b_i with alpha_i = d 2^(i - 1), z = m + d (2^q - 1) / 2."""
    d, m, bits = 0.25, -1.0, 3
    params = {
        "alphas": np.float16([[[d / 2, d, 2 * d]]]).view(np.uint16),
        "offset": np.float16([[m + d * 3.5]]).view(np.uint16),
    }
    codes = np.arange(8, dtype=np.uint8)[None, None]
    assert codec("bcq3-g64").values(codes, params).tolist() == [[[d * q + m for q in range(2**bits)]]]


def test_mx_by_hand() -> None:
    """Largest 7.9: X = 2^(2 - 2) = 1, and 7.9 saturates at 6; 2.5 lies between 2 and 3 and goes to the even 2."""
    x = np.zeros((1, 32), np.float32)
    x[0, :6] = 7.9, 2.5, -3.5, 0.25, 0.26, 5.1
    encoded = codec("mxfp4").encode(x)
    assert encoded.parts["scale"].tolist() == [[127]]
    assert encoded.dequantized()[0, :6].tolist() == [6, 2, -4, 0, 0.5, 6]
    assert encoded.integers[0, :6].tolist() == [12, 4, -8, 0, 1, 12]


def test_nvfp4_by_hand() -> None:
    """Largest 6 of the tensor: t = 448. The block of 6 has s = 448, that of 3 s = 224: steps of 0.25 near zero."""
    x = np.zeros((1, 32), np.float32)
    x[0, [0, 16, 17]] = 6, 3, 0.3
    encoded = codec("nvfp4").encode(x)
    assert encoded.parts["tensor"] == 448 and encoded.parts["scale"].tolist() == [[0x7E, 0x76]]
    assert encoded.dequantized()[0, [0, 16, 17]].tolist() == [6, 3, 0.25]


def test_ternary_by_hand() -> None:
    """The mean magnitude of 1, -0.2, 0.8 and 0 is 0.5: 0.2 is less than half of it."""
    x = np.float32([[1, -0.2, 0.8, 0]])
    encoded = codec("ternary").encode(x)
    assert encoded.codes.tolist() == [[2, 1, 2, 1]] and encoded.dequantized().tolist() == [[0.5, 0, 0.5, 0]]
    assert encoded.packed()[4:].tolist() == [2 + 1 * 3 + 2 * 9 + 1 * 27]


def test_blocks_of_rows_share_a_scale() -> None:
    x = np.ones((130, 256), np.float32)
    x[5, 7], x[129, 200] = 448, 896
    small = np.float32(1 / 448)
    assert codec("fp8-e4m3-b128").encode(x).parts["scale"].tolist() == [[1, small], [small, 2]]


@given(x=st.floats(-1.25, 1.25, width=32))
def test_nf4_takes_the_nearest_level(x: float) -> None:
    nf4 = codec("nf4").element
    (code,) = nf4.nearest(np.float32([[[x]]])).reshape(-1)
    exact = [abs(Fraction(float(level)) - Fraction(x)) for level in nf4.levels]
    assert float(exact[code] - min(exact)) <= 2.0**-24


def test_integers_that_hardware_multiplies() -> None:
    w = weights(3, 4, 64)
    for name in ("mxfp4", "mxfp6-e2m3", "int4-g32", "int8", "ternary", "q5_0", "mxint8", "fp8-e4m3"):
        encoded = codec(name).encode(w)
        size = np.repeat(encoded.codec.scale(encoded.parts), 64 // encoded.codec.groups(64), axis=1)
        assert np.array_equal(encoded.integers * np.float32(encoded.codec.element.unit) * size, encoded.dequantized())
    for name in ("nf4", "bcq2-g64", "fp32"):
        with pytest.raises(Unsupported, match=f"the codes of {name} are not multiples of one unit"):
            _ = codec(name).encode(w).integers
