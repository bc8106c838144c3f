"""FP8 with a scale of a tensor, or of 128 x 128 weights, as the chip stores it: each row with its scales."""

from dataclasses import replace

import numpy as np
import pytest

from sartor.errors import InputError
from sartor.families.tensor.core import Core
from sartor.families.tensor.layout import pack_matrix
from sartor.formats.blocks import Blocks
from sartor.formats.codec import codec
from sartor.formats.decode import Element
from sartor.formats.floats import Floats
from sartor.formats.hardware import coding_of
from sartor.formats.quantize import as_stored, quantize


@pytest.mark.parametrize("shape", [(192, 320), (130, 576), (64, 1536)])
def test_a_scale_of_many_rows_is_the_channel_form_with_equal_scales(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(4)
    w = Floats("F32", (rng.normal(size=shape) * 0.03).astype(np.float32))
    channel = coding_of("fp8-e4m3")
    for name, side in (("fp8-e4m3-tensor", 0), ("fp8-e4m3-b128", 128)):
        found, codes = quantize(w, coding_of(name)), codec(name).encode(w, "w")
        assert found.coding.stream == replace(channel, group=side or channel.group)
        # A checkpoint's codes are taken as they are, its scales rounded to 11 bits: 2^-12 off at most.
        stored = as_stored(codes, coding_of(name), "w")
        assert np.array_equal(stored.codes, codes.parts["codes"]) and np.array_equal(stored.scale, found.scale)
        own = codes.dequantized()
        assert np.all(np.abs(found.dequantized() - own) <= np.abs(own) * 2.0**-11)
        # All rows of a block, or of the tensor, have one scale, and those of the channel form are the same words.
        rows = side or shape[0]
        assert all(len({tuple(r) for r in found.scale[i : i + rows].tolist()}) == 1 for i in range(0, shape[0], rows))
        as_channel = replace(found, coding=replace(found.coding, rows=1))
        assert np.array_equal(as_channel.dequantized(), found.dequantized())
        assert np.array_equal(pack(as_channel), pack(found))
    # A chip for channels takes the tensor's as it is.
    whole = as_stored(codec("fp8-e4m3-tensor").encode(w, "w"), channel, "w")
    assert np.array_equal(whole.scale, quantize(w, coding_of("fp8-e4m3-tensor")).scale)


def test_a_scale_beyond_the_chips_is_refused() -> None:
    w = codec("fp8-e4m3-tensor").encode(Floats("F32", np.full((2, 32), 2.0**17, np.float32)), "w")
    with pytest.raises(InputError, match=r"w: a scale of 292\.571 is beyond the chip's 255\.938"):
        as_stored(w, coding_of("fp8-e4m3-tensor"), "w")


def pack(w: Blocks) -> np.ndarray:
    whole = w.in_folds(32)
    core = Core(multiplier_bits=9, elements=(Element.INT8, Element.E4M3))
    return pack_matrix(core, whole.codes, whole.scale, None, Element.E4M3, whole.share(32))
