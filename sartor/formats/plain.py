"""Real numbers without scales. IEEE 754 binary32 and binary16; bfloat16 is the upper half of a binary32.

Rounded to nearest, ties to even. What is beyond the largest binary16, 65504, is refused; bfloat16 reaches 3.39e38.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import BrokenFile, InputError
from .codec import Codec, Encoded, finite, floats
from .floats import DTYPES, Floats
from .spec import NumberFormat

_KINDS = {"e8m23": "F32", "e5m10": "F16", "e8m7": "BF16"}  # column `number`


def made(form: NumberFormat) -> Codec:
    return Plain(form, _KINDS[form.number])


@dataclass(frozen=True)
class Plain(Codec):
    kind: str

    def encode(self, w: Floats | np.ndarray, where: str = "the weights") -> Encoded:
        w = floats(w)
        x = w.dequantized()
        finite(x, where)
        with np.errstate(over="ignore"):
            stored = rounded(x, self.kind)
        if (bad := ~np.isfinite(Floats(self.kind, stored).dequantized())).any():
            row, column = (int(i) for i in np.argwhere(bad)[0])
            weight = f"{x[row, column]:g} at [{row}, {column}]"
            raise InputError(f"{where}: the weight {weight} is not a number that {self.form.name} holds")
        return Encoded(self, w.n, w.k, {"codes": stored.view(self._codes)})

    def decode(self, encoded: Encoded) -> np.ndarray:
        return Floats(self.kind, encoded.codes.view(DTYPES[self.kind])).dequantized()

    def pack(self, encoded: Encoded) -> np.ndarray:
        return np.ascontiguousarray(encoded.codes).reshape(-1).view(np.uint8)

    def unpack(self, raw: Any, n: int, k: int) -> Encoded:
        raw = np.frombuffer(raw, np.uint8)
        if len(raw) != n * k * self._codes.itemsize:
            raise BrokenFile(f"{len(raw)} bytes are not {n} x {k} weights of {self.form.name}")
        return Encoded(self, n, k, {"codes": raw.view(self._codes).reshape(n, k)})

    @property
    def _codes(self) -> np.dtype[Any]:
        return np.dtype(f"<u{DTYPES[self.kind].itemsize}")


def rounded(x: np.ndarray, kind: str) -> np.ndarray:
    """float32 as `kind` of DTYPES, to nearest even."""
    if kind != "BF16":
        return x.astype(DTYPES[kind])
    whole = np.asarray(x, np.float32).view(np.uint32)
    odd = (whole >> np.uint32(16)) & np.uint32(1)
    return ((whole + np.uint32(0x7FFF) + odd) >> np.uint32(16)).astype(np.uint16)
