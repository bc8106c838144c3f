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


def packed(sign: Value, exponent: Value, over: Value, fraction: Value, zero: Value) -> Value:
    """The number of an `exponent` field; `over` the range it saturates."""
    bits = Cat(fraction, exponent[:EXPONENT_BITS])
    return Mux(zero, 0, Cat(Mux(over, MOST, bits)[:31], sign))


def leading_zeros(m: Module, x: Value, name: str = "zeros") -> tuple[Value, Value]:
    """(zeros before the first 1 of x, x shifted left by them). Where x is 0 the count means nothing.

    The count is a tree beside the shifter, whose steps are powers of two from the largest down: none of them
    waits for the one before.
    """
    levels = (len(x) - 1).bit_length()
    _, count = _zeros(m, Cat(Const(-1, (1 << levels) - len(x)), x), name)
    for level in reversed(range(levels)):
        before, shifted = x, Signal(len(x), name=f"{name}_x{1 << level}")
        m.d.comb += shifted.eq(Mux(count[level], before << (1 << level), before))
        x = shifted
    return count, x


def _zeros(m: Module, x: Value, name: str) -> tuple[Value, Value]:
    """(x is 0, zeros before its first 1, if it has one), of a power of two of bits."""
    if len(x) == 1:
        return ~x, Const(0, 0)
    half = len(x) // 2
    low_empty, low = _zeros(m, x[:half], f"{name}l")
    high_empty, high = _zeros(m, x[half:], f"{name}h")
    count = Signal(len(low) + 1, name=name)
    m.d.comb += count.eq(Cat(Mux(high_empty, low, high), high_empty))
    return high_empty & low_empty, count


def shifted_right(m: Module, x: Value, amount: Value, name: str = "aligned") -> tuple[Value, Value]:
    """(x >> amount, whether a 1 was shifted out)."""
    lost: Value = Const(0, 1)
    for level in range(len(amount)):
        step = 1 << level
        before, out = x, Signal(len(x), name=f"{name}_{step}")
        m.d.comb += out.eq(Mux(amount[level], before >> step, before))
        lost, x = lost | (amount[level] & before[:step].any()), out
    return x, lost
