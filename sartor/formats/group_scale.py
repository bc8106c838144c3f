"""What a group of weight codes brings along, as the chip reads it: scale, minimum, zero point."""

from __future__ import annotations

import enum

import numpy as np


class Number(enum.Enum):
    """How one number of a scale is stored, and in how many bytes."""

    HALF = "binary16", 2
    POWER = "E8M0", 1
    SMALL = "E4M3", 1

    @property
    def nbytes(self) -> int:
        return int(self.value[1])


class Scale(enum.IntEnum):
    """What a group of weight codes brings along: 32 << `share` of them, neighbors in a row. Its number in the
    instruction, and `slots`: what lies side by side in a slot, of each array of slots of a packet. How words and bytes
    of the stream (families/tensor/stream_scales.py) and registers (rtl/scale_buffer.py) hold them follows from it."""

    slots: tuple[tuple[Number, ...], ...]

    NONE = 0  # scale 1, codes signed
    SCALE = 1, (Number.HALF,)  # d; w = d q, codes signed
    SCALE_MINIMUM = 2, (Number.HALF, Number.HALF)  # d, m; w = d q + m, codes unsigned
    POWER = 3, (Number.POWER,)  # d, a power of two; w = d q, codes signed
    PAIR = 4, (Number.SMALL, Number.SMALL)  # d of the first 16 of a block and of the others; w = d q, codes signed
    # z, and d of each plane in an array of its own; w = z + the sum over planes of d q, codes signs
    PLANES = 5, (Number.HALF,), (Number.HALF,)
    ZERO = 6, (Number.HALF,)  # d, and a whole number z of `zero_bits` apart; w = d (q - z), codes and z unsigned

    def __new__(cls, number: int, *slots: tuple[Number, ...]) -> Scale:
        one = int.__new__(cls, number)
        one._value_, one.slots = number, slots
        return one

    @property
    def numbers(self) -> tuple[Number, ...]:
        """Of a slot, of all arrays with one plane."""
        return sum(self.slots, ())

    def arrays(self, planes: int = 1) -> tuple[int, ...]:
        """Bytes of a slot in each array of a packet, one array behind the other; zero points lie apart."""
        return SCALE_BYTES[self] + SCALE_BYTES[self][-1:] * (planes - 1 if self == Scale.PLANES else 0)

    def nbytes(self, planes: int = 1) -> int:
        """Of a slot in all arrays."""
        return sum(self.arrays(planes))


# Of a slot, by Scale.
SCALE_BYTES = tuple(tuple(sum(number.nbytes for number in slot) for slot in each.slots) for each in Scale)
MOST_PLANES = 4

POWER_BIAS = 127  # E8M0


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
