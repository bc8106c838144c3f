"""Blocks of GGUF as the reference implementation writes them: codes are rounded to the scale before it is binary16.

    Q4_0, Q5_0   d = x / -c, x the extreme (the first of equal ones)   q = trunc(fl(w id) + c + 0.5), id = fl(1 / d)
    Q4_1         d = (high - low) / 15, m = low                        q = trunc(fl(fl(w - m) id) + 0.5)
    Q8_0         d = |x| / 127                                         q = w id, halves away from zero

Source: ggml-org/ggml, ggml-quants.c: quantize_row_*_ref; gguf-py.
"""

from __future__ import annotations

import numpy as np

from .codec import Codec, Parts
from .element import Integer
from .grouped import half
from .integers import Minimum, Symmetric
from .spec import NumberFormat


def made(form: NumberFormat) -> Codec:
    bits = int(form.element_bits)
    c = 2 ** (bits - 1)
    if form.offset_bits:
        return Lowest(form, Integer(bits, 0, 2 * c - 1))
    return Largest(form, Integer(8, -127, 127)) if bits == 8 else Extreme(form, Integer(bits, -c, c - 1, offset=c))


class Extreme(Symmetric):
    def groups_encoded(self, x: np.ndarray, whole: Parts) -> Parts:
        at = np.abs(x).argmax(-1)[..., None]
        d = np.take_along_axis(x, at, axis=-1) / np.float32(self.of.low)
        steps = np.trunc(x * _inverse(d) + np.float32(self.of.offset + 0.5))
        return {"codes": np.minimum(steps, 2**self.of.bits - 1).astype(np.uint8), "scale": half(d[..., 0])}


class Lowest(Minimum):
    def groups_encoded(self, x: np.ndarray, whole: Parts) -> Parts:
        low, high = x.min(-1, keepdims=True), x.max(-1, keepdims=True)
        d = (high - low) / self.steps
        steps = np.trunc((x - low) * _inverse(d) + np.float32(0.5))
        codes = np.minimum(steps, self.of.high).astype(np.uint8)
        return {"codes": codes, "scale": half(d[..., 0]), "minimum": half(low[..., 0])}


class Largest(Symmetric):
    def groups_encoded(self, x: np.ndarray, whole: Parts) -> Parts:
        d = np.abs(x).max(-1, keepdims=True) / np.float32(127)
        steps = x * _inverse(d)
        whole_steps = np.trunc(steps)
        away = np.copysign((np.abs(steps - whole_steps) >= np.float32(0.5)).astype(np.float32), steps)
        return {"codes": (whole_steps + away).astype(np.int8), "scale": half(d[..., 0])}


def _inverse(d: np.ndarray) -> np.ndarray:
    return np.where(d == 0, np.float32(0), np.float32(1) / d)
