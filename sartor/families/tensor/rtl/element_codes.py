"""From a stored code to what a multiplier takes: a few gates in front of the code registers, for all columns.

Unsigned multipliers (4 and 8 bits) take integers of less than 8 bits with 8 added, those of 8 bits with 128; signed
ones (5 bits) take them as they are, and of bytes a nibble without a sign and one with it. Shifting ones take four bits
and a sign, and the distance by which their product is shifted (`shifted`). The number of any code can be looked up;
where a few gates make it, they are here.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Mux, Value

from ....formats.decode import LOST, Element, integers
from ....formats.element import Small
from ....rtl.fp8 import DISTANCE_BITS, NUMBER_BITS, lane_of
from ....rtl.look_up import look_up
from ..core import Core

ADDED = 8  # to what unsigned multipliers take
FAR = 1 << DISTANCE_BITS - 1


def lane(core: Core, element: Element, code: Value, unsigned: Value, zero: Value) -> Value:
    """The code of one multiplier; of `unsigned` codes the number itself, less the `zero` point."""
    if element == Element.SIGN:  # 1 or -1, with 8 added 9 or 7
        one, grown = Const(1, 1), core.multiplier_bits - 4
        low = Cat(one, (~code[0]).replicate(2))
        return Cat(low, (~code[0]).replicate(2)) if core.signed else Cat(low, code[0], Const(0, grown))
    bits, top = element.bits, code[-1]
    width = core.multiplier_bits
    if not element.is_integer:
        return number(element, code, width) if core.signed else look_up(integers(element) + ADDED, code, width)
    if core.signed:
        whole = Cat(code[:-1], (~top).replicate(width - bits + 1))
        if not element.has_minimum:
            return whole
        return Mux(unsigned, (Cat(code, Const(0, width - bits)) - zero)[:width], whole) if bits < 8 else code
    if bits == 4:
        return Cat(code, Const(0, width - 4))
    # 8 - 2^(bits - 1) more: the inverted top bit in all places up to the last, which has the top bit itself.
    added = Cat(code[:-1], (~top).replicate(4 - bits), top)
    return Cat(Mux(unsigned, Cat(code, Const(0, 4 - bits)), added), Const(0, width - 4))


def byte(core: Core, element: Element, code: Value) -> Value:
    """Of codes that are bytes to the tile: two's complement for signed multipliers, else with 128 added."""
    whole = two_complement(code) if element.is_integer else number(element, code, 8)
    return whole if core.signed else Cat(whole[:7], ~whole[7])


def two_complement(code: Value) -> Value:
    """A byte of an integer: 8 bits are that already, fewer have half their range added."""
    return code if len(code) == 8 else Cat(code[:-1], (~code[-1]).replicate(9 - len(code)))


def number(element: Element, code: Value, width: int) -> Value:
    """What a code stands for, in two's complement."""
    if isinstance(element.of, Small) and element.of.exponent == 2:
        return minifloat(code, element.of.mantissa)[:width]
    return look_up(integers(element), code, width)


def shifted(element: Element, code: Value, unsigned: Value) -> Value:
    """The code of a multiplier that shifts: a number of 5 bits, and its distance. LOST bits of a product with a scale
    are rounded away: codes that lose fewer are as many places further to the left."""
    if isinstance(element.of, Small):
        return lane_of(code, element.of.exponent, element.of.mantissa, LOST - element.lost)
    if element == Element.SIGN:
        return Cat(Const(1, 1), (~code[0]).replicate(4), Const(LOST, DISTANCE_BITS))
    if not element.is_integer:
        return Cat(look_up(integers(element), code, NUMBER_BITS), Const(LOST, DISTANCE_BITS))
    sign = ~code[-1] & ~unsigned
    return Cat(code[:-1], code[-1] ^ ~unsigned, sign.replicate(5 - element.bits), Const(LOST, DISTANCE_BITS))


def far(core: Core) -> bool:
    """None of its codes is shifted by less than 8: the highest bit of every distance is 1."""
    return core.shifting and all(LOST - element.lost >= FAR for element in core.elements)


def nibble(code: Value, high: bool) -> Value:
    """The same of half a byte in two's complement."""
    if not high:
        return Cat(code[:4], Const(0, 1), Const(LOST, DISTANCE_BITS))
    return Cat(code[4:], code[7], Const(LOST + 4, DISTANCE_BITS))


def minifloat(code: Value, mantissa: int) -> Value:
    """Two's complement, 8 bits, in units of the smallest number: sign, exponent of 2 bits, mantissa."""
    field = code[mantissa : mantissa + 2]
    whole = Cat(code[:mantissa], field.any())
    magnitude = Cat(Mux(field == 3, whole << 2, Mux(field == 2, whole << 1, whole)), Const(0, 8))[:7]
    return Mux(code[-1], (-magnitude)[:8], Cat(magnitude, Const(0, 1)))
