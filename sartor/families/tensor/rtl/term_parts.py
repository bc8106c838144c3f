"""What a dot unit takes beside its dot product: mantissa and shift of a scale, the correction of a group."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value

from ..core import Core
from .matrix_ports import SHIFT_BITS, TOP_BITS
from .table_dots import corrections

OFFSET4, OFFSET8 = 3, 7  # codes come with 2^3 or 2^7 too much, where multipliers are unsigned
ONE = 1024  # mantissa of a power of two


def parts_of_scale(code: Value, top: Value, power: Value | None = None) -> tuple[Value, Value]:
    """Mantissa and shift of a binary16 code, or of one of E8M0 if it is a `power`; `top`: the largest field."""
    field, fraction = code[10:15], code[:10]
    normal = field.any()
    magnitude = Cat(fraction, normal, Const(0, 1)).as_signed()
    mantissa, below = Mux(code[15], -magnitude, magnitude), (top - Mux(normal, field, 1))[:SHIFT_BITS]
    if power is None:
        return mantissa, below
    distance = (top - code[:TOP_BITS])[:TOP_BITS]
    far = Mux(distance[SHIFT_BITS:].any(), (1 << SHIFT_BITS) - 1, distance)
    return Mux(power, ONE, mantissa), Mux(power, far, below)


def correction_of(core: Core, total: Value, code8: Value, minimum: Value) -> Value | None:
    """What makes the sum over a group's codes, as multipliers or tables take them, its dot product; `total` of its
    values. None: that it is."""
    if core.by_table:
        wide, plain, bare = (total * times for times in corrections(core))
        return Mux(code8, wide, Mux(minimum, bare, plain))
    if core.signed:
        return None
    less = -total
    return Mux(code8, less << OFFSET8, Mux(minimum, 0, less << OFFSET4))


def delayed(m: Module, value: Value, enables: Sequence[Value]) -> Value:
    """`value` as many cycles later as there are `enables`, which move it on."""
    for i, enable in enumerate(enables):
        late = Signal(value.shape(), reset_less=True, name=f"{getattr(value, 'name', 'part')}_{i}")
        with m.If(enable):
            m.d.sync += late.eq(value)
        value = late
    return value
