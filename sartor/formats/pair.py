"""A cache whose keys and values have formats of their own: `number` of its row names both.

Keys need more bits than values: a score is a sum over channels of which a few are large, and goes through an
exponential. Bits and scales of the row are the mean of both. No format of weights.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import Unsupported
from .codec import Codec, Encoded
from .floats import Floats
from .spec import NumberFormat, format_named


def of_keys(name: str) -> str:
    """The format of keys in a cache of `name`.

    >>> of_keys("k8v4-g32"), of_values("k8v4-g32"), of_keys("int8-g32")
    ('int8-g32', 'int4-g32', 'int8-g32')
    """
    return _halves(name)[0]


def of_values(name: str) -> str:
    """The format of values in a cache of `name`."""
    return _halves(name)[1]


def _halves(name: str) -> tuple[str, str]:
    form = format_named(name)
    keys, _, values = form.number.partition("/") if form.codec == "pair" else (name, "", name)
    return keys, values


class Pair(Codec):
    """Refused where weights are meant."""

    def encode(self, w: Floats | np.ndarray, where: str = "the weights") -> Encoded:
        raise self._refused(where)

    def decode(self, encoded: Encoded) -> np.ndarray:
        raise self._refused("the weights")

    def pack(self, encoded: Encoded) -> np.ndarray:
        raise self._refused("the weights")

    def unpack(self, raw: Any, n: int, k: int) -> Encoded:
        raise self._refused("the weights")

    def _refused(self, where: str) -> Unsupported:
        keys, values = _halves(self.form.name)
        return Unsupported(
            f"{where}: {self.form.name} is a cache, keys in {keys} and values in {values}: try one of these, or --kv"
        )


def made(form: NumberFormat) -> Codec:
    return Pair(form)
