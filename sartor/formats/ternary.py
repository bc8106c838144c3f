"""Ternary weights of BitNet b1.58: q = clamp(RNE(w / s), -1, 1), s the mean |w| of the tensor, in binary32.

Stored as q + 1, five in a byte: the sum of q_i 3^i; the last byte is filled up with zeros. For models that are trained
so: rounding another model's weights to it destroys them.
Source: Ma et al., "The Era of 1-bit LLMs", arXiv 2402.17764.
"""

from __future__ import annotations

import numpy as np

from ..errors import BrokenFile
from .beside import Part
from .codec import Codec, Parts
from .element import Integer
from .floats import Floats
from .scaled import Scaled
from .spec import NumberFormat

TRITS = 5  # in a byte: 3^5 = 243
_POWERS = np.array([1, 3, 9, 27, 81], np.uint8)


def made(form: NumberFormat) -> Codec:
    return Ternary(form, Integer(2, -1, 1, offset=1))


class Ternary(Scaled):
    stored = (Part("scale", np.float32, tensor=True),)

    def whole(self, w: Floats) -> Parts:
        step = max(1, 2**20 // w.k)
        rows = (w.rows(slice(start, start + step)).dequantized() for start in range(0, w.n, step))
        total = sum(float(np.abs(x).sum(dtype=np.float64)) for x in rows)
        return {"scale": np.asarray(total / (w.n * w.k), np.float32)}

    def params(self, x: np.ndarray, whole: Parts) -> Parts:
        return whole

    def scale(self, params: Parts) -> np.ndarray:
        return params["scale"].reshape(1, 1)

    def pack_codes(self, codes: np.ndarray) -> np.ndarray:
        flat = codes.reshape(-1)
        flat = np.concatenate([flat, np.zeros(-len(flat) % TRITS, np.uint8)])
        return (flat.reshape(-1, TRITS) * _POWERS).sum(axis=1, dtype=np.uint8)

    def unpack_codes(self, raw: np.ndarray, n: int, k: int) -> np.ndarray:
        if len(raw) != -(-n * k // TRITS):
            raise BrokenFile(f"{len(raw)} bytes of codes are not {n} x {k} weights of {self.form.name}")
        return (raw[:, None] // _POWERS % 3).reshape(-1)[: n * k].reshape(n, k)
