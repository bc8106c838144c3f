"""Weights as stored: groups that do not divide a row, rows below each other, the table of decoders."""

from dataclasses import replace

import numpy as np
import pytest

from sartor.errors import Unsupported
from sartor.formats.blocks import Blocks, stacked
from sartor.formats.floats import Floats
from sartor.formats.group_scale import Scale
from sartor.formats.hardware import Coding, _coding, coding_of, decoded
from sartor.formats.quantize import quantize
from sartor.formats.spec import format_named


def halves(*values: float) -> np.ndarray:
    return np.array([values], np.float16).view(np.uint16)


def test_a_decoder_stores_the_bits_that_its_format_says() -> None:
    assert coding_of("int4-g128-asym") == Coding(4, 128, True)
    assert coding_of("q4_0") == coding_of("int4-g32") == Coding(4, 32, False)
    assert coding_of("q8_0") == coding_of("int8-g32") and coding_of("q4_1") == coding_of("int4-g32-asym")
    for name, coding in decoded().items():
        stored = coding.bits + 8 * coding.scale.nbytes(coding.planes) / max(coding.group, 32)
        if coding.zero:
            stored += coding.bits / coding.group
        if coding.rows != 1:  # a scale of many rows: 16 bits with each of them
            assert stored - 16 / coding.group == 8 < format_named(name).bits() + 0.01
            continue
        row = 4096 if format_named(name).group else coding.group  # a channel's scale is repeated
        assert stored == format_named(name).bits(row), name
        assert coding.stored_bits == stored + (coding.zero and coding.bits == 3) / coding.group  # in 4 bits
    with pytest.raises(Unsupported, match=r"'nf4' has no decoder in hardware \(try int4-g64, int4-g128-asym, "):
        coding_of("nf4")


def test_a_scale_has_the_groups_that_its_kind_has_in_hardware() -> None:
    """E8M0 for 32 and more, E4M3 for 16 alone: others are formats without a decoder, not formats read wrongly."""
    mx, nv = format_named("mxfp4"), format_named("nvfp4")
    assert _coding(replace(mx, group=16)) is None and _coding(replace(nv, group=32)) is None
    assert _coding(replace(mx, group=64)).scale == Scale.POWER and _coding(nv).scale == Scale.PAIR


def test_a_short_last_group_has_a_scale_of_its_own() -> None:
    # 160 weights in groups of 128: one whole group, then 32. With 64 lanes the last fold is half empty: there groups of
    # 32 divide the row, the first scale four times.
    w = Blocks(Coding(8, 128, True), np.ones((1, 160), np.int8), halves(1, 2), halves(0, 0.5))
    assert w.dequantized()[0, [0, 127, 128, 159]].tolist() == [1, 1, 2.5, 2.5]
    assert w.in_folds(32) is w and w.share(32) == 2
    apart = w.in_folds(64)
    assert (apart.group, apart.share(64), w.share(64)) == (32, 0, 0)
    assert apart.scale.view(np.float16).tolist() == [[1, 1, 1, 1, 2]]
    assert np.array_equal(apart.dequantized(), w.dequantized())


@pytest.mark.parametrize(("k", "share"), [(32, 0), (96, 0), (192, 1), (576, 1), (1024, 2), (128, 2)])
def test_groups_of_rows_that_are_not_whole_folds_divide_them(k: int, share: int) -> None:
    w = quantize(Floats("F32", np.random.default_rng(0).normal(size=(2, k)).astype(np.float32)), Coding(4, 128, True))
    assert w.share(32) == 2 and w.in_folds(128).group == (32 << share if k % 128 else 128)
    assert np.array_equal(w.in_folds(128).dequantized(), w.dequantized())


def test_rows_and_rows_below_each_other() -> None:
    # d = -8 n / -8 is exact; a code of 0 is -8.
    a, b = (quantize(Floats("F32", np.full((n, 64), -8.0 * n, np.float32)), Coding(4, 64, False)) for n in (1, 2))
    both = stacked(a, b)
    assert both.dequantized()[:, 0].tolist() == [-8, -16, -16] and both.group == 64
    assert both.rows(slice(1, 2)).dequantized().tolist() == [[-16.0] * 64]
    others = Coding(8, 64, False), Coding(4, 64, True), Coding(4, 32, False)
    for other in others:
        with pytest.raises(Unsupported, match="read as one matrix have 4-bit codes with"):
            stacked(a, quantize(Floats("F32", np.ones((1, 64), np.float32)), other))
