"""Streams of weights by hand (docs/hardware.md): where codes and scales of a block lie, and how the tile takes them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from amaranth.hdl import Array, Cat, Const, Mux, Value

from sartor.families.tensor.core import Core
from sartor.families.tensor.isa import Scale
from sartor.formats.decode import Element, integers
from sartor.formats.group_scale import half_of_e4m3

MOST_STEPS = 16
# Bits of a stored code, by hand (docs/hardware.md): those of 3 and 6 bits come in two parts.
LOW_BITS = {
    Element.INT4: 4, Element.INT8: 8, Element.INT2: 2, Element.INT3: 2, Element.E2M1: 4, Element.E2M3: 4,
}  # fmt: skip
HIGH_BITS = {Element.INT3: 1, Element.E2M3: 2}


@dataclass(frozen=True)
class Stream:
    """A matrix as it comes: `core` D blocks a beat, codes, scales, and how many blocks share one. `paired`: of a cache,
    4-bit codes of which two rows share bytes."""

    core: Core
    element: Element
    scale: Scale
    share: int = 0
    paired: bool = False

    def command(self) -> dict[str, int]:
        """What of a command says so."""
        return {"element": self.element.value, "scale": self.scale.value, "share": self.share}

    @property
    def wide(self) -> bool:
        """Codes are bytes to the tile."""
        return self.element in (Element.INT8, Element.E2M3) or (
            self.element == Element.E2M1 and self.core.multiplier_bits == 8
        )

    @property
    def halves(self) -> int:
        """Steps of a beat."""
        return 2 if self.wide and self.core.multiplier_bits < 8 else 1

    @property
    def block_bytes(self) -> int:
        """Low parts of the codes of one block in one step."""
        return 32 // self.halves * LOW_BITS[self.element] // 8

    @property
    def high_bytes(self) -> int:
        """High parts of them."""
        return 32 // self.halves * HIGH_BITS.get(self.element, 0) // 8

    @property
    def set_steps(self) -> int:
        """Steps whose high parts come together, before their low parts: those of a word, at least one."""
        step = self.core.dot_units * self.high_bytes
        return max(1, self.core.port_bytes // step) if step else 1

    @property
    def together(self) -> tuple[int, int]:
        """(blocks of a beat, successive beats) that share a scale."""
        blocks = min(1 << self.share, self.core.lanes // 32)
        return blocks, (1 << self.share) // blocks

    @property
    def slots(self) -> int:
        return max(self.core.dot_units, self.core.port_bytes // self.scale.nbytes())

    def packet(self) -> tuple[int, int]:
        """Words of scales, beats of a packet; one endless packet where there are no scales."""
        if self.scale == Scale.NONE:
            return 0, MOST_STEPS
        blocks, beats = self.together
        words = self.slots * self.scale.nbytes() // self.core.port_bytes
        return words, self.slots * blocks * beats // self.core.dot_units

    def packet_words(self) -> int:
        """Scales and codes of a packet."""
        scales, beats = self.packet()
        codes = beats * self.halves * self.core.dot_units * (self.block_bytes + self.high_bytes)
        return scales + -(-codes // self.core.port_bytes)

    def place(self, step: int, at: int) -> tuple[int, int]:
        """Word and byte of what lies `at` bytes from the beginning of the set of a step."""
        scales, beats = self.packet()
        packet, of_packet = divmod(step, beats * self.halves)
        set_bytes = self.set_steps * self.core.dot_units * (self.block_bytes + self.high_bytes)
        byte = of_packet // self.set_steps * set_bytes + at
        port = self.core.port_bytes
        return packet * self.packet_words() + scales + byte // port, byte % port

    def rows(self, unit: int) -> tuple[int, int]:
        """The blocks of a beat in which the codes of a row lie, and those of its neighbor: of the first and of the
        second row of a pair."""
        groups = self.core.lanes // 32
        return unit & ~groups, unit | groups

    def code_place(self, step: int, unit: int) -> tuple[int, int]:
        """The word and the byte in it where the low parts of the codes of a block begin."""
        units = self.core.dot_units
        highs = self.set_steps * units * self.high_bytes
        return self.place(step, highs + (step % self.set_steps * units + unit) * self.block_bytes)

    def high_place(self, step: int, unit: int) -> tuple[int, int]:
        return self.place(step, (step % self.set_steps * self.core.dot_units + unit) * self.high_bytes)

    def scale_place(self, step: int, unit: int) -> tuple[int, int]:
        port, (_, beats) = self.core.port_bytes, self.packet()
        blocks, shared_beats = self.together
        packet, beat = divmod(step // self.halves, beats)
        slot = beat // shared_beats * (self.core.dot_units // blocks) + unit // blocks
        byte = slot * self.scale.nbytes()
        return packet * self.packet_words() + byte // port, byte % port


def expected_codes(s: Stream, lows: Value, highs: Value) -> Value:
    """As the tile takes them (docs/hardware.md): integers with 8 added, or 128 where they are bytes; as they are with a
    minimum, or for signed multipliers. 4-bit codes have low nibbles first, and narrow multipliers take weights i and
    i + 16 side by side."""
    low, high, size = LOW_BITS[s.element], HIGH_BITS.get(s.element, 0), s.core.multiplier_bits
    stored = [Cat(lows[low * i :][:low], highs[high * i :][:high]) for i in range(len(lows) // low)]
    if low + high == 4:
        stored = stored[::2] + stored[1::2]
    if s.scale == Scale.SCALE_MINIMUM and not s.wide:
        added, numbers = 0, list(range(1 << low + high))
    else:
        added, numbers = 0 if size == 5 else 128 if s.wide else 8, integers(s.element).tolist()
    # An integer of 8 bits is its code; of 256 entries a table would be long.
    table = Array(Const(n + added & 255, 8) for n in numbers)
    taken = [code ^ 0x80 if s.element == Element.INT8 else table[code] for code in stored]
    if s.wide or size == 8:
        return Cat(t[:8] for t in taken)
    return Cat(Cat(taken[i][:size], taken[i + 16][:size]) for i in range(16))


def expected_pair(s: Stream, first: Value, second: Value, upper: Value) -> Value:
    """Of paired rows: tokens 0 to 15 lie in the block of the first row, the others in that of the second; low nibbles
    are the first row's, high ones the second's."""
    both = [[block[8 * i :][:8] for i in range(16)] for block in (first, second)]
    codes = [Mux(upper, byte[4:], byte[:4]) for block in both for byte in block]
    # As bytes come to `expected_codes`: those of codes i and i + 16.
    return expected_codes(s, Cat(Cat(codes[i], codes[16 + i]) for i in range(16)), Const(0, 0))


def e4m3(code: Value) -> Value:
    """binary16 of a scale of E4M3."""
    return Array(Const(int(n), 16) for n in half_of_e4m3(np.arange(256)))[code]


NARROW, BROAD = Core(rows=2, port_bytes=16, columns=1), Core(rows=2, port_bytes=64, columns=1)
WIDE_LANES = Core(rows=2, lanes=64, port_bytes=32, columns=1)
FOUR = (Element.INT4, Element.INT8, Element.INT2, Element.INT3)
EIGHT = Core(rows=2, port_bytes=16, columns=1, multiplier_bits=8)
MANY = Core(rows=2, port_bytes=16, columns=1, elements=(*FOUR, Element.E2M3), scales=(Scale.POWER,))
EIGHT_MANY = Core(
    rows=2, port_bytes=16, columns=1, multiplier_bits=8, elements=(*FOUR, Element.E2M1), scales=(Scale.POWER,)
)
SIGNED = Core(
    rows=2, port_bytes=16, columns=1, multiplier_bits=5, elements=(*FOUR, Element.E2M1), scales=(Scale.PAIR,)
)
STREAMS = {
    "q4_0": Stream(NARROW, Element.INT4, Scale.SCALE), "q4_1": Stream(NARROW, Element.INT4, Scale.SCALE_MINIMUM),
    "q8_0": Stream(NARROW, Element.INT8, Scale.SCALE), "codes": Stream(NARROW, Element.INT8, Scale.NONE),
    "two steps a word": Stream(BROAD, Element.INT4, Scale.SCALE),
    "beats share": Stream(BROAD, Element.INT4, Scale.SCALE_MINIMUM, 1),
    "neighbors share": Stream(WIDE_LANES, Element.INT4, Scale.SCALE, 1),
    "neighbors and beats": Stream(WIDE_LANES, Element.INT4, Scale.SCALE_MINIMUM, 2),
    "8-bit multipliers": Stream(EIGHT, Element.INT4, Scale.SCALE),
    "8-bit both": Stream(EIGHT, Element.INT8, Scale.SCALE),
    "int2": Stream(MANY, Element.INT2, Scale.SCALE),
    "int2 and minimum": Stream(MANY, Element.INT2, Scale.SCALE_MINIMUM, 1),
    "int3": Stream(MANY, Element.INT3, Scale.SCALE),
    "int3 and minimum": Stream(MANY, Element.INT3, Scale.SCALE_MINIMUM),
    "mxfp6": Stream(MANY, Element.E2M3, Scale.POWER), "mxint8": Stream(MANY, Element.INT8, Scale.POWER),
    "mxfp4": Stream(EIGHT_MANY, Element.E2M1, Scale.POWER),
    "nvfp4": Stream(SIGNED, Element.E2M1, Scale.PAIR), "signed": Stream(SIGNED, Element.INT4, Scale.SCALE),
    "paired": Stream(Core(rows=2, port_bytes=16, columns=1, cache_bits=4), Element.INT4, Scale.NONE, paired=True),
    "paired, a word a step": Stream(
        Core(rows=2, port_bytes=32, columns=1, multiplier_bits=5, cache_bits=4), Element.INT4, Scale.NONE, paired=True
    ),
    "paired, two groups": Stream(
        Core(rows=2, lanes=64, port_bytes=16, columns=1, multiplier_bits=8, cache_bits=4), Element.INT4, Scale.NONE,
        paired=True,
    ),
}  # fmt: skip
