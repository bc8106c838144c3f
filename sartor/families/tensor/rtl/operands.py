"""Operands of the lanes: scratchpad, streams, swap and mask; and when a word is launched."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from ....rtl.float_parts import MINUS_MOST
from ..core import Core
from ..isa import Operand, Source
from . import memory_ports
from .fetch import ADDRESS_BITS, step_layout
from .matrix_ports import FLOAT_BITS, scratch_write_signature
from .stream_words import StreamWords
from .vector_ports import command_layout


class Operands(wiring.Component):
    """`step` says what comes in this cycle; with `advance` it is loaded. `after` loads `reduced` into lane 0 instead
    and launches it. `fresh`: nothing is under way, so that a reduction may launch in any cycle."""

    def __init__(self, core: Core) -> None:
        self.core = core
        word = FLOAT_BITS * core.vector_lanes
        address = ADDRESS_BITS + core.words_per_group.bit_length() - 1
        flags = ("step_valid", "go", "fresh", "after", "read")
        loads = (
            "load_p",
            "load_q",
            "launch",
            "advance",
            "stall_weights",
            "stall_cache",
            "p_is_a",
            "p_memory",
        )
        super().__init__(
            {
                "weights": In(memory_ports.words_signature(core)), "cache": In(memory_ports.words_signature(core)),
                "write": In(scratch_write_signature(core)), "command": In(command_layout()),
                "step": In(step_layout(core)), "address": In(address), "reduced": In(FLOAT_BITS),
                **{name: In(1) for name in flags}, **{name: Out(1) for name in loads},
                "a": Out(word), "memory": Out(word), "load_a": Out(core.vector_lanes),
            }
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.words = self.words = StreamWords(self.core)
        self.moves, self.blocked = Signal(), Signal()
        self.read_scratch(m)
        self.operand_a(m)
        self.take_stream(m)
        self.load(m)
        self.alternate(m)
        return m

    def read_scratch(self, m: Module) -> None:
        core = self.core
        shape = data.ArrayLayout(FLOAT_BITS, core.vector_lanes)
        depth = core.scratch_groups * core.words_per_group
        m.submodules.scratch = scratch = memory.Memory(shape=shape, depth=depth, init=[])
        read, write = scratch.read_port(), scratch.write_port(granularity=1)
        m.d.comb += [read.en.eq(self.read), read.addr.eq(self.address), self.memory.eq(read.data)]
        m.d.comb += [write.addr.eq(self.write.address), write.data.eq(self.write.data)]
        m.d.comb += write.en.eq(Mux(self.write.valid, self.write.mask, 0))

    def operand_a(self, m: Module) -> None:
        """Swapped and masked."""
        raw = Signal(FLOAT_BITS * self.core.vector_lanes)
        streamed = self.command.a_source != Source.SCRATCH
        m.d.comb += raw.eq(Mux(streamed, self.words.numbers, self.memory))
        numbers = [raw.word_select(i, FLOAT_BITS) for i in range(self.core.vector_lanes)]
        operands: list[Value] = []
        for i, number in enumerate(numbers):
            swapped = Mux(self.command.swap, numbers[i ^ 1], number)
            operands.append(Mux(self.step.limit > i, swapped, MINUS_MOST))
        m.d.comb += self.a.eq(Cat(Mux(self.after, self.reduced, operands[0]), *operands[1:]))

    def take_stream(self, m: Module) -> None:
        words, step, source = self.words, self.step, self.command.a_source
        from_weights, wants, offers = Signal(), Signal(), Signal()
        m.d.comb += [
            from_weights.eq(source == Source.WEIGHTS),
            words.payload.eq(Mux(from_weights, self.weights.payload, self.cache.payload)),
            words.half.eq(source == Source.CACHE_BF16), words.chunk.eq(step.chunk), words.last.eq(step.last),
            offers.eq(Mux(from_weights, self.weights.valid, self.cache.valid)),
            wants.eq(self.step_valid & step.stream & self.go & ~self.blocked),
            self.advance.eq(self.go & ~(self.step_valid & (step.stream & ~offers | self.blocked))),
            self.moves.eq(self.step_valid & self.advance), words.take.eq(self.moves & step.stream),
            self.weights.ready.eq(wants & from_weights & words.done),
            self.cache.ready.eq(wants & ~from_weights & words.done),
            self.stall_weights.eq(wants & from_weights & ~offers),
            self.stall_cache.eq(wants & ~from_weights & ~offers),
        ]  # fmt: skip

    def load(self, m: Module) -> None:
        step, moves, p = self.step, self.moves, self.command.p
        every = (moves & step.load_a).replicate(self.core.vector_lanes)
        chunk = Mux(self.words.take, self.words.lanes, 0)
        m.d.comb += [self.load_a.eq(every | chunk | self.after), self.load_q.eq(moves & step.load_q)]
        m.d.comb += [self.launch.eq(moves & step.launch | self.after), self.load_p.eq(self.launch)]
        m.d.comb += [
            self.p_is_a.eq((p == Operand.A) & ~self.after),
            self.p_memory.eq((p == Operand.B) & ~self.after),
        ]

    def alternate(self, m: Module) -> None:
        """A reduction launches in every other cycle only: in those between, its words take the adders once more."""
        launched, odd = Signal(), Signal()
        m.d.comb += self.blocked.eq(self.step.launch & (self.command.reduce != 0) & odd)
        with m.If(self.fresh):
            m.d.sync += [launched.eq(0), odd.eq(0)]
        with m.Elif(self.moves & self.step.launch):
            m.d.sync += [launched.eq(1), odd.eq(1)]
        with m.Elif(launched):
            m.d.sync += odd.eq(~odd)
