"""The vector unit: scratchpad, lanes, reductions, quantizer and cache writer, and the command that runs them."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ....rtl.float_parts import MINUS_MOST
from ..core import Core
from ..isa import AFTER, Operand, Source, Target
from . import cache_writer, matrix_ports, memory_ports, vector_ports
from .cache_writer import CacheWriter
from .fetch import Fetch
from .lane_array import LaneArray
from .matrix_ports import FLOAT_BITS
from .quantizer import Quantizer
from .reducer import Reducer
from .results import Results
from .shared_operands import SharedOperands
from .slots import Slots
from .stream_words import StreamWords

AFTER_LAYOUT = data.StructLayout(dict(AFTER))


class VectorUnit(wiring.Component):
    """Runs VEC (docs/hardware.md). A command is taken when the unit is idle; `done` comes in the cycle after
    its last write. `stall_weights` and `stall_cache`: it waits for a word of that stream. `scratch_trace`: every
    write to the scratchpad.

    A pass reads the words of a column in order and writes each of them later: a destination that overlaps a
    source of the same pass must have its address and stride.
    """

    def __init__(self, core: Core) -> None:
        self.core = core
        super().__init__(
            {
                "command": In(stream.Signature(vector_ports.command_layout())),
                "weights": In(memory_ports.words_signature(core)),
                "cache": In(memory_ports.words_signature(core)),
                "constant_write": In(vector_ports.constant_write_signature()),
                "scratch_write": In(matrix_ports.scratch_write_signature(core)),
                "buffer_write": Out(matrix_ports.buffer_write_signature(core)),
                "buffer_clear": Out(matrix_ports.buffer_clear_signature()),
                "store": Out(stream.Signature(memory_ports.store_layout(core))),
                "scratch_trace": Out(matrix_ports.scratch_write_signature(core)),
                "done": Out(1),
                "stall_weights": Out(1),
                "stall_cache": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        core = self.core
        m.submodules.fetch = self.fetch = Fetch(core)
        m.submodules.words = self.words = StreamWords(core)
        m.submodules.lanes = self.lanes = LaneArray(core)
        m.submodules.slots = self.slots = Slots(core)
        m.submodules.reducer = self.reducer = Reducer(core)
        m.submodules.quantizer = self.quantizer = Quantizer(core, cache_writer.rows_of_word(core))
        m.submodules.writer = self.writer = CacheWriter(core)
        m.submodules.shared = self.shared = SharedOperands(core)
        m.submodules.results = self.results = Results(core)
        self.held = Signal(vector_ports.command_layout())
        self.running, self.after = Signal(), Signal()
        self.go, self.advance = Signal(), Signal()
        self.reducing, self.quantizing = Signal(), Signal()
        self.take_command(m)
        self.read_operands(m)
        self.launch(m)
        self.place_results(m)
        self.reduce(m)
        self.quantize(m)
        self.finish(m)
        return m

    def take_command(self, m: Module) -> None:
        start, c = Signal(), self.held
        m.d.comb += [self.command.ready.eq(~self.running), start.eq(self.command.valid & ~self.running)]
        m.d.comb += [self.reducing.eq(c.reduce != 0), self.quantizing.eq(~self.reducing & (c.target != 0))]
        m.d.sync += self.buffer_clear.valid.eq(0)
        with m.If(start):
            p = self.command.payload
            m.d.sync += [c.eq(p), self.running.eq(1)]
            clears = (p.target == Target.BUFFER) & (p.reduce == 0) & ~p.keep
            m.d.sync += [self.buffer_clear.valid.eq(clears), self.buffer_clear.columns.eq(p.columns)]
        with m.Elif(self.done):
            m.d.sync += self.running.eq(0)
        m.d.comb += [self.fetch.start.eq(start), self.fetch.offered.eq(self.command.payload)]
        m.d.comb += [self.fetch.command.eq(c), self.fetch.advance.eq(self.advance)]
        m.d.comb += [self.results.start.eq(start), self.results.command.eq(c)]
        m.d.comb += self.results.offered.eq(self.command.payload)

    def read_operands(self, m: Module) -> None:
        """Scratchpad and stream; `a` swapped and masked."""
        core, fetch, step = self.core, self.fetch, self.fetch.step
        shape = data.ArrayLayout(FLOAT_BITS, core.vector_lanes)
        scratch = memory.Memory(shape=shape, depth=core.scratch_groups * core.words_per_group, init=[])
        m.submodules.scratch = scratch
        read, self.write = scratch.read_port(), scratch.write_port(granularity=1)
        m.d.comb += [read.en.eq(fetch.read), read.addr.eq(fetch.address), self.lanes.memory.eq(read.data)]
        streamed = self.held.a_source != Source.SCRATCH
        from_weights = self.held.a_source == Source.WEIGHTS
        m.d.comb += self.words.payload.eq(Mux(from_weights, self.weights.payload, self.cache.payload))
        m.d.comb += [
            self.words.half.eq(self.held.a_source == Source.CACHE_BF16),
            self.words.chunk.eq(step.chunk),
        ]
        m.d.comb += self.words.last.eq(step.last)
        raw = Signal(FLOAT_BITS * core.vector_lanes)
        m.d.comb += raw.eq(Mux(streamed, self.words.numbers, read.data.as_value()))
        numbers = [raw.word_select(i, FLOAT_BITS) for i in range(core.vector_lanes)]
        operands: list[Value] = []
        for i, number in enumerate(numbers):
            swapped = Mux(self.held.swap, numbers[i ^ 1], number)
            operands.append(Mux(step.limit > i, swapped, MINUS_MOST))
        first = self.slots.first[:FLOAT_BITS]
        m.d.comb += self.lanes.a.eq(Cat(Mux(self.reducer.after, first, operands[0]), *operands[1:]))

    def launch(self, m: Module) -> None:
        """Loads what comes in this cycle, unless a stream is empty. A reduction launches in every other cycle
        only: in those between, its words take the adders a second time."""
        c, step, lanes, after = self.held, self.fetch.step, self.lanes, self.reducer.after
        launched, odd, blocked = Signal(), Signal(), Signal()
        offers = Mux(c.a_source == Source.WEIGHTS, self.weights.valid, self.cache.valid)
        wants, waits = Signal(), Signal()
        m.d.comb += blocked.eq(step.launch & self.reducing & odd)
        m.d.comb += wants.eq(self.fetch.step_valid & step.stream & self.go & ~blocked)
        m.d.comb += waits.eq(self.fetch.step_valid & (step.stream & ~offers | blocked))
        m.d.comb += self.advance.eq(self.go & ~waits)
        moves, from_weights = self.fetch.step_valid & self.advance, c.a_source == Source.WEIGHTS
        m.d.comb += self.words.take.eq(moves & step.stream)
        m.d.comb += self.weights.ready.eq(wants & from_weights & self.words.done)
        m.d.comb += self.cache.ready.eq(wants & ~from_weights & self.words.done)
        m.d.comb += self.stall_weights.eq(wants & from_weights & ~self.weights.valid)
        m.d.comb += self.stall_cache.eq(wants & ~from_weights & ~self.cache.valid)
        all_lanes = (moves & step.load_a).replicate(self.core.vector_lanes)
        chunk = Mux(self.words.take, self.words.lanes, 0)
        m.d.comb += [lanes.load_a.eq(all_lanes | chunk | after), lanes.load_p.eq(moves & step.launch | after)]
        m.d.comb += [lanes.load_q.eq(moves & step.load_q), lanes.launch.eq(moves & step.launch | after)]
        m.d.comb += lanes.p_is_a.eq((c.p == Operand.A) & ~self.after)
        m.d.comb += lanes.p_memory.eq((c.p == Operand.B) & ~self.after)
        with m.If(self.results.resume | ~self.running):
            m.d.sync += [launched.eq(0), odd.eq(0)]
        with m.Elif(moves & step.launch):
            m.d.sync += [launched.eq(1), odd.eq(1)]
        with m.Elif(launched):
            m.d.sync += odd.eq(~odd)

    def place_results(self, m: Module) -> None:
        """Operands that all lanes share, the function, and where results go."""
        c, shared, results, lanes = self.held, self.shared, self.results, self.lanes
        after = data.View(AFTER_LAYOUT, c.d_addr[: AFTER_LAYOUT.size])
        m.d.comb += [shared.command.eq(c), shared.after.eq(self.after), shared.steps.eq(after)]
        m.d.comb += [shared.column.eq(self.fetch.step.column), shared.go.eq(self.go)]
        m.d.comb += [lanes.p_shared.eq(shared.p), lanes.q_shared.eq(shared.q)]
        m.d.comb += lanes.take_shared_q.eq(shared.take_q)
        m.d.comb += lanes.function.eq(Mux(self.after, after.after_function, c.function))
        m.d.comb += lanes.go.eq(self.go)
        wiring.connect(m, wiring.flipped(self.constant_write), shared.constant_write)
        m.d.comb += [results.accept.eq(lanes.valid & self.go & ~self.after)]
        m.d.comb += results.reduced.eq(lanes.valid & self.after)
        m.d.comb += [shared.write.eq(results.reduced), shared.write_scalar.eq(after.scalar)]
        m.d.comb += [shared.write_column.eq(results.column), shared.write_data.eq(lanes.result[:FLOAT_BITS])]
        port, given, trace = self.write, self.scratch_write, self.scratch_trace
        own = results.accept & ~self.reducing & (c.target == Target.SCRATCH)
        every = own.replicate(self.core.vector_lanes)
        m.d.comb += [
            trace.valid.eq(given.valid | own),
            trace.address.eq(Mux(own, results.address, given.address)),
        ]
        m.d.comb += trace.mask.eq(every | Mux(given.valid, given.mask, 0))
        m.d.comb += trace.data.eq(Mux(own, lanes.result, given.data))
        m.d.comb += [port.addr.eq(trace.address), port.data.eq(trace.data), port.en.eq(trace.mask)]

    def reduce(self, m: Module) -> None:
        reducer, lanes, results, slots = self.reducer, self.lanes, self.results, self.slots
        m.d.comb += [
            reducer.kind.eq(self.held.reduce), reducer.accumulate.eq(results.accept & self.reducing),
            reducer.index.eq(results.word), reducer.first.eq(results.first), reducer.last.eq(results.column_ends),
            reducer.result.eq(lanes.result), reducer.word.eq(slots.word), reducer.lower.eq(slots.lower),
            lanes.feed.eq(reducer.feed), lanes.larger.eq(reducer.larger), lanes.middle.eq(reducer.middle),
            lanes.x.eq(reducer.x), lanes.y.eq(reducer.y),
            slots.index.eq(Mux(self.reducing, reducer.read_index, self.quantizer.read_index)),
            slots.lower_index.eq(reducer.lower_index),
            slots.write.eq(Mux(self.reducing, reducer.write, results.accept & self.quantizing)),
            slots.write_index.eq(Mux(self.reducing, reducer.write_index, results.word)),
            slots.write_data.eq(Mux(self.reducing, lanes.next, lanes.result)),
            self.fetch.resume.eq(results.resume),
        ]  # fmt: skip
        with m.If(reducer.accumulate & reducer.last):
            m.d.sync += self.after.eq(1)
        with m.Elif(results.reduced):
            m.d.sync += self.after.eq(0)

    def quantize(self, m: Module) -> None:
        c, quantizer, writer, results = self.held, self.quantizer, self.writer, self.results
        group, column = Signal(vector_ports.COUNT_BITS), Signal.like(results.column)
        token = Signal(cache_writer.TOKEN_BITS)
        cached = c.target != Target.BUFFER
        with m.If(quantizer.accept & quantizer.last):
            m.d.sync += [group.eq(results.group), column.eq(results.column)]
            m.d.sync += token.eq(c.position + results.column)
        m.d.comb += [
            quantizer.target.eq(c.target), quantizer.largest.eq(self.shared.largest),
            self.shared.largest_column.eq(results.column),
            quantizer.waiting.eq(self.lanes.valid & self.quantizing), self.go.eq(~quantizer.stall),
            quantizer.accept.eq(results.accept & self.quantizing), quantizer.index.eq(results.word),
            quantizer.last.eq(results.group_ends), quantizer.result.eq(self.lanes.result),
            quantizer.word.eq(self.slots.word), quantizer.go.eq(~writer.busy), quantizer.shift.eq(writer.shift),
            writer.load.eq(quantizer.loaded & cached), writer.values.eq(c.target == Target.VALUES),
            writer.token.eq(token), writer.group.eq(group), writer.groups.eq(c.n),
            writer.codes.eq(quantizer.codes), writer.exponent.eq(quantizer.exponent), writer.base.eq(c.base),
            writer.value_stride.eq(c.value_stride), writer.value_scales.eq(c.value_scales),
            self.buffer_write.codes.eq(quantizer.codes), self.buffer_write.exponent.eq(quantizer.exponent),
        ]  # fmt: skip
        m.d.sync += self.buffer_write.valid.eq(quantizer.loaded & ~cached)
        with m.If(quantizer.loaded):
            m.d.sync += [self.buffer_write.column.eq(column), self.buffer_write.group.eq(c.d_addr + group)]
        wiring.connect(m, writer.store, wiring.flipped(self.store))

    def finish(self, m: Module) -> None:
        busy = self.quantizer.pending | self.buffer_write.valid | self.writer.busy
        m.d.comb += self.done.eq(self.running & self.results.finished & ~busy)
