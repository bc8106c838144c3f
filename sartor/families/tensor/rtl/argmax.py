"""The largest of the results that pass by, and its number: of equal ones the first."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .matrix_ports import FLOAT_BITS, INDEX_BITS

SIGN = FLOAT_BITS - 1


def latency(lanes: int) -> int:
    """Cycles from the last results to `index` and `value`: the tree, and the best so far."""
    return lanes.bit_length()


class Argmax(wiring.Component):
    """`start` forgets. Results count from 0, lane by lane."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        super().__init__(
            {
                "start": In(1), "valid": In(1), "results": In(data.ArrayLayout(unsigned(FLOAT_BITS), lanes)),
                "index": Out(INDEX_BITS), "value": Out(FLOAT_BITS),
            }
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        items = [(ordered(value), Const(0, 0)) for value in self.results]
        valid: Value = self.valid
        while len(items) > 1:
            valid, items = self.level(m, valid, items)
        key, lane = items[0]
        best, index, base, any_yet = Signal(FLOAT_BITS), Signal(INDEX_BITS), Signal(INDEX_BITS), Signal()
        with m.If(valid):
            m.d.sync += [base.eq(base + self.lanes), any_yet.eq(1)]
            with m.If(~any_yet | (key > best)):
                m.d.sync += [best.eq(key), index.eq(base + lane)]
        with m.If(self.start):
            m.d.sync += [base.eq(0), any_yet.eq(0)]
        m.d.comb += [self.index.eq(index), self.value.eq(unordered(best))]
        return m

    def level(self, m: Module, valid: Value, items: list[Any]) -> tuple[Signal, list[Any]]:
        """The larger ones of pairs, a cycle later."""
        name = f"{len(items) // 2}"
        late, winners = Signal(name=f"valid_{name}"), []
        m.d.sync += late.eq(valid)
        for i in range(0, len(items), 2):
            (key, lane), (other, place) = items[i : i + 2]
            second = Signal(name=f"second_{name}_{i}")
            m.d.comb += second.eq(other > key)
            larger = Signal(FLOAT_BITS, reset_less=True, name=f"key_{name}_{i}")
            at = Signal(len(lane) + 1, reset_less=True, name=f"lane_{name}_{i}")
            with m.If(valid):
                m.d.sync += [larger.eq(Mux(second, other, key)), at.eq(Cat(Mux(second, place, lane), second))]
            winners.append((larger, at))
        return late, winners


def ordered(value: Value) -> Value:
    """binary32 as a number that compares unsigned."""
    return Mux(value[SIGN], ~value, Cat(value[:SIGN], 1))[:FLOAT_BITS]


def unordered(key: Value) -> Value:
    return Mux(key[SIGN], Cat(key[:SIGN], Const(0, 1)), ~key)[:FLOAT_BITS]
