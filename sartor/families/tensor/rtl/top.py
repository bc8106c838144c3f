"""The core: sequencer, memory, matrix unit and vector unit between the ports of docs/hardware.md."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, ClockDomain, ClockSignal, DomainRenamer, Module, Mux, ResetSignal, Value
from amaranth.lib import wiring

from ..core import PROGRAM_WORDS, Core
from ..isa import COUNTERS
from . import top_ports
from .counters import Counters
from .gate import Gate
from .host import Host
from .matrix import MatrixUnit
from .memory import CACHE, STORE, WEIGHTS, Memory
from .sequencer import KINDS, Sequencer
from .vector import VectorUnit


class Top(wiring.Component):
    """One core. `trace=False` leaves out the trace ports and `structural` takes carry-save trees for the
    products: for synthesis. `minimum=False`: no weights with a minimum. `gated`, for simulation: the vector unit has a
    clock of its own, `vector_clk`, which rises with the other where `vector_active` is set and else may rest."""

    def __init__(
        self, core: Core, trace: bool = True, program_words: int = PROGRAM_WORDS, structural: bool = False,
        minimum: bool = True, gated: bool = False,
    ) -> None:  # fmt: skip
        self.core, self.trace, self.program_words = core, trace, program_words
        self.structural, self.minimum, self.gated = structural, minimum, gated
        gate = top_ports.gate() if gated else {}
        traced = top_ports.trace(core, program_words) if trace else {}
        super().__init__({**top_ports.host(), **top_ports.memory(core), **traced, **gate})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.host = host = Host(self.program_words)
        m.submodules.sequencer = sequencer = Sequencer(self.core, self.program_words)
        m.submodules.memory = memory = Memory(self.core)
        m.submodules.matrix = matrix = MatrixUnit(
            self.core, minimum=self.minimum, structural=self.structural
        )
        vector = VectorUnit(self.core, self.structural)
        m.submodules.vector = self.gate(m, vector) if self.gated else vector
        m.submodules.counters = counters = Counters()
        self.connect_host(m, host, sequencer, matrix, vector)
        self.connect_commands(m, sequencer, memory, matrix, vector)
        self.connect_words(m, sequencer, memory, matrix, vector)
        self.connect_port(m, memory)
        self.count(m, counters, host, sequencer, memory, matrix, vector)
        if self.trace:
            self.connect_trace(m, sequencer, vector)
        return m

    def gate(self, m: Module, vector: VectorUnit) -> Any:
        """The unit in a clock domain of its own."""
        in_domain, gate = DomainRenamer("vector"), Gate()
        m.domains.vector = ClockDomain()
        m.submodules.gate = in_domain(gate)
        m.d.comb += [
            ClockSignal("vector").eq(self.vector_clk), ResetSignal("vector").eq(ResetSignal()),
            gate.command.eq(vector.command.valid), gate.running.eq(~vector.command.ready),
            gate.written.eq(vector.constant_write.valid | vector.scratch_write.valid),
            self.vector_active.eq(gate.active),
        ]  # fmt: skip
        return in_domain(vector)

    def connect_host(self, m: Module, host: Host, sequencer: Sequencer, matrix: MatrixUnit, vector: VectorUnit) -> None:
        constant = vector.constant_write
        m.d.comb += [
            host.valid.eq(self.host_valid), host.write.eq(self.host_write), host.address.eq(self.host_address),
            host.write_data.eq(self.host_write_data), self.host_data.eq(host.read_data),
            sequencer.start.eq(host.start), sequencer.start_pc.eq(host.start_pc),
            sequencer.batch.eq(host.batch), sequencer.host_data.eq(self.host_write_data),
            sequencer.program_write.eq(host.program_write), sequencer.program_address.eq(host.program_address),
            sequencer.sequence_write.eq(host.sequence_write), sequencer.sequence_index.eq(host.index),
            matrix.best_column.eq(host.index),
            constant.valid.eq(host.constant_write), constant.index.eq(host.index),
            constant.data.eq(self.host_write_data), host.busy.eq(sequencer.busy),
            host.best_index.eq(matrix.best_index), host.best_value.eq(matrix.best_value),
        ]  # fmt: skip

    def connect_commands(
        self, m: Module, sequencer: Sequencer, memory: Memory, matrix: MatrixUnit, vector: VectorUnit
    ) -> None:
        """Commands, and what the units write for each other."""
        wiring.connect(m, sequencer.stream, memory.stream)
        wiring.connect(m, sequencer.fetch, memory.fetch)
        wiring.connect(m, sequencer.mm, matrix.command)
        wiring.connect(m, sequencer.vec, vector.command)
        wiring.connect(m, matrix.scratch_write, vector.scratch_write)
        wiring.connect(m, vector.buffer_write, matrix.buffer_write)
        wiring.connect(m, vector.buffer_clear, matrix.buffer_clear)
        wiring.connect(m, vector.store, memory.store)
        m.d.comb += [
            sequencer.mm_done.eq(matrix.done), sequencer.vec_done.eq(vector.done),
            sequencer.idle_store.eq(memory.idle_store),
        ]  # fmt: skip

    def connect_words(
        self, m: Module, sequencer: Sequencer, memory: Memory, matrix: MatrixUnit, vector: VectorUnit
    ) -> None:
        """Words go to the unit that runs."""
        is_vector = sequencer.kind[KINDS.index("vector")]
        for name in ("weights", "cache"):
            words, one, other = (getattr(unit, name) for unit in (memory, matrix, vector))
            m.d.comb += [
                one.payload.eq(words.payload), one.valid.eq(words.valid & ~is_vector),
                other.payload.eq(words.payload), other.valid.eq(words.valid & is_vector),
                words.ready.eq(Mux(is_vector, other.ready, one.ready)),
            ]  # fmt: skip

    def connect_port(self, m: Module, memory: Memory) -> None:
        for name in memory.request.signature.members:
            inner, outer = getattr(memory.request, name), getattr(self, f"request_{name}")
            m.d.comb += inner.eq(outer) if name == "ready" else outer.eq(inner)
        for name in memory.response.signature.members:
            m.d.comb += getattr(memory.response, name).eq(getattr(self, f"response_{name}"))

    def count(
        self, m: Module, counters: Counters, host: Host, sequencer: Sequencer, memory: Memory, matrix: MatrixUnit,
        vector: VectorUnit,
    ) -> None:  # fmt: skip
        """Events in the order of isa.COUNTERS."""
        events = {
            "cycles": sequencer.busy, **{name: sequencer.kind[i] for i, name in enumerate(KINDS)},
            "weight_stall": matrix.stall_weights | vector.stall_weights,
            "cache_stall": matrix.stall_cache | vector.stall_cache, "drain_stall": matrix.stall_drain,
            "weight_words": memory.asked[WEIGHTS], "cache_words": memory.asked[CACHE],
            "store_words": memory.asked[STORE],
        }  # fmt: skip
        m.d.comb += [
            counters.event.eq(Cat(events[name] for name in COUNTERS)), counters.clear.eq(host.start),
            counters.index.eq(host.counter), host.counter_data.eq(counters.data),
        ]  # fmt: skip

    def connect_trace(self, m: Module, sequencer: Sequencer, vector: VectorUnit) -> None:
        m.d.comb += [self.trace_retire.eq(sequencer.retire), self.trace_pc.eq(sequencer.pc)]
        for name, writes in (("scratch", vector.scratch_trace), ("buffer", vector.buffer_write)):
            for member in writes.signature.members:
                m.d.comb += getattr(self, f"trace_{name}_{member}").eq(getattr(writes, member))


def ports(top: Top) -> list[Value]:
    """The ports of a core, for `amaranth.back.rtlil.convert` (besides them: clk and rst)."""
    return [Value.cast(getattr(top, name)) for name in top.signature.members]
