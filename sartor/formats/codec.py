"""Number formats, bit for bit: real weights to what hardware stores, and back.

    encoded = codec("nvfp4").encode(w)      # float32 or Floats [n, k]
    encoded.parts                           # small integer arrays: codes [n, k], and the scales
    encoded.dequantized()                   # float32 [n, k]
    encoded.packed()                        # bytes, as they lie in memory
    codec("mxfp4-2:4").round_trip(w)        # what a format does to weights

Each format is a row of formats.csv, whose column `codec` names the file of this folder that defines it: its function
`made(form)` gives a `Codec`. Nothing else knows the names (docs/how-to-add.md).
"""

from __future__ import annotations

import functools
import importlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError, Unsupported
from .element import Element
from .floats import Floats
from .spec import SPARSE, NumberFormat, format_named

Parts = dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Encoded:
    """A matrix [n, k] as its format stores it. `parts`: `codes` [n, k], and the codec's scales [n, groups, ...]."""

    codec: Codec
    n: int
    k: int
    parts: Parts

    @property
    def codes(self) -> np.ndarray:
        return self.parts["codes"]

    @property
    def integers(self) -> np.ndarray:
        """int32 [n, k]: the whole numbers that hardware multiplies, in units of `codec.element.unit`."""
        element = self.codec.element
        if element is None or not element.unit:
            raise Unsupported(f"the codes of {self.codec.form.name} are not multiples of one unit")
        return (element.numbers(self.codes) / np.float32(element.unit)).astype(np.int32)

    def dequantized(self) -> np.ndarray:
        """float32 [n, k]."""
        return self.codec.decode(self)

    def packed(self) -> np.ndarray:
        """uint8 [bytes]."""
        return self.codec.pack(self)


@dataclass(frozen=True)
class Codec(ABC):
    """How a format makes codes of real weights, and real weights of codes."""

    form: NumberFormat

    @property
    def element(self) -> Element | None:
        """What a code means before its scale; None where that depends on the group."""
        return None

    @abstractmethod
    def encode(self, w: Floats | np.ndarray, where: str = "the weights") -> Encoded:
        """`w` [n, k] as the format stores it; `where` names the tensor in errors."""

    @abstractmethod
    def decode(self, encoded: Encoded) -> np.ndarray:
        """float32 [n, k]."""

    @abstractmethod
    def pack(self, encoded: Encoded) -> np.ndarray:
        """uint8 [bytes]."""

    @abstractmethod
    def unpack(self, raw: Any, n: int, k: int) -> Encoded:
        """What `pack` made of a matrix [n, k]."""

    def round_trip(self, w: Floats | np.ndarray, where: str = "the weights") -> np.ndarray:
        """float32 [n, k]: `w` as it comes back."""
        return self.decode(self.encode(w, where))

    def bits_per_weight(self, k: int) -> float:
        """Scales included; what a whole tensor shares is not counted."""
        return self.form.bits(k)


@functools.cache
def codec(name: str) -> Codec:
    """The codec of the format `name`: a row of formats.csv, with `-2:4` behind it for two kept of four."""
    form = format_named(name)
    file = "sparse" if name.endswith(SPARSE) else form.codec
    made: Codec = importlib.import_module(f".{file}", __package__).made(form)
    return made


def finite(x: np.ndarray, where: str, start: int = 0, why: str = "is not a number that can be stored") -> None:
    """Refuses rows `start` and on where one is not finite."""
    if not np.isfinite(x).all():
        row, column = (int(i) for i in np.argwhere(~np.isfinite(x))[0])
        raise InputError(f"{where}: the weight {x[row, column]:g} at [{start + row}, {column}] {why}")


def floats(w: Floats | np.ndarray) -> Floats:
    return w if isinstance(w, Floats) else Floats("F32", np.asarray(w, np.float32))
