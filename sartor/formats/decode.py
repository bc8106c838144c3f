"""Elements of weight formats as the chip decodes them: each code is a small integer, its scale apart (group_scale.py).

`Element` is the table of what decoders know: a new kind of code is a line of it, and all else follows from what its
codes stand for: how they lie in a stream (`parts`), which multipliers take them (families/tensor/multipliers.py), their
integers in the golden model (`integers`) and in gates (families/tensor/rtl/element_codes.py).
"""

from __future__ import annotations

import enum
import functools
import math
from dataclasses import replace
from typing import Any

import numpy as np

from . import element as numbers
from .element import Integer, Small, whole_numbers

BYTE = 7  # bits of the integers of a byte, without their sign
LOST = 11  # places by which a multiplier that shifts has them further to the left: terms lose as many bits
MOST_SHIFT = 15  # of its products


class Element(enum.IntEnum):
    """Its number in the instruction, and what its codes stand for: whole multiples of a unit. Integers of less than 8
    bits are stored unsigned: with a minimum as they are, else with half their range added. Small floating-point numbers
    are integers times a power of two (OCP Microscaling Formats v1.0, 2023, section 5.3): E2M1 counts halves, E2M3
    eighths, E4M3 512ths."""

    of: numbers.Element

    INT4 = 0, Integer(4, -8, 7, offset=8)
    INT8 = 1, Integer(8, -128, 127)  # two's complement
    INT2 = 2, Integer(2, -2, 1, offset=2)  # ternary weights too
    INT3 = 3, Integer(3, -4, 3, offset=4)
    E2M1 = 4, numbers.E2M1
    E2M3 = 5, numbers.E2M3
    SIGN = 6, whole_numbers(-1, 1)  # a plane of binary codes
    E4M3 = 7, replace(numbers.E4M3, specials=0)  # what is no number is refused where weights are read
    INT5 = 8, Integer(5, -16, 15, offset=16)
    INT6 = 9, Integer(6, -32, 31, offset=32)
    E3M2 = 10, numbers.E3M2
    CB4 = 11, whole_numbers(-16, -13, -10, -8, -6, -4, -2, -1, 0, 1, 2, 4, 6, 8, 10, 13)

    def __new__(cls, number: int, of: Any = None) -> Element:  # Element(number) looks a member up
        one = int.__new__(cls, number)
        one._value_, one.of = number, of
        assert all(bits & bits - 1 == 0 for bits in one.parts), "words hold no whole numbers of such codes"
        return one

    @property
    def bits(self) -> int:
        return self.of.bits

    @property
    def fraction(self) -> int:
        """Its values are the integers times 2^-fraction."""
        return -round(math.log2(self.of.unit))

    @property
    def in_a_byte(self) -> bool:
        """Its integers are -128 to 127: any multipliers take them, some in two steps. Others are shifted."""
        return bool(integers(self).min() >= -128 and integers(self).max() <= 127)

    @property
    def shift(self) -> int:
        """Places by which the smallest number of a small float is shifted to make the largest."""
        return (1 << self.of.exponent) - 2 if isinstance(self.of, Small) else 0

    @property
    def lost(self) -> int:
        """Bits that a product with a scale has more than the accumulator takes, or than a multiplier shifts: so many
        more are rounded away.

        32 x 448 x 2^9 x 127 x 2047 of E4M3 < 2^41, and a term is at most 2^30: 11.
        """
        if self.in_a_byte:
            return 0
        return max(int(integers(self).max()).bit_length() - BYTE, LOST + self.shift - MOST_SHIFT)

    @property
    def is_integer(self) -> bool:
        """Its codes are integers as they stand there; others are looked up."""
        return isinstance(self.of, Integer)

    @property
    def is_float(self) -> bool:
        return isinstance(self.of, Small)

    @property
    def has_minimum(self) -> bool:
        """Integers that may come with a minimum."""
        return self in _WITH_MINIMUM

    @property
    def parts(self) -> tuple[int, int]:
        """Bits of the low and of the high part in which codes are stored: powers of two, so that words hold whole
        numbers of them."""
        low = 1 << self.bits.bit_length() - 1
        return low, self.bits - low


_WITH_MINIMUM = (Element.INT2, Element.INT3, Element.INT4, Element.INT8)


def zero_bits(element: Element) -> int:
    """Of a zero point in memory: those of the codes, or the next power of two, so that words hold whole numbers of
    them; 0 of codes that have none.

    >>> [zero_bits(element) for element in (Element.INT2, Element.INT3, Element.INT4, Element.INT8)]
    [2, 4, 4, 0]
    """
    integer = element in (Element.INT2, Element.INT3, Element.INT4)
    return 1 << (element.bits - 1).bit_length() if integer else 0


@functools.cache
def integers(element: Element, unsigned: bool = False) -> np.ndarray:
    """int16, or int32 [2^bits]: the integer of each code, read as an unsigned number; `unsigned`: codes have no sign,
    as with a minimum.

    >>> integers(Element.E2M1)[:8].tolist(), integers(Element.INT2).tolist(), integers(Element.SIGN).tolist()
    ([0, 1, 2, 3, 4, 6, 8, 12], [-2, -1, 0, 1], [-1, 1])
    """
    codes = np.arange(1 << element.bits, dtype=np.uint8)
    if unsigned and element != Element.INT8:
        return codes.astype(np.int16)
    stored = codes.view(np.int8) if element == Element.INT8 else codes
    found = element.of.numbers(stored) / np.float32(element.of.unit)
    return found.astype(np.int16 if np.abs(found).max() < 2**15 else np.int32)
