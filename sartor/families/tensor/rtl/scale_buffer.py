"""The scales of one packet, and those of the present beat.

A set is as many slots as there are dot units. Where neighbors in a row share a scale, a beat needs only a part of a
set, each of whose scales goes to several dot units. Of binary codes a packet has several arrays of slots: the offsets,
then the scales of one plane after the other. Zero points are those of several packets (`turn`: of which one), kept
behind the scales.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ....formats.decode import Element, zero_bits
from ....formats.group_scale import Number
from ..core import Core
from ..isa import Scale
from ..numerics import ONE_HALF_PRECISION
from ..stream_shape import MOST_SHARE, zero_words
from .choose import choose
from .matrix_ports import ELEMENT_BITS, HALF_BITS, PLANE_BITS, SCALE_BITS, ZERO_BITS
from .pick import pick

MOST_WORDS = 64  # of scales in a packet: 4 bytes for each of 256 dot units, with a port of 16


def most_words(core: Core) -> int:
    """The same, of planes with an offset too: 2 bytes for each of those."""
    return max(MOST_WORDS, MOST_WORDS // 4 * Scale.PLANES.nbytes(core.planes) if Scale.PLANES in core.scales else 0)


def scale_words(core: Core, scale: Scale) -> int:
    """Words of scales in a packet, with one plane; without zero points."""
    return core.slots(min(scale.arrays())) * scale.nbytes() // core.port_bytes


def slot_sets(core: Core, scale: Scale) -> int:
    """Sets in a packet."""
    return core.slots(min(scale.arrays())) // core.dot_units


def zero_elements(core: Core) -> list[Element]:
    """Elements whose codes may have zero points."""
    return [e for e in core.elements if zero_bits(e)] if Scale.ZERO in core.scales else []


def turns(core: Core) -> int:
    """Packets whose zero points come together, at most."""
    return max((zero_words(core, e)[0] for e in zero_elements(core)), default=1)


def scale_kinds(core: Core, minimum: bool) -> list[Scale]:
    """Kinds of scales that the decoder knows, beside none."""
    return [Scale.SCALE, *([Scale.SCALE_MINIMUM] if minimum else []), *core.scales]


def most_neighbors(core: Core) -> int:
    """log2 of the blocks of one beat that may share a scale: all of a row's."""
    return core.lane_groups.bit_length() - 1


def of_slot(kind: Scale, slot: Value) -> tuple[Value, Value]:
    """d and m of one slot, or 0 for m; of PAIR those of the two halves of a block."""
    ends = list(itertools.accumulate((8 * number.nbytes for number in kind.numbers), initial=0))
    found = [GATES[n](slot[i:j]) for n, (i, j) in zip(kind.numbers, itertools.pairwise(ends), strict=True)]
    first, second = [*found, Const(0, HALF_BITS)][:2]
    return first, second


def half_of_e4m3(code: Value) -> Value:
    """binary16 of E4M3: 8 more in the exponent, or of a number below 2^-6 the place of its leading bit."""
    field, fraction = code[3:7], code[:3]
    small = Mux(
        fraction[2], Cat(Const(0, 8), fraction[:2], Const(8, 5)),
        Mux(fraction[1], Cat(Const(0, 9), fraction[0], Const(7, 5)), Mux(fraction[0], Const(6 << 10, 15), 0)),
    )  # fmt: skip
    return Cat(Mux(field.any(), Cat(Const(0, 7), fraction, (field + 8)[:5]), small)[:15], code[7])


# From a number as it is stored to what the tile takes: binary16, or E8M0 as it is.
GATES: dict[Number, Callable[[Value], Value]] = {
    Number.HALF: lambda code: code, Number.POWER: lambda code: Cat(code, Const(0, HALF_BITS - 8)),
    Number.SMALL: half_of_e4m3,
}  # fmt: skip


class ScaleBuffer(wiring.Component):
    """`d` and `m` of all dot units from the cycle after `load`: binary16 as it came or of E4M3, E8M0 as it came; 1 and
    0 without scales.
    `share`: as in the command; `set` and `part`: where those of the present beat are, of binary codes those of `plane`,
    with the offset beside the first."""

    def __init__(self, core: Core, minimum: bool) -> None:
        self.core, self.kinds = core, scale_kinds(core, minimum)
        self.sets = max(slot_sets(core, kind) for kind in self.kinds)
        halves = data.ArrayLayout(unsigned(HALF_BITS), core.dot_units)
        super().__init__(
            {
                "scale": In(SCALE_BITS), "share": In(2), "plane": In(PLANE_BITS), "element": In(ELEMENT_BITS),
                "word": In(8 * core.port_bytes), "write": In(1), "index": In(range(most_words(core))),
                "load": In(1), "set": In(range(max(2, self.sets))), "part": In(max(1, most_neighbors(core))),
                "turn": In(range(max(2, turns(core)))),
                "d": Out(halves), "m": Out(halves), "zeros": Out(data.ArrayLayout(ZERO_BITS, core.dot_units)),
            }
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        behind = max((zero_words(self.core, e)[1] for e in zero_elements(self.core)), default=0)
        count = max(self.array_words(kind)[-1] + behind * (kind == Scale.ZERO) for kind in self.kinds)
        words = [Signal(8 * self.core.port_bytes, reset_less=True, name=f"scales_{i}") for i in range(count)]
        for i, word in enumerate(words):
            with m.If(self.write & (self.index == i)):
                m.d.sync += word.eq(self.word)
        sets = {kind: self.set_of(m, words, kind) for kind in self.kinds}
        self.zero_points(m, words)
        slots = [self.slot(sets, unit) for unit in range(self.core.dot_units)]
        for name, numbers in zip("dm", zip(*slots, strict=True), strict=True):
            held = Signal.like(self.d, reset_less=True, name=f"held_{name}")
            with m.If(self.load):
                m.d.sync += held.eq(self.spread(m, Cat(numbers), name))
            m.d.comb += getattr(self, name).eq(held)
        return m

    def zero_points(self, m: Module, words: list[Signal]) -> None:
        """Those of the present beat, not held: codes are less them when they are loaded."""
        elements = zero_elements(self.core)
        if not elements:
            return
        spread = self.spread(m, choose(self.element, elements, lambda e: self.zero_set(m, words, e)), "zero")
        for i in range(self.core.dot_units):
            zero = spread[HALF_BITS * i :][:ZERO_BITS]
            m.d.comb += self.zeros[i].eq(Mux(self.scale == Scale.ZERO, zero, 0))

    def zero_set(self, m: Module, words: list[Signal], element: Element) -> Value:
        """The set of the present beat, each zero point as wide as a scale."""
        at, bits, sets = self.array_words(Scale.ZERO)[-1], zero_bits(element), slot_sets(self.core, Scale.ZERO)
        each, count = zero_words(self.core, element)
        whole, size = Cat(words[at : at + count]), bits * self.core.dot_units
        options = [whole[i * size :][:size] for i in range(each * sets)]
        index = Cat(self.set[: sets.bit_length() - 1], self.turn[: each.bit_length() - 1])
        found = pick(m, options, index, f"zeros_{element.name.lower()}")
        return Cat(Cat(found.word_select(i, bits), Const(0, HALF_BITS - bits)) for i in range(self.core.dot_units))

    def set_of(self, m: Module, words: list[Signal], kind: Scale) -> list[Value]:
        """The set that has the scales of the present beat; of PLANES that of the plane and that of the offsets."""
        ends = self.array_words(kind)
        arrays = [Cat(words[first:last]) for first, last in itertools.pairwise([0, *ends])]
        if kind == Scale.PLANES:
            arrays = [pick(m, arrays[1:], self.plane, "plane_scales"), Mux(self.plane == 0, arrays[0], 0)]
        found, sets = [], slot_sets(self.core, kind)
        for at, array in enumerate(arrays):
            bits = len(array) // sets
            options = [array[i * bits :][:bits] for i in range(sets)]
            found.append(pick(m, options, self.set, f"set_{kind.name.lower()}_{at}"))
        return found

    def array_words(self, kind: Scale) -> list[int]:
        """Where each array of a packet ends."""
        slots, planes = self.core.slots(min(kind.arrays())), self.core.planes
        return list(itertools.accumulate(slots * size // self.core.port_bytes for size in kind.arrays(planes)))

    def slot(self, sets: dict[Scale, list[Value]], slot: int) -> tuple[Value, Value]:
        """d and m in one slot of the set."""
        units = self.core.dot_units
        parts = {
            kind: of_slot(kind, Cat(numbers.word_select(slot, len(numbers) // units) for numbers in arrays))
            for kind, arrays in sets.items()
        }
        d = choose(self.scale, list(parts), lambda kind: parts[kind][0])
        second = choose(self.scale, list(parts), lambda kind: parts[kind][1], key=lambda k: len(k.numbers) == 1 or k)
        return Mux(self.scale == Scale.NONE, ONE_HALF_PRECISION, d), second

    def spread(self, m: Module, slots: Value, name: str) -> Value:
        """A slot for each dot unit; where neighbors share, of a part of the slots one for several."""
        most = most_neighbors(self.core)
        options = [self.part_of(m, slots, near, f"part_{name}_{near}") for near in range(most + 1)]
        steps = [options[min(share, most)] for share in range(MOST_SHARE + 1)]  # the rest is shared by beats
        return pick(m, steps, self.share, f"slots_{name}") if most else slots

    def part_of(self, m: Module, slots: Value, near: int, name: str) -> Value:
        """The part of the present beat, each slot for 2^near neighbors."""
        size = len(slots) >> near
        part = pick(m, [slots[i * size :][:size] for i in range(1 << near)], self.part[:near], name)
        return Cat(part[HALF_BITS * (unit >> near) :][:HALF_BITS] for unit in range(self.core.dot_units))
