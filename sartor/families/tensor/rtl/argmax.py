"""The largest of the results that pass by, column by column, and its number: of equal ones the first."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..core import MOST_COLUMNS, Core
from .drain import conversions
from .matrix_ports import FLOAT_BITS, INDEX_BITS, TILE_BITS

SIGN = FLOAT_BITS - 1


def latency(lanes: int) -> int:
    """Cycles from the last results to `index` and `value`: the tree, and the best so far."""
    return lanes.bit_length()


class Argmax(wiring.Component):
    """`start` forgets. Results come as they are drained: of a row tile the words of `columns` columns, one column after
    the other. `index` and `value` are those of column `read`."""

    def __init__(self, core: Core) -> None:
        self.core, self.lanes = core, conversions(core)
        super().__init__(
            {
                "start": In(1), "columns": In(range(MOST_COLUMNS + 1)), "read": In(range(MOST_COLUMNS)),
                "valid": In(1), "results": In(data.ArrayLayout(unsigned(FLOAT_BITS), self.lanes)),
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
        best = data.StructLayout({"key": FLOAT_BITS, "row": self.row_bits(), "known": 1})
        kept = [Signal(best, name=f"best{c}") for c in range(self.core.columns)]
        now, winner = Signal(best), Signal(best)  # of the column whose results come
        word, column, tile, at_end, last = self.place(m, valid)
        m.d.comb += winner.eq(now)
        with m.If(~now.known | (key > now.key)):
            m.d.comb += [winner.key.eq(key), winner.row.eq(Cat(lane, word, tile)), winner.known.eq(1)]
        following = Signal.like(column)
        m.d.comb += following.eq(Mux(last, 0, column + 1))
        with m.If(valid):
            m.d.sync += now.eq(Mux(at_end & (self.columns != 1), Array(kept)[following], winner))
            for c, each in enumerate(kept):
                with m.If(at_end & (column == c)):
                    m.d.sync += each.eq(winner)
        with m.If(self.start):
            m.d.sync += [each.known.eq(0) for each in (now, *kept)]
        chosen = Array(kept)[self.read]
        m.d.comb += [self.index.eq(chosen.row), self.value.eq(unordered(chosen.key))]
        return m

    def row_bits(self) -> int:
        return TILE_BITS + self.core.rows.bit_length() - 1

    def place(self, m: Module, valid: Value) -> tuple[Value, ...]:
        """Word, column and row tile of the results that come; the last word of a column; the last column."""
        words = self.core.rows // self.lanes
        word = Signal(words.bit_length() - 1)
        column, tile = Signal(range(max(self.core.columns, 2))), Signal(TILE_BITS)
        at_end, last = word == words - 1, column == self.columns - 1
        with m.If(valid):
            m.d.sync += word.eq(word + 1)
            with m.If(at_end):
                m.d.sync += [column.eq(Mux(last, 0, column + 1)), tile.eq(tile + last)]
        with m.If(self.start):
            m.d.sync += [word.eq(0), column.eq(0), tile.eq(0)]
        return word, column, tile, at_end, last

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
