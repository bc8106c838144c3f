"""Elements and scales of weight formats as the chip decodes them: each code is a small integer, its scale apart.

`Element` numbers them as the instruction does. Integers of less than 8 bits are stored unsigned: with a minimum as they
are, else with half their range added. A sign is one bit, 1 for +1 and 0 for -1: a plane of binary codes. The small
floating-point numbers are integers times a power of two (OCP Microscaling Formats v1.0, 2023, section 5.3): E2M1 counts
halves, E2M3 eighths, E4M3 512ths.
"""

from __future__ import annotations

import enum
import functools

import numpy as np


class Element(enum.IntEnum):
    INT4 = 0
    INT8 = 1  # two's complement
    INT2 = 2  # ternary weights too
    INT3 = 3
    E2M1 = 4
    E2M3 = 5
    SIGN = 6
    E4M3 = 7
    INT5 = 8
    INT6 = 9

    @property
    def bits(self) -> int:
        return _BITS[self]

    @property
    def fraction(self) -> int:
        """Its values are the integers times 2^-fraction."""
        return {Element.E2M1: 1, Element.E2M3: 3, Element.E4M3: 9}.get(self, 0)

    @property
    def lost(self) -> int:
        """Bits that a product with a scale has more than the accumulator takes: so many more are rounded away."""
        return LOST if self == Element.E4M3 else 0

    @property
    def is_float(self) -> bool:
        return self in MANTISSA

    @property
    def parts(self) -> tuple[int, int]:
        """Bits of the low and of the high part in which codes are stored: powers of two, so that words hold whole
        numbers of them."""
        return _PARTS.get(self.bits, (self.bits, 0))


class Scale(enum.IntEnum):
    """What a group of weight codes brings along: 32 << `share` of them, neighbors in a row."""

    NONE = 0  # scale 1, codes signed
    SCALE = 1  # binary16 d; w = d q, codes signed
    SCALE_MINIMUM = 2  # binary16 d, m; w = d q + m, codes unsigned
    POWER = 3  # E8M0 d, a power of two; w = d q, codes signed
    PAIR = 4  # E4M3 d of the first 16 of a block and of the others; w = d q, codes signed
    PLANES = 5  # binary16 z, and binary16 d of each plane; w = z + the sum over planes of d q, codes signs

    ZERO = 6  # whole number z of `zero_bits`, and binary16 d; w = d (q - z), codes and z unsigned

    def arrays(self, planes: int = 1) -> tuple[int, ...]:
        """Bytes of a slot in each array of a packet, one array behind the other; zero points lie apart."""
        return SCALE_BYTES[self] + (2,) * (planes - 1 if self == Scale.PLANES else 0)

    def nbytes(self, planes: int = 1) -> int:
        """Of a slot in all arrays."""
        return sum(self.arrays(planes))


SCALE_BYTES: tuple[tuple[int, ...], ...] = ((), (2,), (4,), (1,), (2,), (2, 2), (2,))  # of a slot, by Scale
MOST_PLANES = 4


_BITS = {
    Element.INT4: 4, Element.INT8: 8, Element.INT2: 2, Element.INT3: 3, Element.E2M1: 4, Element.E2M3: 6,
    Element.SIGN: 1, Element.E4M3: 8, Element.INT6: 6,
    Element.INT5: 5,
}  # fmt: skip
_PARTS = {
    3: (2, 1),
    5: (4, 1),
    6: (4, 2),
}
SYMMETRIC = (Element.INT5, Element.INT6)  # integers that have neither minimum nor zero point
POWER_BIAS = 127  # E8M0
MANTISSA = {Element.E2M1: 1, Element.E2M3: 3, Element.E4M3: 3}
LOST = 11  # 32 x 448 x 2^9 x 127 x 2047 < 2^41, and a term is at most 2^30


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
    """int16, of E4M3 int32 [2^bits]: the integer of each code, read as an unsigned number; `unsigned`: codes have no
    sign, as with a minimum.

    >>> integers(Element.E2M1)[:8].tolist(), integers(Element.INT2).tolist(), integers(Element.SIGN).tolist()
    ([0, 1, 2, 3, 4, 6, 8, 12], [-2, -1, 0, 1], [-1, 1])
    """
    codes: np.ndarray = np.arange(1 << element.bits, dtype=np.int16)
    if element.is_float:
        wide = codes.astype(np.int32) if element == Element.E4M3 else codes
        return _of_floats(wide, element.bits, MANTISSA[element])
    if element == Element.SIGN:
        return 2 * codes - np.int16(1)
    if element == Element.INT8:
        return codes.astype(np.uint8).view(np.int8).astype(np.int16)
    return codes if unsigned else codes - np.int16(1 << element.bits - 1)


def _of_floats(codes: np.ndarray, bits: int, mantissa: int) -> np.ndarray:
    """Sign, exponent, mantissa; the smallest exponent has no hidden bit."""
    field = codes >> mantissa & (1 << bits - 1 - mantissa) - 1
    whole = (codes & (1 << mantissa) - 1) + np.where(field > 0, 1 << mantissa, 0)
    magnitude = whole << np.maximum(field - 1, 0)
    return np.where(codes >> bits - 1, -magnitude, magnitude).astype(codes.dtype)


def scale_values(scale: Scale, codes: np.ndarray) -> np.ndarray:
    """float32 of scales: exact.

    >>> scale_values(Scale.POWER, np.uint8([127, 126])), scale_values(Scale.PAIR, np.uint8([0x38, 0x01]))
    (array([1. , 0.5], dtype=float32), array([1.        , 0.00195312], dtype=float32))
    """
    if scale == Scale.POWER:
        return np.ldexp(np.float32(1), codes.astype(np.int32) - POWER_BIAS)
    return (half_of_e4m3(codes) if scale == Scale.PAIR else codes).view(np.float16).astype(np.float32)


def half_of_e4m3(codes: np.ndarray) -> np.ndarray:
    """uint16: binary16 codes of E4M3 codes (4 bits of exponent, bias 7): exact; NaN has no meaning here."""
    codes = np.asarray(codes).astype(np.int64)
    field, fraction = codes >> 3 & 15, codes & 7
    value = np.where(field == 0, fraction, fraction + 8) * 2.0 ** (np.maximum(field, 1) - 10)
    return value.astype(np.float16).view(np.uint16) | (codes >> 7 & 1).astype(np.uint16) << np.uint16(15)
