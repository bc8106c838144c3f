"""The vector unit: scratchpad, lanes, reductions, quantizer and cache writer, and the command that runs them."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..core import Core
from ..isa import AFTER, Target
from . import cache_address, matrix_ports, memory_ports, vector_ports
from .cache_writer import CacheWriter
from .fetch import Fetch
from .lane_array import LaneArray
from .matrix_ports import FLOAT_BITS
from .operands import Operands
from .quantizer import Quantizer
from .reducer import Reducer
from .results import Results
from .shared_operands import SharedOperands
from .slots import Slots

AFTER_LAYOUT = data.StructLayout(dict(AFTER))


class VectorUnit(wiring.Component):
    """Runs VEC (docs/hardware.md). A command is taken when the unit is idle; `done` comes in the cycle after
    its last write. `stall_weights` and `stall_cache`: it waits for a word of that stream. `scratch_trace`: every
    write to the scratchpad.

    A pass reads the words of a column in order and writes each of them later: a destination that overlaps a
    source of the same pass must have its address and stride.
    """

    def __init__(self, core: Core, structural: bool = False) -> None:
        self.core, self.structural = core, structural
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
        m.submodules.operands = self.operands = Operands(core)
        m.submodules.lanes = self.lanes = LaneArray(core, self.structural)
        m.submodules.slots = self.slots = Slots(core)
        m.submodules.reducer = self.reducer = Reducer(core)
        m.submodules.quantizer = self.quantizer = Quantizer(core, cache_address.rows_of_word(core))
        m.submodules.writer = self.writer = CacheWriter(core)
        m.submodules.shared = self.shared = SharedOperands(core)
        m.submodules.results = self.results = Results(core)
        self.held = Signal(vector_ports.command_layout())
        self.running, self.after = Signal(), Signal()
        self.go = Signal()
        self.reducing, self.quantizing = Signal(), Signal()
        self.take_command(m)
        self.fetch_operands(m)
        self.place_results(m)
        self.write_scratch(m)
        self.reduce(m)
        self.quantize(m)
        self.finish(m)
        return m

    def take_command(self, m: Module) -> None:
        start, c = Signal(), self.held
        m.d.comb += [self.command.ready.eq(~self.running), start.eq(self.command.valid & ~self.running)]
        m.d.sync += self.buffer_clear.valid.eq(0)
        with m.If(start):
            p = self.command.payload
            m.d.sync += [c.eq(p), self.running.eq(1)]
            m.d.sync += [self.reducing.eq(p.reduce != 0), self.quantizing.eq((p.reduce == 0) & (p.target != 0))]
            clears = (p.target == Target.BUFFER) & (p.reduce == 0) & ~p.keep
            m.d.sync += [self.buffer_clear.valid.eq(clears), self.buffer_clear.columns.eq(p.columns)]
        with m.Elif(self.done):
            m.d.sync += self.running.eq(0)
        m.d.comb += [self.fetch.start.eq(start), self.fetch.offered.eq(self.command.payload)]
        m.d.comb += [self.results.start.eq(start), self.results.command.eq(c)]
        m.d.comb += self.results.offered.eq(self.command.payload)

    def fetch_operands(self, m: Module) -> None:
        fetch, operands, lanes, c = self.fetch, self.operands, self.lanes, self.held
        wiring.connect(m, wiring.flipped(self.weights), operands.weights)
        wiring.connect(m, wiring.flipped(self.cache), operands.cache)
        m.d.comb += [fetch.command.eq(c), fetch.advance.eq(operands.advance), operands.command.eq(c)]
        m.d.comb += [operands.step.eq(fetch.step), operands.step_valid.eq(fetch.step_valid)]
        m.d.comb += [
            operands.read.eq(fetch.read),
            operands.address.eq(fetch.address),
            operands.go.eq(self.go),
        ]
        m.d.comb += operands.fresh.eq(self.results.resume | ~self.running)
        m.d.comb += [
            operands.after.eq(self.reducer.after),
            operands.reduced.eq(self.slots.first[:FLOAT_BITS]),
        ]
        for name in ("a", "memory", "load_a", "load_p", "load_q", "launch", "p_is_a", "p_memory"):
            m.d.comb += getattr(lanes, name).eq(getattr(operands, name))
        for name in ("stall_weights", "stall_cache"):
            m.d.comb += getattr(self, name).eq(getattr(operands, name))

    def place_results(self, m: Module) -> None:
        """Operands that all lanes share, the function, and where results go."""
        c, shared, results, lanes = self.held, self.shared, self.results, self.lanes
        after = data.View(AFTER_LAYOUT, c.d_addr[: AFTER_LAYOUT.size])
        m.d.comb += [shared.command.eq(c), shared.after.eq(self.after), shared.steps.eq(after)]
        m.d.comb += [shared.column.eq(self.fetch.step.column), shared.go.eq(self.go)]
        m.d.comb += [lanes.p_shared.eq(shared.p), lanes.q_shared.eq(shared.q)]
        m.d.comb += lanes.take_shared_q.eq(shared.take_q)
        # Registered: it changes while no word is near the lanes' results, and all of them read it.
        m.d.sync += lanes.function.eq(Mux(self.after, after.after_function, c.function))
        m.d.comb += lanes.go.eq(self.go)
        wiring.connect(m, wiring.flipped(self.constant_write), shared.constant_write)
        m.d.comb += [results.accept.eq(lanes.valid & self.go & ~self.after)]
        m.d.comb += results.reduced.eq(lanes.valid & self.after)
        m.d.comb += [shared.write.eq(results.reduced), shared.write_scalar.eq(after.scalar)]
        m.d.comb += [shared.write_column.eq(results.column), shared.write_data.eq(lanes.result[:FLOAT_BITS])]

    def write_scratch(self, m: Module) -> None:
        """Results, or what the matrix unit writes: never both."""
        results, given, trace = self.results, self.scratch_write, self.scratch_trace
        own = results.accept & ~self.reducing & (self.held.target == Target.SCRATCH)
        m.d.comb += trace.valid.eq(given.valid | own)
        m.d.comb += trace.address.eq(Mux(own, results.address, given.address))
        m.d.comb += trace.mask.eq(Mux(own, ~0, given.mask))
        m.d.comb += trace.data.eq(Mux(own, self.lanes.result, given.data))
        write = self.operands.write
        m.d.comb += [write.valid.eq(trace.valid), write.address.eq(trace.address)]
        m.d.comb += [write.mask.eq(trace.mask), write.data.eq(trace.data)]

    def reduce(self, m: Module) -> None:
        reducer, lanes, results, slots = self.reducer, self.lanes, self.results, self.slots
        m.d.comb += [
            reducer.kind.eq(self.held.reduce), lanes.reducing.eq(self.reducing),
            reducer.accumulate.eq(lanes.valid & self.reducing & ~self.after),
            reducer.index.eq(results.word), reducer.first.eq(results.first), reducer.last.eq(results.column_ends),
            reducer.result.eq(lanes.result), reducer.word.eq(slots.word), reducer.lower.eq(slots.lower),
            lanes.feed.eq(reducer.feed), lanes.larger.eq(reducer.larger), lanes.middle.eq(reducer.middle),
            lanes.x.eq(reducer.x), lanes.y.eq(reducer.y),
            slots.index.eq(reducer.read_index), slots.group_index.eq(self.quantizer.read_index),
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
        token = Signal(cache_address.TOKEN_BITS)
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
            quantizer.word.eq(self.slots.group), quantizer.go.eq(~writer.busy), quantizer.shift.eq(writer.shift),
            writer.load.eq(quantizer.loaded & cached), writer.values.eq(c.target == Target.VALUES),
            writer.token.eq(token), writer.group.eq(group), writer.groups.eq(c.n),
            writer.codes.eq(quantizer.codes), writer.exponent.eq(quantizer.exponent), writer.base.eq(c.base),
            writer.quarter.eq(quantizer.quarter), writer.negative.eq(quantizer.negative),
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
