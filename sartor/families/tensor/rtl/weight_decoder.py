"""The weight decoder: walks through a matrix as its words arrive and hands the tile one step after the other.

A step is what the tile takes in one cycle: a beat, or half a beat of 8-bit codes with 4-bit multipliers.
In cycle t `step` says that a step is complete; in cycle t + 1 its codes and scales are there.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ....formats.decode import Element
from ..core import Core
from ..isa import Scale
from . import matrix_ports as ports
from .choose import number
from .code_layout import MOST_PARTS, codes_layout, width
from .high_parts import HighParts, split_elements
from .matrix_walk import MatrixWalk
from .packet_walk import PacketWalk
from .scale_buffer import ScaleBuffer
from .weight_codes import WeightCodes


class WeightDecoder(wiring.Component):
    """Runs from `start`, with the command there and after, up to the step with `end`. While `hold`, the last
    step of a row tile waits. `next_fold` is the fold of the step after this one."""

    def __init__(self, core: Core, minimum: bool = True) -> None:
        self.core, self.minimum = core, minimum
        halves = data.ArrayLayout(unsigned(ports.HALF_BITS), core.dot_units)
        super().__init__(
            {
                "start": In(1), "command": In(ports.command_layout()), "hold": In(1),
                "weights": In(ports.words_signature(core)), "cache": In(ports.words_signature(core)),
                "step": Out(ports.step_layout()), "next_fold": Out(ports.FOLD_BITS),
                "codes": Out(codes_layout(core)), "d": Out(halves), "m": Out(halves),
                "stall_weights": Out(1), "stall_cache": Out(1), "stall_drain": Out(1),
            }
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.walk = walk = MatrixWalk(self.core)
        m.submodules.packet = packet = PacketWalk(self.core, self.minimum)
        word, valid = Signal(8 * self.core.port_bytes), Signal()
        take_part, taken, part = Signal(), Signal(), Signal(range(MOST_PARTS))
        self.source(m, word, valid, taken, packet.in_scales | packet.in_highs | packet.in_codes)
        whole, word_done = self.parts(m, walk, packet.full & walk.beat, part, take_part)
        blocked = whole & walk.last & self.hold
        fire, take_scale, take_high = take_part & whole, packet.in_scales & valid, packet.in_highs & valid
        m.d.comb += [
            take_part.eq(packet.in_codes & valid & ~blocked),
            taken.eq(take_scale | take_high | take_part & word_done),
            self.stall_drain.eq(packet.in_codes & valid & blocked),
            walk.advance.eq(fire),
            packet.take_scale.eq(take_scale),
            packet.take_high.eq(take_high),
            packet.fire.eq(fire),
            packet.beat.eq(fire & walk.beat),
            packet.end.eq(fire & walk.end),
            packet.last.eq(walk.last),
            self.step.valid.eq(fire),
            self.next_fold.eq(walk.next_fold),
            *(self.step[name].eq(getattr(walk, name)) for name in ("half", "final", "first", "last", "end")),
            *(walker.start.eq(self.start) for walker in (walk, packet)),
            *(walker.command.eq(self.command) for walker in (walk, packet)),
        ]
        self.memories(m, packet, word, part, take_part, fire, walk.plane)
        return m

    def source(self, m: Module, word: Value, valid: Value, taken: Value, running: Value) -> None:
        """Words from one of the two streams."""
        cache = self.command.cache
        m.d.comb += [
            word.eq(Mux(cache, self.cache.payload, self.weights.payload)),
            valid.eq(Mux(cache, self.cache.valid, self.weights.valid)),
            self.weights.ready.eq(taken & ~cache),
            self.cache.ready.eq(taken & cache),
            self.stall_weights.eq(running & ~valid & ~cache),
            self.stall_cache.eq(running & ~valid & cache),
        ]

    def parts(self, m: Module, walk: MatrixWalk, ends: Value, part: Signal, take: Value) -> tuple[Value, Value]:
        """Counts words of a step or steps of a word; is the step complete, is the word? `ends`: of a packet too."""
        last, word_done = Signal(), Signal()
        m.d.comb += last.eq(part == self.of_width(lambda w: w.parts - 1))
        if any(width(self.core, e).steps > 1 for e in self.core.elements):
            last = last | ends & self.of_width(lambda w: w.steps > 1)
        with m.If(take):
            m.d.sync += part.eq(Mux(last, 0, part + 1))
        with m.If(self.start):
            m.d.sync += part.eq(0)
        m.d.comb += word_done.eq(last | walk.end | self.of_width(lambda w: w.steps == 1))
        return last | self.of_width(lambda w: w.words == 1), word_done

    def of_width(self, size: Any) -> Value:
        """size(width) of the command's codes."""
        return number(self.command.element, self.core.elements, lambda e: size(width(self.core, e)))

    def is_paired(self) -> Value:
        """Values of a cache of 4-bit codes: two rows share a byte."""
        of_cache = self.command.cache & (self.command.scale == Scale.NONE)
        return of_cache & (self.command.element == Element.INT4)

    def memories(
        self, m: Module, packet: PacketWalk, word: Value, part: Value, load: Value, fire: Value, plane: Value
    ) -> None:
        """The registers of codes and scales."""
        m.submodules.codes = codes = WeightCodes(self.core)
        m.submodules.scales = scales = ScaleBuffer(self.core, self.minimum)
        m.d.comb += [
            codes.word.eq(word), codes.load.eq(load), codes.part.eq(part), codes.element.eq(self.command.element),
            codes.unsigned.eq((self.command.scale == Scale.SCALE_MINIMUM) | (self.command.scale == Scale.ZERO)),
            codes.zeros.eq(scales.zeros), codes.paired.eq(self.is_paired()),
            scales.word.eq(word), scales.write.eq(packet.take_scale), scales.index.eq(packet.index),
            scales.scale.eq(self.command.scale), scales.share.eq(self.command.share),
            scales.element.eq(self.command.element), scales.turn.eq(packet.turn),
            scales.plane.eq(plane),
            scales.load.eq(fire), scales.set.eq(packet.set), scales.part.eq(packet.part),
            self.codes.eq(codes.codes), self.d.eq(scales.d), self.m.eq(scales.m),
        ]  # fmt: skip
        if split_elements(self.core):
            m.submodules.highs = highs = HighParts(self.core)
            m.d.comb += [
                highs.word.eq(word), highs.write.eq(packet.take_high), highs.index.eq(packet.high_index),
                highs.element.eq(self.command.element), highs.step.eq(packet.set_step), codes.high.eq(highs.high),
            ]  # fmt: skip
