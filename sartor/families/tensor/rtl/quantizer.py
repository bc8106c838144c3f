"""Groups of 32 binary32 numbers become codes and one exponent (docs/numerics.md, section 3).

All codes are INT8 but those of a cache of 4 bits: their scales are +-(1 + quarter / 4) 2^(exponent - 133), of the sign
with which the largest number has the code -8, and a code is the number of limits between codes below its number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ....rtl.float_parts import FLOAT, FRACTION_BITS, rounded, shifted_right
from ....rtl.larger import largest as largest_of
from ..cache_numerics import KEY_HIGH, KEY_LOW
from ..core import GROUP, Core
from ..isa import Target
from .matrix_ports import CODE_BITS, EIGHTH_BITS, EXPONENT_BITS, FLOAT_BITS, MARK_BITS, QUARTER_BITS

_MOST = (1 << CODE_BITS - 1) - 1
_KEPT = 9  # upper bits of a mantissa that can reach a code or its rounding
_SHIFT_BITS = 4
SHORT_MOST = 8  # of a code below zero


def limits(m: Module, quarter: Value) -> list[Signal]:
    """Between the codes k and k + 1 of 4 bits: (k + 1/2) (1 + quarter / 4), in eighths."""
    found = [Signal(range((2 * SHORT_MOST - 1) * 7 + 1), name=f"limit_{k}") for k in range(SHORT_MOST)]
    for k, limit in enumerate(found):
        m.d.comb += limit.eq((2 * k + 1) * (quarter + 4))
    return found


@dataclass(frozen=True)
class Short:
    """Codes of 4 bits, where it is `on`; `negative`: the scale is."""

    on: Value
    limits: list[Signal]
    negative: Value

    def magnitude(self, m: Module, kept: Value, more: Value, over: Value, flip: Value, name: str) -> Value:
        """Of `kept` eighths and `more`; the most where they are `over` all of them, 8 of codes below zero (`flip`). On
        a limit the even code wins."""
        size = len(self.limits[0])
        beyond = over | kept[size:].any()
        near, p = kept[:size], Signal(SHORT_MOST, name=f"{name}_passed")
        above = [near >= limit if k % 2 else near + more > limit for k, limit in enumerate(self.limits)]
        passed = [beyond | each for each in above]
        m.d.comb += p.eq(Cat(*passed[:-1], passed[-1] & flip))
        low = p[0] & ~p[1] | p[2] & ~p[3] | p[4] & ~p[5] | p[6] & ~p[7]
        return Cat(low, p[1] & ~p[3] | p[5] & ~p[7], p[3] & ~p[7], p[7])


def code(m: Module, number: Value, exponent: Value, name: str, short: Short | None = None) -> Value:
    """The code of one number with the scale 2^(exponent - 133); of a `short` one 2^(exponent - 132), times that of its
    limits."""
    x = data.View(FLOAT, number)
    distance, amount = Signal(signed(9), name=f"{name}_d"), Signal(_SHIFT_BITS, name=f"{name}_s")
    m.d.comb += distance.eq(exponent - x.exponent)
    m.d.comb += amount.eq(Mux(distance > _KEPT, _KEPT, distance))
    mantissa = Cat(x.fraction[FRACTION_BITS + 1 - _KEPT :], x.exponent != 0)
    kept, lost = shifted_right(m, mantissa, amount, name)
    sticky = lost | kept[0] | x.fraction[: FRACTION_BITS + 1 - _KEPT].any()
    full = rounded(kept[2:], kept[1], sticky)
    over = (distance < 0) | full[CODE_BITS - 1]
    magnitude = Mux(over, _MOST, full[: CODE_BITS - 1])
    flip: Value = x.sign
    if short is not None:
        more = lost | x.fraction[: FRACTION_BITS + 1 - _KEPT].any()
        flip = x.sign ^ (short.on & short.negative)
        magnitude = Mux(short.on, short.magnitude(m, kept, more, distance < 0, flip, name), magnitude)
    return ((Cat(magnitude, Const(0, 1)) ^ flip.replicate(CODE_BITS)) + flip)[:CODE_BITS]


class Quantizer(wiring.Component):
    """`accept`: `result` is the word `index` of a group, which Slots keep; `last` of the group. The words then
    become codes, one a cycle while `go`, `read_index` by `read_index`; `loaded` comes with the last of them.
    `stall`: a `waiting` result must not be accepted yet, its slot is still needed. `codes` move down by `shift`
    (a number of codes a bit: half a group, or the rows of one word)."""

    def __init__(self, core: Core, rows: int) -> None:
        self.core, self.rows = core, rows
        index = range(core.words_per_group)
        super().__init__(
            {
                "target": In(Target), "largest": In(MARK_BITS), "waiting": In(1), "accept": In(1),
                "index": In(index), "last": In(1), "result": In(FLOAT_BITS * core.vector_lanes),
                "word": In(FLOAT_BITS * core.vector_lanes), "go": In(1), "shift": In(2),
                "stall": Out(1), "pending": Out(1), "read_index": Out(index), "loaded": Out(1),
                "codes": Out(CODE_BITS * GROUP), "exponent": Out(EXPONENT_BITS), "quarter": Out(QUARTER_BITS),
                "negative": Out(1),
            }
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        held, quarter = Signal(EXPONENT_BITS, reset_less=True), Signal(QUARTER_BITS, reset_less=True)
        sign, convert = Signal(reset_less=True), Signal()  # of the scale
        m.d.comb += convert.eq(self.pending & self.go)
        m.d.comb += self.stall.eq(self.waiting & self.pending & ~self.go & (self.index == self.read_index))
        m.d.comb += self.loaded.eq(convert & (self.read_index == self.core.words_per_group - 1))
        with m.If(self.accept & self.last):
            m.d.sync += self.pending.eq(1)
        with m.Elif(self.loaded):
            m.d.sync += self.pending.eq(0)
        with m.If(convert):
            m.d.sync += self.read_index.eq(self.read_index + 1)
        self.measure(m, held, quarter, sign)
        self.convert(m, convert, held, quarter, sign)
        return m

    def measure(self, m: Module, held: Signal, quarter: Signal, sign: Signal) -> None:
        """The exponent of the group, `held` with its last word; of 4-bit codes that of their scale, less 1. There the
        sign, lowest, is compared as well."""
        short = self.core.cache_bits == 4
        size, low = (MARK_BITS - 1, FRACTION_BITS - EIGHTH_BITS) if short else (EXPONENT_BITS, FRACTION_BITS)
        numbers = [self.result.word_select(i, FLOAT_BITS) for i in range(self.core.vector_lanes)]
        lanes = [Cat(x[-1:] if short else [], x[low:][:size]) for x in numbers]
        top, largest = Signal(len(lanes[0]), reset_less=True), Signal(len(lanes[0]))
        so_far = largest_of(m, [*lanes, Mux(self.index == 0, 0, top)])
        given = self.largest if short else self.largest[1 + EIGHTH_BITS :]
        m.d.comb += largest.eq(Mux(self.target == Target.VALUES, given, so_far))
        whole, eighths = largest[-size:], size - EXPONENT_BITS
        least, most = KEY_LOW << eighths, (KEY_HIGH + 1 << eighths) - 1
        clamped = Signal(size)
        m.d.comb += clamped.eq(Mux(whole < least, least, Mux(whole > most, most, whole)))
        exponent: Value = clamped[eighths:]
        with m.If(self.accept):
            m.d.sync += top.eq(so_far)
        if short:
            quarters = Signal(size)  # cache_numerics.cache_scale, 12 more
            m.d.comb += quarters.eq((clamped + 1) >> 1)
            exponent = (quarters[QUARTER_BITS:] + (CODE_BITS - self.core.cache_bits - 2))[:EXPONENT_BITS]
            with m.If(self.accept & self.last):
                m.d.sync += [quarter.eq(quarters[:QUARTER_BITS]), sign.eq(~largest[0])]
        with m.If(self.accept & self.last):
            plain = Mux(self.cached(), clamped[eighths:], whole[eighths:])
            m.d.sync += held.eq(Mux(self.short(), exponent, plain))

    def cached(self) -> Value:
        return (self.target == Target.KEYS) | (self.target == Target.VALUES)

    def short(self) -> Value:
        """Codes of 4 bits are asked for."""
        if self.core.cache_bits == 8:
            return Const(0, 1)
        return self.target == Target.VALUES if self.core.wide_keys else self.cached()

    def convert(self, m: Module, convert: Signal, held: Signal, quarter: Signal, sign: Signal) -> None:
        lanes = range(self.core.vector_lanes)
        words = [self.word.word_select(i, FLOAT_BITS) for i in lanes]
        codes = Signal(CODE_BITS * len(lanes))
        short = Short(self.short(), limits(m, quarter), sign) if self.core.cache_bits == 4 else None
        m.d.comb += codes.eq(Cat(code(m, x, held, f"code{i}", short) for i, x in zip(lanes, words, strict=True)))
        for i in range(self.core.words_per_group):
            with m.If(convert & (self.read_index == i)):
                m.d.sync += self.codes.word_select(i, len(codes)).eq(codes)
        with m.If(convert):
            m.d.sync += self.exponent.eq(held if short is None else held + short.on)
            m.d.sync += self.quarter.eq(0 if short is None else Mux(short.on, quarter, 0))
            m.d.sync += self.negative.eq(0 if short is None else short.on & sign)
        with m.If(self.shift[0]):
            m.d.sync += self.codes.eq(self.codes >> CODE_BITS * GROUP // 2)
        with m.If(self.shift[1]):
            m.d.sync += self.codes.eq(self.codes >> CODE_BITS * self.rows)
