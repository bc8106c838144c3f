"""One block of 32 weights times one group of one column: the dot product, scaled, as terms of the accumulator.

Stages, from the cycle in which codes and values are there: dot product (`dot_stages` registers), S = dot product and
correction, product with the mantissa, shift. Each is a register that moves only when it gets something.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ....formats.decode import LOST
from ....rtl.once import shared
from ..core import Core
from .code_layout import codes_layout
from .dots import S_BITS, UPPER_BITS, BlockDot, dot_stages, paired, sum_bits, values_layout
from .matrix_ports import SHIFT_BITS, SUM_BITS
from .table_dots import TableDot, keys_layout, tables_layout

MANTISSA_BITS = 12
TERM_BITS = S_BITS + MANTISSA_BITS


def stages(core: Core) -> int:
    """Cycles from codes and values to the terms."""
    return dot_stages(core) + 3


def least_bits(core: Core) -> int:
    """Of the second term: of a minimum, or of the second half of a block."""
    return MANTISSA_BITS + (UPPER_BITS if paired(core) else SUM_BITS)


def has_second(core: Core, minimum: bool) -> bool:
    """Blocks may have a second term."""
    return minimum or paired(core)


def scaler_ports(core: Core) -> dict[str, Any]:
    """Of a dot unit behind its dot product. `enable` has a bit a stage. The dot product, its correction and
    the mantissas come in the second stage, shifts and sum in the third. `pair`: the halves of a block have scales of
    their own, d and m, and m is for `upper`."""
    pair = {"pair": In(1)} if paired(core) else {}
    return pair | {
        "enable": In(stages(core)), "half": In(1), "correction": In(signed(sum_bits(core))),
        "d": In(signed(MANTISSA_BITS)), "d_shift": In(SHIFT_BITS),
        "x_shift": In(SHIFT_BITS), "sum": In(signed(SUM_BITS)),
        "m": In(signed(MANTISSA_BITS)), "m_shift": In(SHIFT_BITS),
        "term": Out(signed(TERM_BITS)), "least": Out(signed(least_bits(core))),
    }  # fmt: skip


class Scaler(wiring.Component):
    """Terms of a dot product: their value is the upper bits plus the lowest one, which rounds.

    Products are left to the synthesis: a carry-save tree of ours (rtl.multiply) is up to 6 % of a dot unit
    smaller on ASAP7, but reaches 0.99 GHz where this reaches 1.02.
    """

    def __init__(self, core: Core, minimum: bool = True) -> None:
        self.core, self.minimum = core, minimum
        self.dot_stages, bits = dot_stages(core), sum_bits(core)
        sums = {"dot": In(signed(bits)), "more": In(signed(bits))}
        if paired(core):
            sums |= {"upper": In(signed(UPPER_BITS)), "upper_more": In(signed(UPPER_BITS))}
        super().__init__({**sums, **scaler_ports(core)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        total = Signal(signed(sum_bits(self.core)), reset_less=True)
        halved = self.core.halved
        with m.If(self.enable[self.dot_stages]):
            rest = Mux(self.half, total, self.correction) if halved else self.correction
            m.d.sync += total.eq(self.dot + self.more + rest)
        once = total[1:].as_signed() if self.core.by_table else total  # tables give twice the dot product
        m.d.comb += self.term.eq(self.scaled(m, once, self.d, self.d_shift, "d", LOST if self.core.shifting else 0))
        if has_second(self.core, self.minimum):
            m.d.comb += self.least.eq(self.scaled(m, self.second(m), self.m, self.m_shift, "m"))
        return m

    def second(self, m: Module) -> Value:
        """What m is for: the sum of the values, or the dot product of the second half."""
        if not paired(self.core):
            return self.sum
        upper = Signal(signed(UPPER_BITS), reset_less=True)
        with m.If(self.enable[self.dot_stages]):
            m.d.sync += upper.eq(self.upper + self.upper_more)
        return Mux(self.pair, upper, self.sum) if self.minimum else upper

    def scaled(self, m: Module, x: Value, mantissa: Value, shift: Value, name: str, lost: int = 0) -> Value:
        """x times mantissa / 2^(shifts + lost), with one bit behind the point.

        The mantissa comes a stage early and has a register here: all columns share it, and the multiplier
        has no time for such a fan-out.
        """
        cut = max(lost - 1, 0)
        bits = len(x) + MANTISSA_BITS - 1 - cut
        factor = Signal(signed(MANTISSA_BITS), reset_less=True, name=f"{name}_factor")
        product = Signal(signed(bits), reset_less=True, name=f"{name}_product")
        point = Const(0, 0 if lost else 1)
        term = Signal(signed(bits + len(point)), reset_less=True, name=f"{name}_term")
        both, distance = Signal(SHIFT_BITS + 1), Signal(SHIFT_BITS, reset_less=True, name=f"{name}_distance")
        m.d.comb += both.eq(self.x_shift + shift)
        with m.If(self.enable[self.dot_stages]):
            m.d.sync += factor.eq(mantissa)
        with m.If(self.enable[self.dot_stages + 1]):
            m.d.sync += product.eq((x * factor) >> cut)
            m.d.sync += distance.eq(Mux(both[SHIFT_BITS], (1 << SHIFT_BITS) - 1, both))
        with m.If(self.enable[self.dot_stages + 2]):
            m.d.sync += term.eq(Cat(point, product).as_signed() >> distance)
        return term


def operands(core: Core) -> dict[str, Any]:
    """Of a dot product: codes and values, or keys and tables."""
    if core.by_table:
        return {"keys": In(keys_layout(core)), "tables": In(tables_layout(core))}
    return {"codes": In(codes_layout(core).elem_shape), "values": In(values_layout(core))}


class DotUnit(wiring.Component):
    """Dot product and scaler, as they are built."""

    def __init__(self, core: Core, minimum: bool = True, structural: bool = True) -> None:
        self.core, self.minimum, self.structural = core, minimum, structural
        super().__init__({**operands(core), "code8": In(1), **scaler_ports(core)})

    @shared("core", "minimum", "structural")
    def elaborate(self, platform: Any) -> Module:
        m = Module()
        dot: Any = (TableDot if self.core.by_table else BlockDot)(self.core, self.structural)
        m.submodules.dot = dot
        m.submodules.scaler = scaler = Scaler(self.core, self.minimum)
        m.d.comb += [
            dot.enable.eq(self.enable[: dot_stages(self.core)]), dot.code8.eq(self.code8),
            *(getattr(dot, name).eq(getattr(self, name)) for name in operands(self.core)),
            scaler.dot.eq(dot.dot), scaler.more.eq(dot.more),
        ]  # fmt: skip
        if paired(self.core):
            m.d.comb += [dot.pair.eq(self.pair), scaler.upper.eq(dot.upper), scaler.upper_more.eq(dot.upper_more)]
        for name, member in scaler_ports(self.core).items():
            inner, outer = getattr(scaler, name), getattr(self, name)
            m.d.comb += inner.eq(outer) if member.flow is In else outer.eq(inner)
        return m
