"""2:4 sparsity behind any format: of each four neighbors of a row the two of larger magnitude are kept.

Of equal ones the earlier. The kept weights, side by side, are a matrix [n, k / 2] in the dense format, so that its
groups span twice as many weights; beside it two bits say where each sat among its four. For models trained so.
Source: Mishra et al., "Accelerating Sparse Deep Neural Networks", arXiv 2104.08378.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError
from . import stream
from .codec import Codec, Encoded, codec, finite, floats
from .element import Element
from .floats import Floats
from .spec import INDEX_BITS, SPARSE, NumberFormat

_KEPT = np.zeros((16, 2), np.uint8)  # by a mask of four bits, two of them set
for _mask in range(16):
    if _mask.bit_count() == 2:
        _KEPT[_mask] = [i for i in range(4) if _mask >> i & 1]


def made(form: NumberFormat) -> Codec:
    return Sparse(form, codec(form.name.removesuffix(SPARSE)))


@dataclass(frozen=True)
class Sparse(Codec):
    dense: Codec

    @property
    def element(self) -> Element | None:
        return self.dense.element

    def encode(self, w: Floats | np.ndarray, where: str = "the weights") -> Encoded:
        """`parts`: those of the kept weights [n, k / 2], and their `index`."""
        w = floats(w)
        if w.k % 4:
            raise InputError(f"{where}: rows of {w.k} weights are not whole fours, as {self.form.name} asks for")
        x = w.dequantized()
        finite(x, where)
        index = kept(x)
        fours = x.reshape(w.n, -1, 4)
        own = np.take_along_axis(fours, index.astype(np.intp), axis=-1).reshape(w.n, -1)
        parts = self.dense.encode(own, f"{where}, two kept of four").parts
        return Encoded(self, w.n, w.k, {**parts, "index": index.reshape(w.n, -1)})

    def decode(self, encoded: Encoded) -> np.ndarray:
        half = encoded.k // 2
        parts = {name: part for name, part in encoded.parts.items() if name != "index"}
        own = self.dense.decode(Encoded(self.dense, encoded.n, half, parts))
        out = np.zeros((encoded.n, half // 2, 4), np.float32)
        index = encoded.parts["index"].reshape(encoded.n, -1, 2).astype(np.intp)
        np.put_along_axis(out, index, own.reshape(encoded.n, -1, 2), axis=-1)
        return out.reshape(encoded.n, encoded.k)

    def pack(self, encoded: Encoded) -> np.ndarray:
        own = Encoded(self.dense, encoded.n, encoded.k // 2, encoded.parts)
        return np.concatenate([stream.pack(encoded.parts["index"], INDEX_BITS), self.dense.pack(own)])

    def unpack(self, raw: Any, n: int, k: int) -> Encoded:
        raw, cut = np.frombuffer(raw, np.uint8), stream.size(n * k // 2, INDEX_BITS)
        index = stream.unpack(raw[:cut], INDEX_BITS, n * k // 2, np.dtype(np.uint8)).reshape(n, k // 2)
        return Encoded(self, n, k, {**self.dense.unpack(raw[cut:], n, k // 2).parts, "index": index})


def kept(x: np.ndarray) -> np.ndarray:
    """uint8 [n, k / 4, 2]: which two of four, ascending.

    >>> kept(np.array([[1, -3, 2, 0, 5, 5, 5, 5]], np.float32)).tolist()
    [[[1, 2], [0, 1]]]
    """
    size = np.abs(x.reshape(len(x), -1, 4))
    lost = np.zeros(size.shape, np.uint8)  # against how many of the others
    for i in range(4):
        for j in range(i + 1, 4):
            first = size[..., i] >= size[..., j]
            lost[..., j] += first
            lost[..., i] += ~first
    mask = ((lost < 2) << np.arange(4, dtype=np.uint8)).sum(-1, dtype=np.uint8)
    return _KEPT[mask]
