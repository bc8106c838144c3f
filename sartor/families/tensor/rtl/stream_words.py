"""Words of a stream as vector words: cut, or taken several at a time."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ....rtl.float_parts import FLOAT, MOST
from ..core import Core
from ..isa import Source
from . import pace
from .matrix_ports import FLOAT_BITS


class StreamWords(wiring.Component):
    """`numbers`: of the word `payload` those that the lanes take now, canonical; lane i of chunk k is loaded where
    bit i of `lanes` is set. `take`: they are taken; `done`: with them the word. After `last` the rest of
    the word is skipped."""

    def __init__(self, core: Core) -> None:
        self.core = core
        lanes = core.vector_lanes
        super().__init__(
            {
                "payload": In(8 * core.port_bytes), "half": In(1), "chunk": In(pace.MOST_INTERVAL.bit_length() - 1),
                "take": In(1), "last": In(1),
                "numbers": Out(FLOAT_BITS * lanes), "lanes": Out(lanes), "done": Out(1),
            }
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        core = self.core
        pieces = {s: pace.slices(core, s) for s in (Source.CACHE, Source.CACHE_BF16)}
        piece = Signal(range(max(pieces.values())))
        whole, half = (self.cut(m, source, pieces[source], piece) for source in pieces)
        chosen = Signal(FLOAT_BITS * core.vector_lanes)
        m.d.comb += chosen.eq(Mux(self.half, half, whole))
        numbers = [chosen.word_select(i, FLOAT_BITS) for i in range(core.vector_lanes)]
        m.d.comb += self.numbers.eq(Cat(canonical(x) for x in numbers))
        full = [piece == n - 1 for n in pieces.values()]
        m.d.comb += self.done.eq(self.last & (self.lanes[-1]) | Mux(self.half, full[1], full[0]))
        m.d.comb += self.lanes.eq(Mux(self.half, self.loaded(Source.CACHE_BF16), self.loaded(Source.CACHE)))
        with m.If(self.take):
            m.d.sync += piece.eq(Mux(self.done, 0, piece + 1))
        return m

    def cut(self, m: Module, source: Source, pieces: int, piece: Value) -> Value:
        """Lanes of vector word `piece`; of a word that has fewer numbers, the same ones in every chunk."""
        bits, lanes = 8 * pace.BYTES[source], self.core.vector_lanes
        count = min(lanes, 8 * self.core.port_bytes // bits)
        word = Signal(bits * count, name=f"{source.name.lower()}_word")
        m.d.comb += word.eq(self.payload.word_select(piece[: (pieces - 1).bit_length()], bits * count))
        low = Const(0, FLOAT_BITS - bits)
        return Cat(Cat(low, word.word_select(i % count, bits)) for i in range(lanes))

    def loaded(self, source: Source) -> Value:
        """The lanes of this chunk."""
        chunks, lanes = pace.chunks(self.core, source), self.core.vector_lanes
        return Cat((self.chunk == i).replicate(lanes // chunks) for i in range(chunks))


def canonical(x: Value) -> Value:
    """+0 for zeros and subnormals, the largest number for infinities."""
    exponent = data.View(FLOAT, x).exponent
    return Mux(exponent == 0, 0, Mux(exponent == 255, Cat(Const(MOST, 31), x[31]), x))
