"""Real weights to codes: the definition in exact arithmetic, ggml's rule, bounds of the error, what is refused."""

import time
from fractions import Fraction

import gguf
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sartor.errors import InputError, Unsupported
from sartor.formats.codec import Encoded, codec
from sartor.formats.floats import Floats
from sartor.formats.gguf_blocks import unpack
from sartor.formats.hardware import Coding, coding_of
from sartor.formats.quantize import as_stored, quantize

CODINGS = [Coding(bits, group, minimum) for bits in (4, 8) for group in (32, 64, 128) for minimum in (False, True)]
codings = st.sampled_from(CODINGS)
LOWEST = {(4, False): -8, (8, False): -127, (4, True): 0, (8, True): -128}
STEPS = {4: 15, 8: 255}


def weights(seed: int, n: int, k: int, size: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    w = (rng.standard_t(3, (n, k)) * size).astype(np.float32)
    w[rng.random((n, k)) < 0.02] = 0
    return w


def of(w: np.ndarray, coding: Coding):
    return quantize(Floats("F32", np.asarray(w, np.float32)), coding)


def one_group(w: list[float], coding: Coding) -> tuple[list[int], float, float]:
    """Codes, d and m of one group, number by number: binary32 by NumPy scalars, the nearest integer exactly."""
    low, high, f = min(map(np.float32, w)), max(map(np.float32, w)), np.float32
    if coding.minimum:
        d = (high - low) / f(STEPS[coding.bits])
        m = low + f(128) * d if coding.bits == 8 else low
    else:
        extreme = high if high >= -low else low
        d, m = (extreme / f(-8) if coding.bits == 4 else abs(extreme) / f(127)), f(0)
    d, m = np.float16(d), np.float16(m)
    least, offset = LOWEST[coding.bits, coding.minimum], 8 if coding == Coding(4, coding.group, False) else 0
    most = 127 if coding.bits == 8 else least + 15
    steps = [f(x) - f(m) if coding.minimum else f(x) for x in w]
    codes = [round(Fraction(float(s / f(d)))) if d else 0 for s in steps]  # round() of a Fraction: ties to even
    return [min(max(q, least), most) + offset for q in codes], float(d), float(m)


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32), coding=codings, k=st.sampled_from([32, 96, 128, 160]), power=st.integers(-30, 10))
def test_the_definition_weight_by_weight(seed: int, coding: Coding, k: int, power: int) -> None:
    w = weights(seed, 2, k, 2.0**power)
    found = of(w, coding)
    d = found.scale.view(np.float16)
    for row in range(2):
        for at, start in enumerate(range(0, k, coding.group)):
            part = slice(start, start + coding.group)
            codes, scale, minimum = one_group(w[row, part].tolist(), coding)
            assert found.codes[row, part].tolist() == codes
            assert d[row, at] == scale and (d[row, at] != 0 or not np.signbit(d[row, at]))
            if coding.minimum:
                assert found.minimum.view(np.float16)[row, at] == minimum


@pytest.mark.parametrize(("name", "coding"), [
    ("Q4_0", Coding(4, 32, False)), ("Q8_0", Coding(8, 32, False)), ("Q4_1", Coding(4, 32, True)),
])  # fmt: skip
def test_groups_of_32_are_those_of_ggml(name: str, coding: Coding) -> None:
    """Scales and minima to the bit; ggml rounds codes to the scale before it is binary16: some differ by one."""
    w = np.random.default_rng(1).normal(size=(300, 320)).astype(np.float32)
    raw = gguf.quants.quantize(w, gguf.GGMLQuantizationType[name])
    theirs, ours = unpack(name, raw.reshape(-1), 300, 320), of(w, coding)
    assert np.array_equal(ours.scale, theirs.scale)
    assert coding.minimum is False or np.array_equal(ours.minimum, theirs.minimum)
    apart = np.abs(ours.integers - theirs.integers)
    assert apart.max() <= 1 and (apart > 0).mean() < 0.02
    errors = [np.square(b.dequantized().astype(np.float64) - w).mean() for b in (ours, theirs)]
    assert errors[0] <= errors[1] * 1.0001


def test_groups_by_hand() -> None:
    w = np.zeros((1, 64), np.float32)
    w[0, :3], w[0, 32:34] = (-4, 3, 0.75), (1, -0.5)
    # -4 is the largest: d = 0.5, codes -8, 6, 1.5 -> 2 (to even), and 0; stored with 8 added.
    four = of(w, Coding(4, 64, False))
    assert four.codes[0, [0, 1, 2, 3, 32]].tolist() == [0, 14, 10, 8, 10]
    assert four.dequantized()[0, [0, 1, 2, 32]].tolist() == [-4, 3, 1, 1]
    # In groups of 32 the second has d = 1 / -8: 1 is -8 d, -0.5 is 4 d.
    two = of(w, Coding(4, 32, False))
    assert two.codes[0, 32:35].tolist() == [0, 12, 8] and two.scale.view(np.float16).tolist() == [[0.5, -0.125]]
    # -4 to 3 in 14 steps of 0.5, were there 14: in 15 steps d = 7 / 15, m = -4.
    low = of(w, Coding(4, 64, True))
    assert low.minimum.view(np.float16).tolist() == [[-4]] and low.codes[0, [0, 1, 3]].tolist() == [0, 15, 9]


def test_the_weight_of_a_group_with_one_value() -> None:
    """d = 0, and the minimum says it all; without a minimum it is the extreme."""
    w = np.full((2, 128), 0.75, np.float32)
    for coding in CODINGS:
        error = np.abs(of(w, coding).dequantized() - 0.75).max()
        assert error == 0 if coding.minimum or coding.bits == 4 else error < 0.75 / 2048
    assert not of(np.zeros((1, 96)), Coding(4, 64, False)).dequantized().any()


@given(seed=st.integers(0, 2**32), coding=codings, power=st.integers(-8, 10))
def test_errors_are_half_a_step(seed: int, coding: Coding, power: int) -> None:
    w = weights(seed, 3, 256, 2.0**power).astype(np.float64)
    found = of(w, coding)
    error = np.abs(found.dequantized() - w).reshape(3, -1, coding.group)
    step = np.abs(found.scale.view(np.float16).astype(np.float64))[..., None]
    minimum = 0 if found.minimum is None else np.abs(found.minimum.view(np.float16).astype(np.float64))[..., None]
    # Rounding of d and m to 11 bits moves the far end by so many steps; what is opposite to the extreme of a
    # symmetric 4-bit group is cut at 7 of 8 steps.
    moved = STEPS[coding.bits] * 2.0**-11 * step + minimum * 2.0**-11
    cut = 0.5 * step if coding == Coding(4, coding.group, False) else 0
    assert (error <= (0.5 * step + moved + cut) * (1 + 1e-5) + 2.0**-24).all()


def test_larger_groups_cost_more_error_and_fewer_bits() -> None:
    w = np.random.default_rng(2).normal(size=(64, 512)).astype(np.float32)
    for bits, minimum in ((4, False), (4, True), (8, False), (8, True)):
        errors = [np.square(of(w, Coding(bits, g, minimum)).dequantized() - w).mean() for g in (32, 64, 128)]
        assert errors == sorted(errors)


@pytest.mark.parametrize("kind", ["F32", "F16", "BF16"])
def test_all_kinds_of_real_numbers(kind: str) -> None:
    w = np.random.default_rng(3).normal(size=(4, 64)).astype(np.float32)
    if kind == "BF16":
        stored = (w.view(np.uint32) >> 16).astype(np.uint16)
        w = (stored.astype(np.uint32) << 16).view(np.float32)
    else:
        stored = w.astype({"F32": "<f4", "F16": "<f2"}[kind])
        w = stored.astype(np.float32)
    assert np.array_equal(Floats(kind, stored).dequantized(), w)
    found, want = quantize(Floats(kind, stored), Coding(4, 64, True)), of(w, Coding(4, 64, True))
    assert np.array_equal(found.codes, want.codes) and np.array_equal(found.minimum, want.minimum)


@pytest.mark.parametrize(
    ("value", "coding", "message"),
    [
        (np.nan, Coding(4, 32, False), r"w: the weight nan at \[1, 40\] is not a number that can be stored"),
        (-np.inf, Coding(8, 128, True), r"w: the weight -inf at \[1, 40\] is not a number that can be stored"),
        (np.inf, Coding(4, 64, False), r"w: the weight inf at \[1, 40\] is not a number that can be stored"),
        (1e6, Coding(4, 64, False), r"w: the weight 1e\+06 at \[1, 40\] is too large: its scale overflows binary16"),
        (-2e5, Coding(8, 32, True), r"w: the weight -200000 at \[1, 40\] is too large: its scale overflows"),
    ],
)
def test_what_no_scale_can_hold_is_refused(value: float, coding: Coding, message: str) -> None:
    w = np.zeros((3, 96), np.float32)
    w[1, 40] = value
    with pytest.raises(InputError, match=message):
        quantize(Floats("F32", w), coding, "w")


def test_rows_that_are_not_whole_blocks_are_refused() -> None:
    with pytest.raises(InputError, match="w: rows of 40 weights are not whole blocks of 32"):
        quantize(Floats("F32", np.zeros((1, 40), np.float32)), CODINGS[0], "w")


def test_quantizing_is_fast() -> None:
    """50 MB of bfloat16 a second and core; measured: 320 to 860."""
    stored = (np.random.default_rng(4).normal(size=(1024, 4096)).astype(np.float32).view(np.uint32) >> 16).astype("<u2")
    for coding in (Coding(4, 32, True), Coding(8, 128, False)):
        start = time.process_time()
        quantize(Floats("BF16", stored), coding)
        assert stored.nbytes / (time.process_time() - start) > 50e6


def test_a_chip_takes_fp8_and_zero_points_as_they_are_stored() -> None:
    # A channel's scale comes with each 256 weights of a row; a code that is no number is named.
    w = weights(5, 3, 576)
    for name in ("fp8-e4m3", "int4-g64-zp", "bcq3-g64", "mxfp8-e4m3"):
        encoded = codec(name).encode(w)
        found = as_stored(encoded, coding_of(name), "w")
        assert np.array_equal(found.dequantized(), encoded.dequantized()), name
        assert np.array_equal(found.in_folds(128).dequantized(), encoded.dequantized()), name
    encoded = codec("fp8-e4m3").encode(w)
    assert as_stored(encoded, coding_of("fp8-e4m3"), "w").scale.shape == (3, 3)
    encoded.codes[1, 40] = 0xFF
    with pytest.raises(InputError, match=r"w: the weight nan at \[1, 40\] is not a number that can be stored"):
        as_stored(encoded, coding_of("fp8-e4m3"), "w")


def test_ternary_weights_are_integers_of_two_bits() -> None:
    q = np.random.default_rng(3).integers(0, 3, (5, 96)).astype(np.uint8)
    ternary = Encoded(codec("ternary"), 5, 96, {"codes": q, "scale": np.float32(0.75)})
    for name in ("int2-g32", "int2-g64", "int2-g128"):
        stored = as_stored(ternary, coding_of(name), "w")
        assert np.array_equal(stored.dequantized(), (q.astype(np.float32) - 1) * np.float32(0.75))
    with pytest.raises(Unsupported, match="w is stored as ternary, but the chip is made for 3-bit codes"):
        as_stored(ternary, coding_of("int3-g32"), "w")
    with pytest.raises(Unsupported, match="w is stored as ternary"):
        as_stored(ternary, coding_of("int2-g32-asym"), "w")
    large = Encoded(codec("ternary"), 5, 96, {"codes": q, "scale": np.float32(1e6)})
    with pytest.raises(InputError, match="w: its scale 1e\\+06 is beyond binary16"):
        as_stored(large, coding_of("int2-g32"), "w")
