"""How the codes of one step lie in words, and where multipliers find them."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Module, Value, unsigned
from amaranth.lib import data

from ....formats.decode import Element
from ..core import GROUP, HALF, Core
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


def low_bytes(core: Core, element: Element) -> int:
    """Of the low parts of one block's codes in one step."""
    return GROUP // core.steps(element) * element.parts[0] // 8


def width(core: Core, element: Element) -> Width:
    """Of the low parts."""
    return Width(core.port_bytes, core.dot_units * low_bytes(core, element))


def codes_layout(core: Core) -> data.ArrayLayout:
    """Codes of the blocks of a step: 16 pairs each with 4-bit or 5-bit multipliers, else 32; bytes with 8 bits."""
    return data.ArrayLayout(unsigned(HALF * 2 * core.multiplier_bits if core.halved else 8 * GROUP), core.dot_units)
