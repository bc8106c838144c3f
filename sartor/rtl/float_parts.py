"""Parts of binary32 units: the fields of a number, rounding, counting zeros, shifts.

Numbers are canonical (+0, or normal and finite). What does not fit saturates to the largest finite
number, what is too small is +0.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data

EXPONENT_BITS, FRACTION_BITS = 8, 23
MANTISSA_BITS = FRACTION_BITS + 1
BIAS = 127
ONE = BIAS << FRACTION_BITS
MOST = (255 << FRACTION_BITS) - 1  # the largest finite number
MINUS_MOST = MOST | 1 << 31

FLOAT = data.StructLayout(
    {"fraction": unsigned(FRACTION_BITS), "exponent": unsigned(EXPONENT_BITS), "sign": unsigned(1)}
)


def mantissa(x: data.View[data.StructLayout]) -> Value:
    """24 bits, the leading 1 among them; 0 for zero."""
    return Mux(x.exponent == 0, 0, Cat(x.fraction, Const(1, 1)))


def rounded(kept: Value, guard: Value, sticky: Value) -> Value:
    """`kept` to nearest even; one bit longer."""
    return kept + (guard & (sticky | kept[0]))


def packed(sign: Value, exponent: Value, fraction: Value, zero: Value) -> Value:
    """The number of a signed `exponent` field; beyond the range it saturates."""
    over = exponent >= 255
    bits = Cat(fraction, exponent[:EXPONENT_BITS])
    return Mux(zero, 0, Cat(Mux(over, MOST, bits)[:31], sign))


def leading_zeros(m: Module, x: Value, name: str = "zeros") -> tuple[Value, Value]:
    """(zeros before the first 1 of x, x shifted left by them); the shifter counts by powers of two."""
    width = len(x)
    count: list[Value] = []
    for level in reversed(range((width - 1).bit_length())):
        step = 1 << level
        empty, shifted = Signal(name=f"{name}_{step}"), Signal(width, name=f"{name}_x{step}")
        m.d.comb += empty.eq(x[width - step :] == 0)
        m.d.comb += shifted.eq(Mux(empty, x << step, x))
        count, x = [empty, *count], shifted
    return Cat(*count), x


def shifted_right(m: Module, x: Value, amount: Value, name: str = "aligned") -> tuple[Value, Value]:
    """(x >> amount, whether a 1 was shifted out)."""
    lost: Value = Const(0, 1)
    for level in range(len(amount)):
        step = 1 << level
        before, out = x, Signal(len(x), name=f"{name}_{step}")
        m.d.comb += out.eq(Mux(amount[level], before >> step, before))
        lost, x = lost | (amount[level] & before[:step].any()), out
    return x, lost
