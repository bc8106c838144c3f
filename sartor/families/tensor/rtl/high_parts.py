"""The high parts of 3-bit and 6-bit codes: words that come before the low parts of a few steps, and are kept."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ....formats.decode import Element
from ..core import GROUP, Core
from .choose import choose
from .matrix_ports import ELEMENT_BITS
from .pick import pick

MOST_HIGHS = 256  # words of a step's high parts: 4,096 bytes with a port of 16


def split_elements(core: Core) -> list[Element]:
    """Elements whose codes have a high part."""
    return [e for e in core.elements if e.parts[1]]


def step_bits(core: Core, element: Element) -> int:
    """Of the high parts of one block's codes in one step."""
    return GROUP // core.steps(element) * element.parts[1]


def high_bits(core: Core) -> int:
    """The same of the widest element."""
    return max((step_bits(core, e) for e in core.elements), default=0)


def set_steps(core: Core, element: Element) -> int:
    """Steps whose high parts come together."""
    return max(1, 8 * core.port_bytes // (core.dot_units * step_bits(core, element)))


def high_words(core: Core, element: Element) -> int:
    """Words of them."""
    return set_steps(core, element) * core.dot_units * step_bits(core, element) // (8 * core.port_bytes)


class HighParts(wiring.Component):
    """`high`: those of the step number `step` of its set, block by block."""

    def __init__(self, core: Core) -> None:
        self.core = core
        steps = max(set_steps(core, e) for e in split_elements(core))
        super().__init__(
            {
                "word": In(8 * core.port_bytes), "write": In(1), "index": In(range(MOST_HIGHS)),
                "element": In(ELEMENT_BITS), "step": In(range(max(2, steps))),
                "high": Out(high_bits(core) * core.dot_units),
            }
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        elements = split_elements(self.core)
        count = max(high_words(self.core, e) for e in elements)
        words = [Signal(8 * self.core.port_bytes, reset_less=True, name=f"highs_{i}") for i in range(count)]
        for i, word in enumerate(words):
            with m.If(self.write & (self.index == i)):
                m.d.sync += word.eq(self.word)
        m.d.comb += self.high.eq(choose(self.element, elements, lambda e: self.of_step(m, Cat(words), e)))
        return m

    def of_step(self, m: Module, highs: Value, element: Element) -> Value:
        """Of one step, block by block in `high_bits` each."""
        bits, units, room = step_bits(self.core, element), self.core.dot_units, high_bits(self.core)
        options = [highs[i * bits * units :][: bits * units] for i in range(set_steps(self.core, element))]
        step = pick(m, options, self.step, f"high_{element.name.lower()}")
        return Cat(Cat(step[bits * u :][:bits], Const(0, room - bits)) for u in range(units))
