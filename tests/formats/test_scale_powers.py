"""Rows times powers of two: codes stay, scales move, in every format that the chip decodes."""

import numpy as np
import pytest

from sartor.errors import InputError
from sartor.formats.floats import Floats
from sartor.formats.group_scale import Scale
from sartor.formats.hardware import coding_of, decoded
from sartor.formats.quantize import quantize
from sartor.formats.scale_powers import scaled


@pytest.mark.parametrize("name", decoded())
def test_a_row_is_as_many_times_as_large(name: str) -> None:
    rng = np.random.default_rng(0)
    w = quantize(Floats("F32", rng.normal(0, 1, (6, 256)).astype(np.float32)), coding_of(name))
    powers = np.array([0, 1, -1, 2, -2, 0])
    whole = 2 if name == "nvfp4" else 0  # its largest scale has no room above
    found = w.times_powers(powers, whole)
    assert np.array_equal(found.codes, w.codes) and found.power == w.power + whole
    assert np.array_equal(found.dequantized(), np.ldexp(w.dequantized(), powers[:, None]))


def test_what_has_no_code_is_rounded_or_refused() -> None:
    # binary16: 3 times the least number, halved, is between its first and its second; zero stays.
    halves = np.array([[3], [0]], np.uint16)
    assert scaled(Scale.SCALE, halves, np.array([-1, -9])).tolist() == [[2], [0]]
    assert scaled(Scale.POWER, np.uint8([[3]]), np.array([-5])).tolist() == [[0]]
    for scale, codes in ((Scale.SCALE, np.uint16([[1], [0x7800]])), (Scale.POWER, np.uint8([[9], [250]])),
                         (Scale.PAIR, np.uint8([[8], [0x7E]]))):  # fmt: skip
        with pytest.raises(InputError, match="the scales of row 1 are too large"):
            scaled(scale, codes, np.array([0, 5]))
    # What is no number already is for others to refuse.
    assert scaled(Scale.SCALE, np.uint16([[0x7C00]]), np.array([1])).tolist() == [[0x7C00]]
    assert scaled(Scale.POWER, np.uint8([[0xFF]]), np.array([1])).tolist() == [[0xFF]]
