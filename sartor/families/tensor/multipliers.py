"""Which multipliers a chip has: those of one format, and those that take the codes of several.

The width is that of a weight code that one multiplier takes a cycle: 4, unsigned; 5, with a sign; 8; 9, 4 bits and a
sign, with products that are shifted. Bytes go through those of 4, 5 and 9 in two steps. Which codes are bytes, follows
from their integers.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping

from ...errors import Unsupported
from ...formats.decode import LOST, MOST_SHIFT, Element, integers
from ...formats.group_scale import Scale
from ...formats.hardware import Coding

MULTIPLIERS = (4, 5, 8, 9)
# Scales that need 5: two sums a block, or codes that are negative once their zero point is taken off.
SIGNED_ONLY = {Scale.PAIR: "an E4M3 scale for 16 codes", Scale.ZERO: "a zero point"}


def takes(bits: int, element: Element) -> bool:
    """Multipliers of `bits` take its codes, in two steps if need be."""
    return element.in_a_byte or (bits == 9 and element.lost <= LOST)


@functools.cache
def wide(bits: int, element: Element) -> bool:
    """They take its codes as bytes: those with integers that are no code of one of them, which has a sign or 8 added.
    One that shifts takes a number of 4 bits and a power of two.

    >>> [[element.name for element in Element if not wide(bits, element)] for bits in (4, 5)]
    [['INT4', 'INT2', 'INT3', 'SIGN'], ['INT4', 'INT2', 'INT3', 'E2M1', 'SIGN', 'INT5', 'CB4']]
    """
    if bits == 9 and element.is_float and LOST - element.lost + element.shift <= MOST_SHIFT:
        return False
    most = 16 if bits == 5 else 8
    return bool(integers(element).min() < -most or integers(element).max() >= most)


def steps(bits: int, element: Element) -> int:
    """Cycles in which they take a code."""
    return 2 if bits != 8 and wide(bits, element) else 1


def narrowest(element: Element) -> int:
    """Bits of those that take its codes at once."""
    return next(bits for bits in MULTIPLIERS if takes(bits, element) and steps(bits, element) == 1)


def alone(coding: Coding) -> int:
    """Bits of the multipliers of a chip for one format."""
    return 5 if coding.zero else narrowest(coding.element)


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
