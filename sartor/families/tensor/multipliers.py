"""Which multipliers a chip has: those of one format, and those that take the codes of several.

The width is that of a weight code that one multiplier takes a cycle (core.MULTIPLIERS): 4, unsigned; 5, with a sign; 8;
9, 4 bits and a sign, with products that are shifted. Bytes go through those of 4, 5 and 9 in two steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ...errors import Unsupported
from ...formats.decode import Element, Scale
from ...formats.hardware import Coding

# Beside 4 for integers up to that, and 8 for the others.
BITS = {Element.E2M1: 5, Element.INT5: 5, Element.E4M3: 9}
# Scales that need 5: two sums a block, or codes that are negative once their zero point is taken off.
SIGNED_ONLY = {Scale.PAIR: "an E4M3 scale for 16 codes", Scale.ZERO: "a zero point"}


def alone(coding: Coding) -> int:
    """Bits of the multipliers of a chip for one format."""
    return 5 if coding.zero else BITS.get(coding.element, 4 if coding.element.bits <= 4 else 8)


def beside(bits: int, coding: Coding) -> int:
    """Those of a chip whose multipliers have `bits`, and that takes codes of `coding` too.

    >>> from sartor.formats.hardware import coding_of
    >>> [beside(8, coding_of(name)) for name in ("int4-g32", "mxfp4", "nvfp4", "fp8-e4m3")]
    [8, 8, 5, 9]
    """
    own = alone(coding)
    if 9 in (bits, own):
        return 9
    if coding.scale in SIGNED_ONLY:
        return 5
    return max(bits, own) if bits < 8 and own < 8 else bits


def together(codings: Mapping[str, Coding], where: str) -> int:
    """Bits of the multipliers of a chip for all of `codings` [format], the first that of most multiply-adds: it decides
    where others go through its multipliers. Refused where nothing takes them all."""
    shifted = next((name for name, c in codings.items() if alone(c) == 9), None)
    other = next((name for name, c in codings.items() if c.scale in SIGNED_ONLY), None)
    if shifted and other:
        raise Unsupported(
            f"{where}: {shifted!r} beside {other!r}: FP8 takes multipliers that shift, "
            f"{SIGNED_ONLY[codings[other].scale]} those of signed codes with two sums a block, and no dot unit is both "
            "(try mxint8 in place of the one, or mxfp4 or int4-g32-asym in place of the other)"
        )
    first, *rest = codings.values()
    return _all(alone(first), rest)


def _all(bits: int, codings: Iterable[Coding]) -> int:
    for coding in codings:
        bits = beside(bits, coding)
    return bits
