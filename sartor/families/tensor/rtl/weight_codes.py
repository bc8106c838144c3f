"""The codes of one step, put together from words, or cut out of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..core import HALF, Core
from .pick import pick

MOST_PARTS = 512  # words of a step of 8,192 bytes, with a port of 16


@dataclass(frozen=True)
class Width:
    """From words of `port` bytes to steps of `step` bytes: what the tile takes in one cycle."""

    port: int
    step: int

    @property
    def words(self) -> int:
        """Words of a step."""
        return max(1, self.step // self.port)

    @property
    def steps(self) -> int:
        """Steps of a word."""
        return max(1, self.port // self.step)

    @property
    def parts(self) -> int:
        return max(self.words, self.steps)

    def chunk(self, m: Module, word: Value, part: Value) -> Value:
        """What of a word goes into the step."""
        bits = 8 * min(self.step, self.port)
        options = [word[i * bits : (i + 1) * bits] for i in range(self.steps)]
        return pick(m, options, part, f"chunk_{self.step}")

    def source(self, chunk: Value, byte: int, count: int) -> tuple[int, Value]:
        """Which word of a step has its bytes `byte` to `byte + count - 1`, and those."""
        at = byte % min(self.port, self.step)
        return byte // self.port, chunk[8 * at : 8 * (at + count)]


def widths(core: Core) -> tuple[Width, Width]:
    """Of 4-bit and of 8-bit codes. With 4-bit multipliers, a step of 8-bit codes is half a beat."""
    four, eight = core.dot_units * HALF, core.dot_units * HALF * core.multiplier_bits // 4
    return Width(core.port_bytes, four), Width(core.port_bytes, eight)


def codes_layout(core: Core) -> data.ArrayLayout:
    """Codes of the blocks of a step: 16 bytes each with 4-bit multipliers, else 32."""
    return data.ArrayLayout(unsigned(HALF * 8 * core.multiplier_bits // 4), core.dot_units)


class WeightCodes(wiring.Component):
    """Codes as unsigned numbers: the top bit of 8-bit codes is inverted, which adds 128. With 8-bit
    multipliers 4-bit codes come out as bytes too."""

    def __init__(self, core: Core) -> None:
        self.core = core
        super().__init__(
            {
                "word": In(8 * core.port_bytes),
                "load": In(1),
                "part": In(range(MOST_PARTS)),
                "code8": In(1),
                "codes": Out(codes_layout(core)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        four, eight = widths(self.core)
        chunks = four.chunk(m, self.word, self.part), eight.chunk(m, self.word, self.part)
        for unit in range(self.core.dot_units):
            halves = [Signal(8 * HALF, reset_less=True, name=f"codes_{unit}_{i}") for i in range(self.halves)]
            for half, held in enumerate(halves):
                word4, value4 = four.source(chunks[0], HALF * unit, HALF)
                word8, value8 = eight.source(chunks[1], HALF * (self.halves * unit + half), HALF)
                value = self.value(value4, value8, half)
                with m.If(self.load & self.is_here(word4, word8)):
                    m.d.sync += held.eq(value)
            m.d.comb += self.codes[unit].eq(Cat(halves))
        return m

    @property
    def halves(self) -> int:
        """Registers of a block, 16 bytes each."""
        return self.core.multiplier_bits // 4

    def is_here(self, word4: int, word8: int) -> Value:
        """This part has the bytes that lie in these words of a step."""
        four, eight = widths(self.core)
        here = [
            (self.part == word) if width.words > 1 else Const(1, 1)
            for width, word in ((four, word4), (eight, word8))
        ]
        return here[0] if word4 == word8 and four == eight else Mux(self.code8, here[1], here[0])

    def value(self, value4: Value, value8: Value, half: int) -> Value:
        """What 16 bytes of codes become."""
        top = Cat(*[Cat(Const(0, 7), self.code8)] * HALF)
        if self.halves == 1:  # the same bytes in both formats: nibbles, or whole codes
            return value8 ^ top
        nibbles = [value4[8 * i + 4 * half :][:4] for i in range(HALF)]
        return Mux(self.code8, value8 ^ top, Cat(*[Cat(n, Const(0, 4)) for n in nibbles]))
