"""From a stored code to what a multiplier takes: a few gates in front of the code registers, for all columns.

Unsigned multipliers (4 and 8 bits) take integers of less than 8 bits with 8 added, those of 8 bits with 128; signed
ones (5 bits) take them as they are, and of bytes a nibble without a sign and one with it.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Mux, Value

from ....formats.decode import MANTISSA, Element
from ..core import Core


def lane(core: Core, element: Element, code: Value, unsigned: Value) -> Value:
    """The code of one multiplier; of `unsigned` codes the number itself."""
    if element == Element.E2M1 and core.signed:
        return minifloat(code, MANTISSA[element])[:5]
    bits, top = element.bits, code[-1]
    width = core.multiplier_bits
    if core.signed:
        number = Cat(code[:-1], (~top).replicate(width - bits + 1))
        return Mux(unsigned, Cat(code, Const(0, width - bits)), number) if bits < 8 else code
    if bits == 4:
        return Cat(code, Const(0, width - 4))
    # 8 - 2^(bits - 1) more: the inverted top bit in all places up to the last, which has the top bit itself.
    added = Cat(code[:-1], (~top).replicate(4 - bits), top)
    return Cat(Mux(unsigned, Cat(code, Const(0, 4 - bits)), added), Const(0, width - 4))


def byte(core: Core, element: Element, code: Value) -> Value:
    """Of codes that are bytes to the tile: two's complement for signed multipliers, else with 128 added."""
    number = code if element == Element.INT8 else minifloat(code, MANTISSA[element])
    return number if core.signed else Cat(number[:7], ~number[7])


def minifloat(code: Value, mantissa: int) -> Value:
    """Two's complement, 8 bits, in units of the smallest number: sign, exponent of 2 bits, mantissa."""
    field = code[mantissa : mantissa + 2]
    whole = Cat(code[:mantissa], field.any())
    magnitude = Cat(Mux(field == 3, whole << 2, Mux(field == 2, whole << 1, whole)), Const(0, 8))[:7]
    return Mux(code[-1], (-magnitude)[:8], Cat(magnitude, Const(0, 1)))
