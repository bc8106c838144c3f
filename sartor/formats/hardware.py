"""The formats of weights that the chip decodes, by name. The one place where a format meets the hardware.

A row of formats.csv whose weights are stored as integer codes with binary16 scales has a `Coding`; a chip may
name it, `quantize` makes it of real weights, the compiler packs it, the decoder reads it. A format of another kind
needs a coding of its own here, with its quantizer, and its decoder in families/tensor.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from ..errors import Unsupported
from .spec import NumberFormat, formats

BLOCK = 32  # weights that meet one group of activations
HALF_BITS = 16  # binary16: a scale, a minimum
GROUPS = (32, 64, 128, 256)
BITS = (4, 8)


@dataclass(frozen=True)
class Coding:
    """Codes of `bits`; `group` neighbors of a row share a scale d, and a minimum m where there is one: w = d q + m."""

    bits: int
    group: int
    minimum: bool

    def __str__(self) -> str:
        shared = "" if self.group == BLOCK else f" for {self.group}"
        return f"{self.bits}-bit codes with {'scale and minimum' if self.minimum else 'a scale'}{shared}"


@functools.cache
def decoded() -> dict[str, Coding]:
    """All formats that have a decoder."""
    return {name: coding for name, form in formats().items() if (coding := _coding(form))}


def coding_of(name: str) -> Coding:
    """How weights of the format `name` are stored on the chip."""
    if name not in decoded():
        raise Unsupported(f"{name!r} has no decoder in hardware ({', '.join(decoded())} have)")
    return decoded()[name]


def _coding(form: NumberFormat) -> Coding | None:
    plain = form.element == "integer" and form.element_bits in BITS and form.group in GROUPS
    if not plain or form.scale_bits != HALF_BITS or form.offset_bits not in (0, HALF_BITS):
        return None
    return Coding(int(form.element_bits), form.group, form.offset_bits > 0)
