"""What a weight is before its scale: small floats, integers, codebooks; numbers to codes and back."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Protocol

import numpy as np


class Element(Protocol):
    """`bits` of a code; all numbers are whole multiples of `unit`, if it is not 0."""

    @property
    def bits(self) -> int: ...
    @property
    def unit(self) -> float: ...
    @property
    def largest(self) -> float: ...

    def nearest(self, x: np.ndarray) -> np.ndarray:
        """The codes of finite float32 numbers: round to nearest, saturate."""

    def numbers(self, codes: np.ndarray) -> np.ndarray:
        """float32, exact."""


@dataclass(frozen=True)
class Small:
    """A small float: sign, `exponent` and `mantissa` bits, subnormals, ties to even.

    `specials`: the largest codes that are infinite or no number: 0 of MX elements, 1 of E4M3 (NaN), 4 of E5M2.
    """

    exponent: int
    mantissa: int
    bias: int
    specials: int = 0

    @property
    def bits(self) -> int:
        return 1 + self.exponent + self.mantissa

    @property
    def unit(self) -> float:
        """The smallest subnormal."""
        return 2.0 ** (1 - self.bias - self.mantissa)

    @property
    def last(self) -> int:
        """The code of the largest number."""
        return 2 ** (self.bits - 1) - 1 - self.specials

    @property
    def largest(self) -> float:
        """
        >>> E4M3.largest, E5M2.largest, E3M2.largest, E2M3.largest, E2M1.largest
        (448.0, 57344.0, 28.0, 7.5, 6.0)
        """
        return float(self.table[self.last])

    @property
    def top(self) -> int:
        """The exponent of the largest number: emax."""
        return int(np.floor(np.log2(self.largest)))

    @functools.cached_property
    def table(self) -> np.ndarray:
        """float32 [2^bits]."""
        code = np.arange(2 ** (self.bits - 1))
        field, fraction = code >> self.mantissa, code & (2**self.mantissa - 1)
        hidden = np.where(field > 0, 2**self.mantissa, 0)
        size = (hidden + fraction) * self.unit * 2.0 ** np.maximum(field - 1, 0)
        if self.specials:
            size[self.last + 1 :] = np.nan
        if self.specials > 1:
            size[self.last + 1] = np.inf
        return np.concatenate([size, -size]).astype(np.float32)

    def nearest(self, x: np.ndarray) -> np.ndarray:
        """Adding 2^(23 - mantissa) times the power of two below |x| leaves the rounded mantissa in the low bits."""
        whole = np.asarray(x, np.float32).view(np.uint32)
        sign = ((whole >> np.uint32(31)) << np.uint32(self.bits - 1)).astype(np.uint8)
        size = np.minimum((whole & np.uint32(0x7FFFFFFF)).view(np.float32), np.float32(self.largest))
        lowest = np.uint32((128 - self.bias) << 23)  # the exponent of the smallest normal
        power = np.maximum(size.view(np.uint32) & np.uint32(0x7F800000), lowest)
        shifter = power + np.uint32((23 - self.mantissa) << 23)
        steps = (size + shifter.view(np.float32)).view(np.uint32) - shifter
        steps += (power - lowest) >> np.uint32(23 - self.mantissa)
        return sign | steps.astype(np.uint8)

    def numbers(self, codes: np.ndarray) -> np.ndarray:
        return np.take(self.table, codes)


E4M3 = Small(4, 3, 7, specials=1)
E5M2 = Small(5, 2, 15, specials=4)
E3M2, E2M3, E2M1 = Small(3, 2, 3), Small(2, 3, 1), Small(2, 1, 1)


@dataclass(frozen=True)
class Integer:
    """Whole multiples of `unit`, low to high. Codes of 8 bits are two's complement, shorter ones add `offset`."""

    bits: int
    low: int
    high: int
    offset: int = 0
    unit: float = 1.0

    @property
    def largest(self) -> float:
        return self.high * self.unit

    def nearest(self, x: np.ndarray) -> np.ndarray:
        steps = np.rint(x if self.unit == 1 else x * np.float32(1 / self.unit))
        np.clip(steps, self.low, self.high, out=steps)
        if self.offset:
            steps += np.float32(self.offset)
        return steps.astype(np.int8 if self.bits == 8 else np.uint8)

    def numbers(self, codes: np.ndarray) -> np.ndarray:
        x = codes.astype(np.float32)
        if self.offset:
            x -= np.float32(self.offset)
        return x if self.unit == 1 else x * np.float32(self.unit)


@dataclass(frozen=True, eq=False)
class Codebook:
    """Ascending numbers; the nearer one wins, of two equally near ones the lower."""

    levels: np.ndarray
    unit: float = 0.0

    @property
    def bits(self) -> int:
        return (len(self.levels) - 1).bit_length()

    @property
    def largest(self) -> float:
        return float(self.levels[-1])

    def nearest(self, x: np.ndarray) -> np.ndarray:
        return above(x, (self.levels[1:] + self.levels[:-1]) / np.float32(2))

    def numbers(self, codes: np.ndarray) -> np.ndarray:
        return np.take(self.levels, codes)


def whole_numbers(*levels: int) -> Codebook:
    """A codebook of multiples of 1, ascending."""
    return Codebook(np.array(levels, np.float32), 1.0)


def above(x: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """How many of `limits` [m] or [..., m] each of x [..., size] is above: uint8."""
    count = np.zeros(x.shape, np.uint8)
    for i in range(limits.shape[-1]):
        count += x > (limits[..., i, None] if limits.ndim > 1 else limits[i])
    return count
