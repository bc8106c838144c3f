"""The codes of one step, put together from words, or cut out of one."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ....formats.decode import Element
from ..core import GROUP, HALF, Core
from .choose import choose
from .code_layout import MOST_PARTS, codes_layout, low_bytes, width
from .element_codes import byte, far, lane, nibble, shifted
from .high_parts import high_bits
from .matrix_ports import ELEMENT_BITS, ZERO_BITS
from .paired_rows import is_below, unpaired


class WeightCodes(wiring.Component):
    """Codes as the multipliers take them (element_codes.py). With 8-bit multipliers 4-bit codes come out as bytes
    too. `high`: high parts of the step; `zeros`: zero points of its blocks; `paired`: of 4-bit codes two rows share a
    byte, as values of the cache do."""

    def __init__(self, core: Core) -> None:
        self.core = core
        super().__init__(
            {
                "word": In(8 * core.port_bytes),
                "load": In(1),
                "part": In(range(MOST_PARTS)),
                "element": In(ELEMENT_BITS),
                "unsigned": In(1),
                "paired": In(1),
                "high": In(high_bits(core) * core.dot_units),
                "zeros": In(data.ArrayLayout(ZERO_BITS, core.dot_units)),
                "codes": Out(codes_layout(core)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        chunks: dict[int, Value] = {}
        for w in (width(self.core, e) for e in self.core.elements):
            if w.step not in chunks:
                chunks[w.step] = w.chunk(m, self.word, self.part)
        woven = self.core.halved and not self.core.shifting  # pairs of a code of each half
        apart = self.core.cache_bits == 4  # the halves of a row that shares its bytes come from two words
        halves = 1 if woven and not apart else 2
        rows = self.nibbles(m, chunks) if apart else []
        for unit in range(self.core.dot_units):
            size = len(Value.cast(self.codes[unit])) // halves
            registers = [Signal(size, reset_less=True, name=f"codes_{unit}_{i}") for i in range(halves)]
            for half, held in enumerate(registers):
                value = self.value(chunks, rows, unit, half)
                if woven and apart:
                    whole = Signal(len(value), name=f"both_{unit}_{half}")
                    m.d.comb += whole.eq(value)
                    value = Cat(self.pieces(whole)[half::2])
                with m.If(self.load & self.is_here(unit, half)):
                    m.d.sync += held.eq(value)
            pairs = zip(*(self.pieces(held) for held in registers), strict=True)
            m.d.comb += self.codes[unit].eq(Cat(*pairs) if woven and apart else self.given(Cat(registers)))
        return m

    def given(self, codes: Value) -> Value:
        """Without registers for what is always 1: mapping would leave a single one, which drives every multiplier."""
        return Cat(Cat(one[:-1], Const(1, 1)) for one in self.pieces(codes)) if far(self.core) else codes

    def pieces(self, codes: Value) -> list[Value]:
        """One by one."""
        bits = self.core.multiplier_bits
        return [codes[at : at + bits] for at in range(0, len(codes), bits)]

    def nibbles(self, m: Module, chunks: dict[int, Value]) -> list[Value]:
        """The bytes of blocks of 4-bit codes, whether rows are paired or not."""
        w = width(self.core, Element.INT4)
        places = (self.place(Element.INT4, unit, 0) for unit in range(self.core.dot_units))
        return unpaired(m, self.core, [w.source(chunks[w.step], *place)[1] for place in places], self.paired)

    def place(self, element: Element, unit: int, half: int) -> tuple[int, int]:
        """The first byte in the step, and how many, of what a register takes."""
        count = low_bytes(self.core, element)
        if count > HALF:  # of two registers each its own
            return count * unit + HALF * half, HALF
        return count * unit, count

    def is_here(self, unit: int, half: int) -> Value:
        """This part has the bytes of the register: where rows are paired, of one half the other row's."""

        def word(element: Element) -> int | None:
            w = width(self.core, element)
            return self.place(element, unit, half)[0] // w.port if w.words > 1 else None

        def here(element: Element) -> Value:
            at = word(element)
            return Const(1, 1) if at is None else self.part == at

        own = choose(self.element, self.core.elements, here, key=word)
        w, changed = width(self.core, Element.INT4), 1 - is_below(self.core, unit)
        if self.core.cache_bits == 8 or half != changed or w.words == 1:
            return own
        other = self.place(Element.INT4, unit ^ self.core.lane_groups, half)[0] // w.port
        return Mux(self.paired, self.part == other, own)

    def value(self, chunks: dict[int, Value], rows: list[Value], unit: int, half: int) -> Value:
        """What a register takes; `rows`: 4-bit codes of blocks whose rows may be paired."""

        def taken(element: Element) -> Value:
            w = width(self.core, element)
            low = w.source(chunks[w.step], *self.place(element, unit, half))[1]
            if element == Element.INT4 or (self.core.multiplier_bits == 4 and element == Element.INT8):
                low = rows[unit] if rows else low
            bits = high_bits(self.core)
            return self.of_element(element, low, self.high[bits * unit :][:bits], half, self.zeros[unit])

        elements = list(self.core.elements)
        if self.core.multiplier_bits > 4:
            return choose(self.element, elements, taken)
        # The same bytes are nibbles or whole codes, whose top bit turns.
        turned = Cat(Const(0, 7), self.element == Element.INT8).replicate(HALF)
        eight = taken(Element.INT8) ^ Const(int("80" * HALF, 16), 8 * HALF)
        plain = (Element.INT4, Element.INT8)
        return choose(
            self.element, elements, lambda e: eight ^ turned if e in plain else taken(e),
            key=lambda e: Element.INT8 if e in plain else e,
        )  # fmt: skip

    def of_element(self, element: Element, low: Value, high: Value, half: int, zero: Value) -> Value:
        """The codes in the low and high parts of a block, as the multipliers take them."""
        codes = split(element, low, high)
        if self.core.shifting and self.core.wide(element):
            return Cat(nibble(byte(self.core, element, code), half == 1) for code in codes)
        if self.core.shifting:
            codes = codes if len(codes) == HALF else codes[HALF * half :][:HALF]
            return Cat(shifted(element, code, self.unsigned) for code in codes)
        if not self.core.halved:
            codes = codes if len(codes) == HALF else codes[HALF * half :][:HALF]
            turn = byte if self.core.wide(element) else lambda core, e, c: lane(core, e, c, self.unsigned, zero)
            return Cat(turn(self.core, element, code) for code in codes)
        if self.core.wide(element):
            bytes_ = [byte(self.core, element, code) for code in codes]
            grown = self.core.multiplier_bits - 4
            top = [each[7].replicate(grown) for each in bytes_]
            return Cat(Cat(b[:4], Const(0, grown), b[4:], t) for b, t in zip(bytes_, top, strict=True))
        lanes = [lane(self.core, element, code, self.unsigned, zero) for code in codes]
        return Cat(Cat(lanes[i], lanes[HALF + i]) for i in range(HALF))


def split(element: Element, low: Value, high: Value) -> list[Value]:
    """The codes, in order, of the bytes of a block."""
    bits, more = element.parts
    codes = [Cat(low[bits * i :][:bits], high[more * i :][:more]) for i in range(len(low) // bits)]
    gguf = element.bits == 4 and len(codes) == GROUP  # its order: two halves of a block side by side
    return [*codes[::2], *codes[1::2]] if gguf else codes
