"""The sequencer: program memory, registers, loops; it resolves instructions and issues them one by one."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ..core import MOST_COLUMNS, PROGRAM_WORDS, Core
from ..isa import BATCH, COLUMN, INSTRUCTION_BITS, OPCODE_BITS, REGISTER_AT, Op
from . import matrix_ports, memory_ports, vector_ports
from .fields import view
from .loops import Loops
from .registers import Registers
from .resolver import Resolver
from .sequences import OF_EACH, Sequences

HOST_BITS = 32
PARTS = INSTRUCTION_BITS // HOST_BITS
KINDS = ("mm_weights", "mm_cache", "vector", "fence", "control")  # whose cycle it is: isa.COUNTERS


class Sequencer(wiring.Component):
    """Runs a program from `start`, given while it is not `busy`, to HALT, one instruction at a time; cycles are
    in cycles_control.py.

    The program memory holds its output while an instruction runs; the next one is read in the cycle in
    which this one ends (`retire`, at `pc`). An unknown opcode is HALT.
    """

    def __init__(self, core: Core, program_words: int = PROGRAM_WORDS) -> None:
        self.core, self.program_words = core, program_words
        pc = range(program_words)
        super().__init__(
            {
                "start": In(1), "start_pc": In(pc), "batch": In(MOST_COLUMNS.bit_length()),
                "program_write": In(1), "program_address": In(range(program_words * PARTS)),
                "sequence_write": In(len(OF_EACH)), "sequence_index": In(range(MOST_COLUMNS)),
                "host_data": In(HOST_BITS),
                "stream": Out(stream.Signature(memory_ports.stream_layout())),
                "fetch": Out(stream.Signature(memory_ports.fetch_layout())),
                "mm": Out(stream.Signature(matrix_ports.command_layout())),
                "vec": Out(stream.Signature(vector_ports.command_layout())),
                "mm_done": In(1), "vec_done": In(1), "idle_store": In(1),
                "busy": Out(1), "kind": Out(len(KINDS)), "retire": Out(1), "pc": Out(pc),
            }
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.loops = loops = Loops(self.program_words)
        m.submodules.registers = registers = Registers(self.core.columns)
        m.submodules.sequences = sequences = Sequences(self.core.columns)
        m.submodules.resolver = resolver = Resolver(self.core)
        # As the memory has it, for the first cycle of an instruction; as a register has it, for the others.
        word, held = Signal(INSTRUCTION_BITS), Signal(INSTRUCTION_BITS, reset_less=True)
        opcode = word[:OPCODE_BITS]
        with m.If(resolver.latch):
            m.d.sync += held.eq(word)
        self.program(m, word, loops)
        self.wire(m, word, held, registers, resolver)
        self.follow(m, registers, sequences, resolver)
        self.control(m, word, registers, loops, resolver)
        m.d.comb += [loops.clear.eq(self.start), registers.clear.eq(self.start)]
        m.d.comb += [self.kind[i].eq(self.busy & of) for i, of in enumerate(kinds(opcode, view(word, Op.MM).cache))]
        self.states(m, opcode, held[:OPCODE_BITS], resolver)
        return m

    def program(self, m: Module, word: Signal, loops: Loops) -> None:
        """The program memory and the address of the next instruction."""
        m.submodules.program = storage = memory.Memory(
            shape=unsigned(INSTRUCTION_BITS), depth=self.program_words, init=[]
        )
        write, read = storage.write_port(granularity=HOST_BITS), storage.read_port()
        m.d.comb += [
            write.addr.eq(self.program_address[PARTS.bit_length() - 1 :]),
            write.data.eq(self.host_data.replicate(PARTS)),
            write.en.eq(self.program_write << self.program_address[: PARTS.bit_length() - 1]),
            read.addr.eq(Mux(self.start, self.start_pc, loops.next_pc)), read.en.eq(self.start | self.retire),
            word.eq(read.data), loops.pc.eq(self.pc), loops.step.eq(self.retire),
        ]  # fmt: skip
        with m.If(read.en):
            m.d.sync += self.pc.eq(read.addr)

    def wire(self, m: Module, word: Signal, held: Signal, registers: Registers, resolver: Resolver) -> None:
        """Registers to the resolver, the resolver to the units."""
        vec, index = view(word, Op.VEC), word[REGISTER_AT:]
        is_fetch = word[:OPCODE_BITS] == Op.FETCH
        m.d.comb += registers.whole_index.eq(Cat(index[:4], index[4] & is_fetch))
        names = ("whole", "stride", "a", "b", "value_stride", "value_scales", "span")
        m.d.comb += [getattr(resolver, name).eq(getattr(registers, name)) for name in names]
        m.d.comb += [
            registers.stride_index.eq(view(held, Op.FETCH).stride_reg),
            registers.a_index.eq(vec.a_reg), registers.b_index.eq(vec.b_reg),
            resolver.word.eq(word), resolver.held.eq(held), resolver.batch.eq(self.batch),
            self.fetch.payload.eq(resolver.fetch), self.mm.payload.eq(resolver.mm),
            self.vec.payload.eq(resolver.vec),
        ]  # fmt: skip

    def follow(self, m: Module, registers: Registers, sequences: Sequences, resolver: Resolver) -> None:
        """What is written to register COLUMN says whose sequence counts."""
        m.d.comb += [
            sequences.write.eq(self.sequence_write), sequences.write_index.eq(self.sequence_index),
            sequences.write_data.eq(self.host_data), sequences.clear.eq(self.start),
            sequences.select.eq(registers.write & (registers.write_index == COLUMN)),
            sequences.select_index.eq(registers.write_data),
            registers.row.eq(sequences.row), registers.rows.eq(sequences.rows),
            resolver.position.eq(sequences.position), resolver.cache.eq(sequences.cache),
        ]  # fmt: skip

    def control(
        self, m: Module, word: Signal, registers: Registers, loops: Loops, resolver: Resolver
    ) -> None:
        """SET, ADD, LOOP and STREAM."""
        add, loop, start = view(word, Op.ADD), view(word, Op.LOOP), view(word, Op.STREAM)
        opcode = word[:OPCODE_BITS]
        m.d.comb += [
            registers.write.eq(self.retire & ((opcode == Op.ADD) | (opcode == Op.SET))),
            registers.write_index.eq(add.reg), registers.write_data.eq(resolver.sum),
            loops.enter.eq(opcode == Op.LOOP), loops.length.eq(loop.length),
            loops.count.eq(Mux(loop.count == BATCH, self.batch, loop.count)),
            self.stream.payload.address.eq(start.address), self.stream.payload.words.eq(start.words),
        ]  # fmt: skip

    def states(self, m: Module, first: Any, opcode: Any, resolver: Resolver) -> None:
        """`first`: the opcode in the first cycle of an instruction; `opcode`: in the others."""
        m.d.comb += self.busy.eq(1)
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += self.busy.eq(0)
                with m.If(self.start):
                    m.next = "DECODE"
            with m.State("DECODE"):
                m.d.comb += resolver.latch.eq(1)
                self.decode(m, first, resolver)
            with m.State("FIRST"):
                m.d.comb += resolver.first.eq(1)
                with m.If(resolver.two):
                    m.next = "SECOND"
                with m.Else():
                    self.resolved(m, opcode)
            with m.State("SECOND"):
                m.d.comb += resolver.second.eq(1)
                self.resolved(m, opcode)
            with m.State("ISSUE"):
                m.d.comb += [self.mm.valid.eq(opcode == Op.MM), self.vec.valid.eq(opcode == Op.VEC)]
                with m.If((self.mm.valid & self.mm.ready) | (self.vec.valid & self.vec.ready)):
                    m.next = "WAIT"
            with m.State("WAIT"):
                m.d.comb += self.retire.eq(Mux(opcode == Op.MM, self.mm_done, self.vec_done))
                with m.If(self.retire):
                    m.next = "DECODE"

    def decode(self, m: Module, opcode: Any, resolver: Resolver) -> None:
        with m.Switch(opcode):
            with m.Case(Op.SET, Op.ADD, Op.LOOP):
                m.d.comb += self.retire.eq(1)
            with m.Case(Op.STREAM):
                m.d.comb += [self.stream.valid.eq(1), self.retire.eq(self.stream.ready)]
            with m.Case(Op.FENCE):
                m.d.comb += self.retire.eq(self.idle_store)
            with m.Case(Op.FETCH, Op.MM, Op.VEC):
                with m.If(~resolver.dynamic):
                    m.next = "ISSUE"
                with m.Else():
                    m.next = "FIRST"
            with m.Default():
                m.d.comb += self.retire.eq(1)
                m.next = "IDLE"

    def resolved(self, m: Module, opcode: Any) -> None:
        """The last product is there: FETCH goes to its queue, MM and VEC can be issued."""
        with m.If(opcode != Op.FETCH):
            m.next = "ISSUE"
        with m.Else():
            m.d.comb += [self.fetch.valid.eq(1), self.retire.eq(self.fetch.ready)]
            with m.If(self.fetch.ready):
                m.next = "DECODE"


def kinds(opcode: Any, cache: Any) -> list[Any]:
    """Whose cycle it is, in the order of KINDS."""
    mm, vec, fence = opcode == Op.MM, opcode == Op.VEC, opcode == Op.FENCE
    return [mm & ~cache, mm & cache, vec, fence, ~Cat(mm, vec, fence).any()]
