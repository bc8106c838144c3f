"""Operand fetch: which vector word is read when, and when a word is launched into the lanes."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..core import Core
from ..isa import Mask, Operand, Source
from . import pace
from .vector_ports import COUNT_BITS, command_layout

ADDRESS_BITS = 13
COLUMN_BITS = 6
LENGTH_BITS = 20  # tokens that a mask can tell
_PHASE_BITS = pace.MOST_INTERVAL.bit_length() - 1


def step_layout(core: Core) -> data.StructLayout:
    """What a cycle does with the operands that come in it. `chunk`: which part of a vector word the stream
    word is; `limit`: elements of the word before the mask; `last`: no more of the stream after this word."""
    return data.StructLayout(
        {
            "load_a": 1, "stream": 1, "load_q": 1, "launch": 1, "last": 1,
            "chunk": _PHASE_BITS, "limit": range(core.vector_lanes + 1), "column": COLUMN_BITS,
        }
    )  # fmt: skip


class Fetch(wiring.Component):
    """Counts phases, words, groups and columns of a pass. `start` takes the command that is offered; `command` is
    the one that runs. `step` belongs to the data that the scratchpad shows in the same cycle. It moves with
    `advance`. With a reduction it waits after each column for `resume`."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.word_bits = core.words_per_group.bit_length() - 1
        super().__init__(
            {
                "start": In(1), "offered": In(command_layout()), "command": In(command_layout()),
                "advance": In(1), "resume": In(1),
                "read": Out(1), "address": Out(ADDRESS_BITS + self.word_bits),
                "step_valid": Out(1), "step": Out(step_layout(core)),
            }
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        self.active = Signal()
        self.phase, self.word = Signal(_PHASE_BITS), Signal(self.word_bits)
        self.group, self.column = Signal(COUNT_BITS), Signal(COLUMN_BITS)
        self.rows = {name: Signal(ADDRESS_BITS, name=f"{name}_row") for name in "abd"}
        self.left = Signal(signed(LENGTH_BITS + 1))
        self.launch_phase, self.last_phase = Signal(_PHASE_BITS), Signal(_PHASE_BITS)
        self.step_of(m)
        with m.If(self.start):
            self.begin(m)
        with m.Else():
            self.count(m)
        return m

    def begin(self, m: Module) -> None:
        c = self.offered
        m.d.sync += [
            self.active.eq(1),
            self.phase.eq(0),
            self.word.eq(0),
            self.group.eq(0),
            self.column.eq(0),
        ]
        m.d.sync += [self.rows["a"].eq(c.a_addr), self.rows["b"].eq(c.b_addr), self.rows["d"].eq(c.d_addr)]
        m.d.sync += [self.left.eq(c.position[:LENGTH_BITS] + 1), self.step_valid.eq(0)]
        launch, last = _phases(m, self.core, c)
        m.d.sync += [self.launch_phase.eq(launch), self.last_phase.eq(last)]

    def step_of(self, m: Module) -> None:
        """Of this cycle's phase: the read, and what the next cycle does with it."""
        c, now, step = self.command, Signal(step_layout(self.core)), self.step
        streamed, launch = c.a_source != Source.SCRATCH, self.phase == self.launch_phase
        addend = (c.q == Operand.B) | (c.q == Operand.D)
        read_b, read_q = launch & (c.p == Operand.B), addend & (self.phase == self.launch_phase + 1)
        lanes = self.core.vector_lanes
        m.d.comb += [
            now.load_a.eq(~streamed & (self.phase == 0)),
            now.stream.eq(streamed & (self.phase <= self.launch_phase)),
            now.load_q.eq(read_q),
            now.launch.eq(launch),
            now.last.eq(self.group_ends() & (self.group == c.n - 1)),
            now.chunk.eq(self.phase),
            now.limit.eq(Mux((c.mask == Mask.NONE) | (self.left >= lanes), lanes, Mux(self.left < 0, 0, self.left))),
            now.column.eq(self.column),
        ]  # fmt: skip
        row = Mux(
            read_q & (c.q == Operand.D), self.rows["d"], Mux(read_b | read_q, self.rows["b"], self.rows["a"])
        )
        m.d.comb += self.address.eq(Cat(self.word, (row + self.group)[:ADDRESS_BITS]))
        m.d.comb += self.read.eq(self.active & self.advance & (now.load_a | read_b | read_q))
        with m.If(self.advance):
            m.d.sync += self.step_valid.eq(self.active)
            with m.If(self.active):
                m.d.sync += step.eq(now)

    def group_ends(self) -> Value:
        return self.word == self.core.words_per_group - 1

    def count(self, m: Module) -> None:
        c = self.command
        with m.If(self.resume):
            m.d.sync += self.active.eq(1)
        with m.If(self.active & self.advance):
            m.d.sync += self.phase.eq(self.phase + 1)
            with m.If(self.phase == self.last_phase):
                m.d.sync += [self.phase.eq(0), self.word.eq(self.word + 1)]
                m.d.sync += self.left.eq(self.left - self.core.vector_lanes)
                with m.If(self.group_ends()):
                    m.d.sync += self.group.eq(self.group + 1)
                    with m.If(self.group == c.n - 1):
                        self.next_column(m)

    def next_column(self, m: Module) -> None:
        c, following = self.command, Signal(COLUMN_BITS)
        m.d.comb += following.eq(self.column + 1)
        m.d.sync += [self.group.eq(0), self.column.eq(following)]
        m.d.sync += [row.eq(row + getattr(c, f"{name}_stride")) for name, row in self.rows.items()]
        further = Mux(c.mask == Mask.CAUSAL, following, 0)
        m.d.sync += self.left.eq(c.position[:LENGTH_BITS] + 1 + further)
        m.d.sync += self.active.eq((following != c.columns) & (c.reduce == 0))


def _phases(m: Module, core: Core, c: Any) -> tuple[Value, Value]:
    """The launch phase and the last phase of a word (pace.py)."""
    taken, launch = Signal(_PHASE_BITS), Signal(_PHASE_BITS)
    phases, last = Signal(_PHASE_BITS + 1), Signal(_PHASE_BITS)
    with m.Switch(c.a_source):
        with m.Case(Source.SCRATCH):
            m.d.comb += taken.eq(c.p == Operand.B)
        with m.Case(Source.CACHE_BF16):
            m.d.comb += taken.eq(pace.chunks(core, Source.CACHE_BF16) - 1)
        with m.Default():
            m.d.comb += taken.eq(pace.chunks(core, Source.CACHE) - 1)
    m.d.comb += [launch.eq(taken), phases.eq(taken + ((c.q == Operand.B) | (c.q == Operand.D)))]
    two = (c.function != 0) & (phases == 0)
    least = pace.reduce_interval(core) - 1
    power = phases | phases >> 1 | phases >> 2 | least  # one less than a power of two
    m.d.comb += last.eq(Mux(c.reduce != 0, power, Mux(two, pace.FUNCTION_INTERVAL - 1, phases)))
    return launch, last
