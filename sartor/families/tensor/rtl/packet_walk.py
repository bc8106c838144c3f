"""Where the weight decoder is in a packet: scales, zero points, high parts, codes."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..core import Core
from ..isa import Scale
from ..stream_shape import MOST_SHARE, zero_words
from . import matrix_ports as ports
from .choose import number
from .high_parts import MOST_HIGHS, high_words, set_steps, split_elements
from .pick import pick
from .scale_buffer import (
    most_neighbors,
    most_words,
    scale_kinds,
    scale_words,
    slot_sets,
    turns,
    zero_elements,
)


class PacketWalk(wiring.Component):
    """Scale words, then beats, and again: `take_scale` and `beat` tell what was taken, `end` ends both. With `last`, of
    a row tile, the beats end that share scales; `full`: the packet ends. Where codes have high parts, words of those
    (`take_high`), then a set of steps (`fire`: one more), and again. Zero points come before several packets, of which
    this is number `turn`."""

    def __init__(self, core: Core, minimum: bool) -> None:
        self.core, self.kinds, self.split = core, scale_kinds(core, minimum), split_elements(core)
        self.sets = max(slot_sets(core, kind) for kind in self.kinds)
        self.count = Signal(range(self.sets << MOST_SHARE))  # beats of the packet
        super().__init__(
            {
                "start": In(1), "command": In(ports.command_layout()),
                "take_scale": In(1), "take_high": In(1), "fire": In(1), "beat": In(1), "end": In(1),
                "last": In(1), "full": Out(1), "turn": Out(range(max(2, turns(core)))),
                "in_scales": Out(1), "in_highs": Out(1), "in_codes": Out(1), "high_index": Out(range(MOST_HIGHS)),
                "set_step": Out(range(max([2, *(set_steps(core, e) for e in self.split)]))),
                "index": Out(range(most_words(core))), "set": Out(range(max(2, self.sets))),
                "part": Out(max(1, most_neighbors(core))),
            }
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        in_scales, in_codes, index = Signal(), Signal(), Signal(range(most_words(self.core)))
        count, runs = self.count, self.shared_beats(m)
        ended = Signal.like(count)  # the last beat of those that share scales, at the end of a row tile
        m.d.comb += ended.eq(count | Mux(self.last, runs, 0))
        full = ended == (self.of_kind(slot_sets) << self.command.share) - 1
        scaled = self.command.scale != Scale.NONE
        split = self.is_split()
        first, later = self.first_word(m, full)
        self.sets_of_steps(m, in_codes)
        with m.If(self.take_scale):
            m.d.sync += index.eq(index + 1)
            with m.If(self.zeros_end(index)):
                m.d.sync += index.eq(0)
            with m.If(index == self.scale_words() - 1):
                m.d.sync += [index.eq(later), in_scales.eq(0), in_codes.eq(~split)]
                m.d.sync += self.in_highs.eq(split)
        with m.If(self.beat):
            m.d.sync += count.eq(ended + 1)
            with m.If(full):
                m.d.sync += [count.eq(0), in_scales.eq(scaled), in_codes.eq(~scaled), self.in_highs.eq(0)]
                m.d.sync += self.set_step.eq(0)
        with m.If(self.end):
            m.d.sync += [in_scales.eq(0), in_codes.eq(0), self.in_highs.eq(0), self.set_step.eq(0)]
        with m.If(self.start):
            m.d.sync += [index.eq(first), count.eq(0), in_scales.eq(scaled), in_codes.eq(~scaled)]
        m.d.comb += [self.in_scales.eq(in_scales), self.in_codes.eq(in_codes), self.index.eq(index)]
        m.d.comb += [self.set.eq(count >> self.command.share), self.full.eq(full & scaled)]
        # Beats that share their scales, beside the neighbors in one beat that do.
        beats = [Const(max(share - most_neighbors(self.core), 0), 2) for share in range(MOST_SHARE + 1)]
        m.d.comb += self.part.eq(count >> pick(m, beats, self.command.share, "shared_beats"))
        return m

    def shared_beats(self, m: Module) -> Value:
        """Of those that share scales, all but one."""
        beats = [1 << max(share - most_neighbors(self.core), 0) for share in range(MOST_SHARE + 1)]
        return pick(m, [Const(count - 1, MOST_SHARE) for count in beats], self.command.share, "runs")

    def first_word(self, m: Module, full: Value) -> tuple[Value, Value]:
        """Where the words of a packet begin, of the first and of the next: zero points are kept behind scales."""
        elements = zero_elements(self.core)
        if not elements:
            return Const(0), Const(0)
        turn, after, zero = Signal.like(self.turn), Signal.like(self.turn), self.command.scale == Scale.ZERO
        most = number(self.command.element, elements, lambda e: zero_words(self.core, e)[0] - 1)
        m.d.comb += [self.turn.eq(turn), after.eq((turn + 1) & most)]
        with m.If(self.beat & full):
            m.d.sync += turn.eq(after)
        with m.If(self.start):
            m.d.sync += turn.eq(0)
        at = scale_words(self.core, Scale.ZERO)
        return Mux(zero, at, 0), Mux(zero & (after == 0), at, 0)

    def zeros_end(self, index: Value) -> Value:
        """The word is the last one of zero points."""
        elements, at = zero_elements(self.core), scale_words(self.core, Scale.ZERO)
        if not elements:
            return Const(0, 1)
        last = number(self.command.element, elements, lambda e: at + zero_words(self.core, e)[1] - 1)
        return (self.command.scale == Scale.ZERO) & (index == last)

    def scale_words(self) -> Value:
        """Of a packet: of binary codes those of the offset, and as many of each plane."""
        words = self.of_kind(scale_words)
        if Scale.PLANES not in self.kinds:
            return words
        more = scale_words(self.core, Scale.PLANES) // 2 * self.command.planes
        return words + Mux(self.command.scale == Scale.PLANES, more, 0)

    def of_kind(self, size: Any) -> Value:
        """size(core, kind) of the command's kind of scales."""
        return number(self.command.scale, self.kinds, lambda kind: size(self.core, kind))

    def is_split(self) -> Value:
        """The command's codes have high parts."""
        return number(self.command.element, self.core.elements, lambda e: e.parts[1] > 0)

    def sets_of_steps(self, m: Module, in_codes: Signal) -> None:
        """High parts, then the steps that they are for."""
        if not self.split:
            return
        element = self.command.element
        last = self.high_index == number(element, self.split, lambda e: high_words(self.core, e) - 1)
        full = self.set_step == number(element, self.split, lambda e: set_steps(self.core, e) - 1)
        with m.If(self.take_high):
            m.d.sync += self.high_index.eq(Mux(last, 0, self.high_index + 1))
            with m.If(last):
                m.d.sync += [self.in_highs.eq(0), in_codes.eq(1)]
        with m.If(self.fire & self.is_split()):
            m.d.sync += self.set_step.eq(Mux(full, 0, self.set_step + 1))
            with m.If(full):
                m.d.sync += [self.in_highs.eq(1), in_codes.eq(0)]
