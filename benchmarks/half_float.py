"""binary16 sums and products, for what tables do to activations in floating point: parts of silicon_tables_parts.py.

Numbers are canonical (+0, or normal and finite): what does not fit saturates, what is below 2^-14 is +0. One rounding
to nearest even. Both are within a cycle; who takes them puts registers behind.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib.wiring import Component, In, Out

from sartor.rtl.csa import added, placed
from sartor.rtl.float_multiply import products
from sartor.rtl.float_parts import leading_zeros, rounded, shifted_right

FRACTION, EXPONENT, BIAS = 10, 5, 15
MANTISSA = FRACTION + 1
BITS = 1 + EXPONENT + FRACTION
MOST = (31 << FRACTION) - 1  # exponent 30, all fraction bits: 65,504
_EXTRA = 3  # guard, round, sticky


def mantissa(x: Value) -> Value:
    return Mux(x[FRACTION:-1] == 0, 0, Cat(x[:FRACTION], Const(1, 1)))


def packed(sign: Value, exponent: Value, fraction: Value, zero: Value) -> Value:
    bits = Mux(exponent >= 31, MOST, Cat(fraction, exponent[:EXPONENT]))
    return Mux(zero, 0, Cat(bits[: BITS - 1], sign))


class HalfAdd(Component):
    """total = a + b, or a - b where `subtract`."""

    def __init__(self) -> None:
        super().__init__({"a": In(BITS), "b": In(BITS), "subtract": In(1), "total": Out(BITS)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        other = Cat(self.b[:-1], self.b[-1] ^ self.subtract)
        big, small, distance = Signal(BITS), Signal(BITS), Signal(EXPONENT)
        swap = self.a[:-1] < other[:-1]
        m.d.comb += [big.eq(Mux(swap, other, self.a)), small.eq(Mux(swap, self.a, other))]
        m.d.comb += distance.eq(big[FRACTION:-1] - small[FRACTION:-1])
        far = MANTISSA + 2  # from here on the smaller number is only sticky
        shift, wide = Signal(4), Signal(MANTISSA + _EXTRA)
        m.d.comb += [shift.eq(Mux(distance >= far, far, distance)), wide.eq(mantissa(small) << _EXTRA)]
        aligned, lost = shifted_right(m, wide, shift)
        less, total = big[-1] ^ small[-1], Signal(MANTISSA + _EXTRA + 1)
        addend = Cat(aligned[0] | lost, aligned[1:], Const(0, 1))
        m.d.comb += total.eq((mantissa(big) << _EXTRA) + (addend ^ less.replicate(len(addend))) + less)
        zeros, whole = leading_zeros(m, total)
        kept = Signal(MANTISSA + 1)
        m.d.comb += kept.eq(rounded(whole[-MANTISSA:], whole[_EXTRA], whole[:_EXTRA].any()))
        exponent = Signal(signed(8))
        before = big[FRACTION:-1] + 1 - zeros
        m.d.comb += exponent.eq(before + kept[-1])
        m.d.comb += self.total.eq(packed(big[-1], exponent, kept[:FRACTION], ~whole[-1] | (before <= 0)))
        return m


class HalfMultiply(Component):
    """product = a b: its partial products in one carry-save tree."""

    def __init__(self) -> None:
        super().__init__({"a": In(BITS), "b": In(BITS), "product": Out(BITS)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        whole = Signal(2 * MANTISSA)
        x, y = (Cat(each[:FRACTION], Const(1, 1)) for each in (self.a, self.b))
        m.d.comb += whole.eq(added(placed(m, products(x, y))))
        large, kept, exponent = whole[-1], Signal(MANTISSA + 1), Signal(signed(8))
        top = Mux(large, whole[MANTISSA:], whole[MANTISSA - 1 : -1])
        guard = Mux(large, whole[MANTISSA - 1], whole[MANTISSA - 2])
        sticky = whole[: MANTISSA - 2].any() | large & whole[MANTISSA - 2]
        before = self.a[FRACTION:-1] + self.b[FRACTION:-1] - BIAS + large
        m.d.comb += [kept.eq(rounded(top, guard, sticky)), exponent.eq(before + kept[-1])]
        none = (self.a[FRACTION:-1] == 0) | (self.b[FRACTION:-1] == 0) | (before <= 0)
        m.d.comb += self.product.eq(packed(self.a[-1] ^ self.b[-1], exponent, kept[:FRACTION], none))
        return m


def later(m: Module, value: Value, name: str) -> Signal:
    """A register."""
    held = Signal(len(value), reset_less=True, name=name)
    m.d.sync += held.eq(value)
    return held


class Adders:
    """Sums of a module, each a component."""

    def __init__(self, m: Module) -> None:
        self.m, self.count = m, 0

    def __call__(self, a: Value, b: Value, subtract: Any = 0) -> Value:
        adder = HalfAdd()
        self.m.submodules[f"add_{self.count}"] = adder
        self.count += 1
        self.m.d.comb += [adder.a.eq(a), adder.b.eq(b), adder.subtract.eq(subtract)]
        return adder.total

    def all(self, values: list[Value], name: str) -> Value:
        """A tree with a register behind each adder."""
        while len(values) > 1:
            sums = [self(a, b) for a, b in zip(values[::2], values[1::2], strict=True)]
            values = [later(self.m, s, f"{name}_{len(values)}_{i}") for i, s in enumerate(sums)]
        return values[0]


class HalfDot(Component):
    """Onto a sum: products with weights in binary16 (`planes` 0), or values with the signs of a plane, in each of
    `planes`. An adder for each weight, and registers behind all of them."""

    def __init__(self, planes: int = 0, lanes: int = 8) -> None:
        self.planes, self.lanes = planes, lanes
        keys = {"keys": In(lanes * planes)} if planes else {"weights": In(BITS * lanes)}
        super().__init__({"values": In(BITS * lanes), **keys, "sums": Out(BITS * max(planes, 1))})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        add = Adders(m)
        values = [self.values[BITS * i :][:BITS] for i in range(self.lanes)]
        sums = []
        for plane in range(max(self.planes, 1)):
            terms = self.signed(values, plane) if self.planes else self.products(m, values)
            total = Signal(BITS, name=f"sum_{plane}")
            m.d.sync += total.eq(add(total, add.all(terms, f"tree_{plane}")))
            sums.append(total)
        m.d.comb += self.sums.eq(Cat(sums))
        return m

    def signed(self, values: list[Value], plane: int) -> list[Value]:
        bits = self.keys[self.lanes * plane :][: self.lanes]
        return [Cat(value[:-1], value[-1] ^ bit) for value, bit in zip(values, bits, strict=True)]

    def products(self, m: Module, values: list[Value]) -> list[Value]:
        found = []
        for i, value in enumerate(values):
            m.submodules[f"product_{i}"] = multiply = HalfMultiply()
            m.d.comb += [multiply.a.eq(value), multiply.b.eq(self.weights[BITS * i :][:BITS])]
            found.append(later(m, multiply.product, f"product_{i}"))
        return found


class HalfReads(Component):
    """Onto a sum of each plane: reads of tables of four values, an adder for each."""

    def __init__(self, planes: int = 1, groups: int = 2) -> None:
        self.planes, self.groups = planes, groups
        tables = In(BITS * 8 * groups)
        super().__init__({"tables": tables, "keys": In(4 * groups * planes), "sums": Out(BITS * planes)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        add, sums = Adders(m), []
        for plane in range(self.planes):
            total = Signal(BITS, name=f"sum_{plane}")
            read = [later(m, self.read(g, plane), f"read_{plane}_{g}") for g in range(self.groups)]
            m.d.sync += total.eq(add(total, add.all(read, f"tree_{plane}")))
            sums.append(total)
        m.d.comb += self.sums.eq(Cat(sums))
        return m

    def read(self, g: int, plane: int) -> Value:
        key = self.keys[4 * (self.groups * plane + g) :][:4]
        entries = [self.tables[BITS * (8 * g + k) :][:BITS] for k in range(8)]
        for bit in key[:3]:
            entries = [Mux(bit, high, low) for low, high in zip(entries[::2], entries[1::2], strict=True)]
        return Cat(entries[0][:-1], entries[0][-1] ^ key[3])


class FloatTables(Component):
    """Tables of values, four each: 12 adders for 8 entries, registers behind both."""

    def __init__(self, groups: int = 2) -> None:
        self.groups = groups
        super().__init__({"values": In(BITS * 4 * groups), "tables": Out(BITS * 8 * groups)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        add, entries = Adders(m), []
        for g in range(self.groups):
            x = [self.values[BITS * (4 * g + i) :][:BITS] for i in range(4)]
            plus, minus = later(m, add(x[0], x[1]), f"plus_{g}"), later(m, add(x[0], x[1], 1), f"minus_{g}")
            low = [(plus, 1), (minus, 0), (minus, 1), (plus, 0)]  # by sign of x0 and x1
            high = [later(m, add(x[3], x[2], 1), f"less_{g}"), later(m, add(x[3], x[2]), f"more_{g}")]
            for k in range(8):
                value, turned = low[k & 3]
                entries.append(later(m, add(high[k >> 2], value, turned), f"entry_{g}_{k}"))
        m.d.comb += self.tables.eq(Cat(entries))
        return m
