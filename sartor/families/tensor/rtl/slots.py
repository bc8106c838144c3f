"""32 numbers: the words of one group that waits for its exponent, or the running sums of a reduction."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..core import GROUP, Core
from .matrix_ports import FLOAT_BITS


class Slots(wiring.Component):
    """One write port and three read ports of vector words: for the sums, for the lower half of them, and for what
    waits for its exponent."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.bits = FLOAT_BITS * core.vector_lanes
        index = range(core.words_per_group)
        super().__init__(
            {
                "write": In(1), "write_index": In(index), "write_data": In(self.bits),
                "index": In(index), "word": Out(self.bits), "group_index": In(index), "group": Out(self.bits),
                "lower_index": In(index), "lower": Out(self.bits), "first": Out(self.bits),
            }
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        words = [
            Signal(self.bits, name=f"slot{i}", reset_less=True) for i in range(self.core.words_per_group)
        ]
        for i, word in enumerate(words):
            with m.If(self.write & (self.write_index == i)):
                m.d.sync += word.eq(self.write_data)
        half = words[: max(1, len(words) // 2)]
        for index, found in ((self.index, self.word), (self.group_index, self.group)):
            with m.Switch(index):
                for i, word in enumerate(words):
                    with m.Case(i):
                        m.d.comb += found.eq(word)
        with m.Switch(self.lower_index):
            for i, word in enumerate(half):
                with m.Case(i):
                    m.d.comb += self.lower.eq(word)
        m.d.comb += self.first.eq(words[0])
        return m


def sums_levels(core: Core) -> list[int]:
    """Additions of vector words in each of the five halvings of 32 sums."""
    words, count = core.words_per_group, (GROUP // 2).bit_length()
    return [max(1, words >> level + 1) for level in range(count)]
