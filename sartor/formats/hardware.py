"""The formats of weights that the chip decodes, by name. The one place where a format meets the hardware.

A row of formats.csv whose weights are integers of up to 8 bits, or as good as that, with scales has a `Coding`; a chip
may name it, `quantize` makes it of real weights, the compiler packs it, the decoder reads it. A format of another kind
needs a coding of its own here, with its quantizer, and its decoder in families/tensor.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..errors import Unsupported
from .decode import Element, zero_bits
from .group_scale import Scale
from .parts import GROUPS as PARTS_OF
from .spec import NumberFormat, format_named, formats

BLOCK = 32  # weights that meet one group of activations
HALF_BITS = 16  # binary16: a scale, a minimum
GROUPS = (32, 64, 128, 256)
PLANES = (2, 3, 4)  # of binary codes
PAIRED = 16  # weights that share an E4M3 scale
CACHES = ("pair", "kivi")  # codecs of a cache alone
MXINT8_FRACTION = 6  # its codes count 64ths (OCP Microscaling Formats v1.0, 5.3.4)


@dataclass(frozen=True)
class Coding:
    """Codes of `bits`, those of `number` or integers; `group` neighbors of a row share a scale d, and a minimum m where
    there is one: w = d q + m. `byte`: d is a byte, E8M0, or E4M3 where 16 share it. `binary`: the bits are signs, each
    with a d of its own. `zero`: w = d (q - z). `rows`: so many rows share a scale too, 0 all of them, which is stored
    for each of them."""

    bits: int
    group: int
    minimum: bool
    number: Element | None = None
    byte: bool = False
    binary: bool = False
    zero: bool = False
    rows: int = 1

    @property
    def stream(self) -> Coding:
        """As the decoder sees it: each row has its scales."""
        return replace(self, rows=1)

    @property
    def stored_bits(self) -> float:
        """Of a weight in memory, scales included, in whole groups."""
        shared = 8 * self.scale.nbytes(self.planes) + (zero_bits(self.element) if self.zero else 0)
        return self.bits + shared / max(self.group, BLOCK)

    @property
    def element(self) -> Element:
        if self.binary:
            return Element.SIGN
        return Element[f"INT{self.bits}"] if self.number is None else self.number

    @property
    def planes(self) -> int:
        """In which codes are read."""
        return self.bits if self.binary else 1

    @property
    def scale(self) -> Scale:
        if self.binary or self.zero:
            return Scale.PLANES if self.binary else Scale.ZERO
        if self.byte:
            return Scale.PAIR if self.group == PAIRED else Scale.POWER
        return Scale.SCALE_MINIMUM if self.minimum else Scale.SCALE

    @property
    def fraction(self) -> int:
        """Weights are the integers times 2^-fraction, times d."""
        return MXINT8_FRACTION if self.byte and self.element == Element.INT8 else self.element.fraction

    @property
    def counted(self) -> int:
        """An accumulator counts 2^-counted of the smallest part of d q that it could: see numerics.unit_of."""
        return self.fraction - self.element.lost

    def __str__(self) -> str:
        shared = "" if self.group == BLOCK else f" for {self.group}"
        bits = f"{self.bits}-plane binary" if self.binary else f"{self.bits}-bit"
        codes = bits if self.number is None else self.element.name
        scale = {Scale.POWER: "an E8M0 scale", Scale.PAIR: "an E4M3 scale", Scale.SCALE: "a scale",
                 Scale.PLANES: "scales and offset", Scale.ZERO: "a scale and a zero point"}  # fmt: skip
        return f"{codes} codes with {scale.get(self.scale, 'scale and minimum')}{shared}"


@functools.cache
def decoded() -> dict[str, Coding]:
    """All formats that have a decoder."""
    return {name: coding for name, form in formats().items() if (coding := _coding(form))}


def coding_of(name: str) -> Coding:
    """How weights of the format `name` are stored on the chip."""
    if name not in decoded():
        raise Unsupported(no_decoder(name))
    return decoded()[name]


def no_decoder(name: str) -> str:
    """What is said of a format without: the four with one whose bits are nearest."""
    bits = format_named(name).bits()
    near = sorted(decoded(), key=lambda other: abs(formats()[other].bits() - bits))[:4]
    return f"{name!r} has no decoder in hardware (try {', '.join(near)}; all that have: sartor list formats)"


def by_table(name: str) -> bool:
    """Whether tables hold its sums: of bytes, and of one scale a block; of what has no decoder nothing is known."""
    coding = decoded().get(name)
    return coding is not None and coding.scale != Scale.PAIR and coding.element.in_a_byte


def codings_of(formats: str | Mapping[str, str]) -> dict[str, Coding]:
    """How each part of the model (formats.parts) is stored on a chip for `formats`: one of all matrices of the layers,
    or one a part; a head without its own has that of the FFN, or stays as it is."""
    each = dict.fromkeys(PARTS_OF["linear"], formats) if isinstance(formats, str) else formats
    return {part: coding_of(name) for part, name in each.items()}


def _coding(form: NumberFormat) -> Coding | None:
    if form.codec in CACHES:
        return None
    bits, known = int(form.element_bits), form.group in GROUPS
    if form.codec == "bcq":
        return Coding(bits, form.group, True, binary=True) if bits in PLANES and known else None
    number = Element.__members__.get(form.number.upper())
    if number is None and not (form.element == "integer" and f"INT{bits}" in Element.__members__):
        return None
    if form.codec == "mx":
        return Coding(bits, form.group, False, number, byte=True) if known else None
    if form.codec == "nvfp4":
        return Coding(bits, form.group, False, number, byte=True) if form.group == PAIRED else None
    if form.codec == "fp8":
        # The scale of a channel, or of the tensor, comes with each 256 weights; that of a block with each of its rows.
        rows = form.group or (1 if form.scale_bits else 0)
        return Coding(bits, form.group or GROUPS[-1], False, number, rows=rows) if form.group in (0, *GROUPS) else None
    return _with_halves(form, bits, number) if known and form.scale_bits == HALF_BITS else None


def _with_halves(form: NumberFormat, bits: int, number: Element | None) -> Coding | None:
    """A binary16 scale, and a minimum or a zero point."""
    coding = Coding(bits, form.group, form.offset_bits == HALF_BITS, number, zero=form.offset_bits == bits)
    if coding.zero and (form.codec != "integers" or not zero_bits(coding.element)):
        return None
    plain = form.offset_bits == 0 or coding.zero or (coding.minimum and coding.element.has_minimum)
    return coding if plain else None
