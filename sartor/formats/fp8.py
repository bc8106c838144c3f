"""FP8 with a scale that makes the largest weight the largest element, 448 or 57344.

E4M3 (bias 7, no infinity, 0x7F is NaN) and E5M2 (bias 15), ties to even, saturating. The scale is |w|max / largest:

    a channel    binary16 (group 0 with 16 scale bits)
    a tensor     binary32 (no scale bits: 32 bits a tensor are not counted)
    128 x 128    binary32 for a block of rows and columns, as DeepSeek-V3 stores its weights

Sources: Micikevicius et al., arXiv 2209.05433 (elements); DeepSeek-V3, arXiv 2412.19437, section 3.3 (blocks).
"""

from __future__ import annotations

import numpy as np

from .beside import Part, half, magnitude, real
from .codec import Codec, Parts
from .floats import Floats
from .scaled import SMALL, Scaled
from .spec import NumberFormat


def made(form: NumberFormat) -> Codec:
    if form.group:
        return Block(form, SMALL[form.number])
    return (Channel if form.scale_bits else Tensor)(form, SMALL[form.number])


class Channel(Scaled):
    stored = (Part("scale", np.uint16),)

    def params(self, x: np.ndarray, whole: Parts) -> Parts:
        return {"scale": half(magnitude(x) / np.float32(self.of.largest))}

    def scale(self, params: Parts) -> np.ndarray:
        return real(params["scale"])


class Tensor(Scaled):
    stored = (Part("scale", np.float32, tensor=True),)

    def whole(self, w: Floats) -> Parts:
        return {"scale": np.asarray(largest(w) / np.float32(self.of.largest), np.float32)}

    def params(self, x: np.ndarray, whole: Parts) -> Parts:
        return whole

    def scale(self, params: Parts) -> np.ndarray:
        return params["scale"].reshape(1, 1)


class Block(Scaled):
    """As many rows as columns share a scale."""

    @property
    def stored(self) -> tuple[Part, ...]:
        return (Part("scale", np.float32, rows=self.form.group),)

    def params(self, x: np.ndarray, whole: Parts) -> Parts:
        starts = np.arange(0, len(x), self.form.group)
        return {"scale": np.maximum.reduceat(magnitude(x), starts) / np.float32(self.of.largest)}

    def codes(self, x: np.ndarray, params: Parts) -> np.ndarray:
        return super().codes(x, self._of_rows(params, len(x)))

    def values(self, codes: np.ndarray, params: Parts) -> np.ndarray:
        return super().values(codes, self._of_rows(params, len(codes)))

    def scale(self, params: Parts) -> np.ndarray:
        return params["scale"]

    def _of_rows(self, params: Parts, n: int) -> Parts:
        return {"scale": np.repeat(params["scale"], self.form.group, axis=0)[:n]}


def largest(w: Floats) -> np.float32:
    """The largest magnitude of a tensor, some rows at a time."""
    step = max(1, 2**20 // w.k)
    parts = (w.rows(slice(start, start + step)).dequantized() for start in range(0, w.n, step))
    return np.float32(max(float(max(p.max(), -p.min())) for p in parts))
