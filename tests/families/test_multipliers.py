"""Which multipliers take which codes, by hand: what one of them takes in a cycle, and what goes through in two."""

import numpy as np
import pytest

from sartor.families.tensor.multipliers import MULTIPLIERS, narrowest, steps, takes
from sartor.formats.decode import LOST, MOST_SHIFT, Element, integers

E = Element


@pytest.mark.parametrize(
    ("bits", "at_once"),
    [
        (4, {E.INT2, E.INT3, E.INT4, E.SIGN}),  # -8 to 7, 8 added
        (5, {E.INT2, E.INT3, E.INT4, E.SIGN, E.INT5, E.E2M1, E.CB4}),  # -16 to 15
        (8, set(E) - {E.E4M3, E.E3M2}),  # bytes: not 448 x 2^9, nor 448
        (9, {E.INT2, E.INT3, E.INT4, E.SIGN, E.E2M1, E.E2M3, E.E3M2, E.E4M3}),  # 4 bits, a sign, and a shift
    ],
)
def test_what_goes_through_at_once(bits: int, at_once: set[Element]) -> None:
    assert {e for e in E if takes(bits, e) and steps(bits, e) == 1} == at_once
    assert {e for e in E if not takes(bits, e)} == ({E.E4M3, E.E3M2} if bits != 9 else set())


def test_every_element_has_a_multiplier() -> None:
    assert {e.name: narrowest(e) for e in E} == {
        "INT4": 4, "INT8": 8, "INT2": 4, "INT3": 4, "E2M1": 5, "E2M3": 8, "SIGN": 4, "E4M3": 9, "INT5": 5, "INT6": 8,
        "E3M2": 9, "CB4": 5,
    }  # fmt: skip
    assert all(narrowest(e) in MULTIPLIERS for e in E)


def test_what_is_shifted_fits_the_sum_and_the_shifter() -> None:
    # 32 products of at most 2^18 x 127 are below 2^30; E3M2 is shifted by 9 to 15, E4M3 by 0 to 14.
    for element in (e for e in E if e.is_float):
        first = LOST - element.lost
        assert 0 <= first <= first + element.shift <= MOST_SHIFT
        assert int(np.abs(integers(element)).max()) << first <= 2**18
    assert (E.E3M2.lost, E.E3M2.shift, E.E4M3.lost, E.E4M3.shift) == (2, 6, 11, 14)
