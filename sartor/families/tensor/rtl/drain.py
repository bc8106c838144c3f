"""The drain: accumulators of a row tile, column by column, to binary32 and into the scratchpad."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Cat, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..core import ACCUMULATOR_BITS, Core
from ..numerics import UNIT_BIAS
from . import matrix_ports as ports
from .drain_address import DrainAddress
from .matrix_ports import EXPONENT_BITS, FLOAT_BITS
from .to_float import LATENCY as CONVERSION
from .to_float import ToFloat

LATENCY = 1 + CONVERSION  # from `full` to the first write
BINARY32_BIAS = 127
UNIT = BINARY32_BIAS - UNIT_BIAS  # an accumulator counts 2^(E + unit - UNIT_BIAS)


def conversions(core: Core) -> int:
    """Results a cycle."""
    return min(core.rows, core.vector_lanes)


class Drain(wiring.Component):
    """Takes `sums` when `full`. `hold`: a row tile that ends now (`last_step`) would find the drain busy.
    `results` are there where `converted` is set, words of a column inside; `done` comes with the last of all."""

    def __init__(self, core: Core) -> None:
        self.core = core
        sums = data.ArrayLayout(data.ArrayLayout(signed(ACCUMULATOR_BITS), core.columns), core.rows)
        super().__init__(
            {
                "start": In(1), "command": In(ports.command_layout()),
                "last_step": In(1), "hold": Out(1),
                "sums": In(sums), "full": In(1), "end": In(1),
                "exponents": In(data.ArrayLayout(EXPONENT_BITS, core.columns)),
                "write": Out(ports.scratch_write_signature(core)),
                "results": Out(data.ArrayLayout(unsigned(FLOAT_BITS), conversions(core))),
                "converted": Out(1), "done": Out(1),
            }
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        words = self.core.rows // conversions(self.core)
        wanted = Signal(range(self.core.columns * words + 1))
        left, ending = Signal.like(wanted), Signal()
        m.submodules.to_float = to_float = ToFloat(conversions(self.core))
        m.d.comb += wanted.eq(self.command.columns * words)
        self.keep_apart(m, wanted)
        with m.If(left != 0):
            m.d.sync += left.eq(left - 1)
        with m.If(self.full):
            m.d.sync += [left.eq(wanted), ending.eq(self.end)]
        m.d.comb += [to_float.valid.eq(left != 0), to_float.scale.eq(self.scale(m, left != 0))]
        self.chains(m, to_float)
        self.write_results(m, to_float)
        end = Signal(CONVERSION)
        m.d.sync += end.eq(Cat(ending & (left == 1), end))
        m.d.comb += self.done.eq(end[-1])
        return m

    def keep_apart(self, m: Module, wanted: Value) -> None:
        """A row tile may end as many cycles after another as that takes to drain."""
        apart = Signal(wanted.shape())
        with m.If(apart != 0):
            m.d.sync += apart.eq(apart - 1)
        with m.If(self.last_step):
            m.d.sync += apart.eq(wanted - 1)
        m.d.comb += self.hold.eq(apart != 0)

    def scale(self, m: Module, busy: Value) -> Value:
        """The exponent of the column that is converted."""
        words = self.core.rows // conversions(self.core)
        word, column = Signal(range(max(2, words))), Signal.like(self.command.columns)
        with m.If(busy):
            m.d.sync += word.eq(word + 1)
            with m.If(word == words - 1):
                m.d.sync += [word.eq(0), column.eq(column + 1)]
        with m.If(self.full):
            m.d.sync += [word.eq(0), column.eq(0)]
        exponents = Array(self.exponents[c] for c in range(self.core.columns))
        return exponents[column] + self.command.unit + UNIT

    def chains(self, m: Module, to_float: ToFloat) -> None:
        """Shift registers, one a converter: they need no multiplexer over columns."""
        lanes = conversions(self.core)
        for lane in range(lanes):
            rows = range(lane, self.core.rows, lanes)
            sums = [self.sums[r][c] for c in range(self.core.columns) for r in rows]
            chain = [Signal(signed(ACCUMULATOR_BITS), reset_less=True, name=f"chain_{lane}_{i}")
                     for i in range(len(sums))]  # fmt: skip
            with m.If(self.full | to_float.valid):
                for held, total, after in zip(chain, sums, [*chain[1:], chain[-1]], strict=True):
                    m.d.sync += held.eq(Mux(self.full, total, after))
            m.d.comb += to_float.values[lane].eq(chain[0])

    def write_results(self, m: Module, to_float: ToFloat) -> None:
        m.submodules.address = address = DrainAddress(self.core)
        results = Value.cast(to_float.results)
        m.d.comb += [
            address.start.eq(self.start), address.command.eq(self.command), address.advance.eq(to_float.done),
            self.write.valid.eq(to_float.done & ~self.command.argmax), self.write.address.eq(address.address),
            self.write.mask.eq(address.mask),
            self.write.data.eq(results.replicate(FLOAT_BITS * self.core.vector_lanes // len(results))),
            self.results.eq(to_float.results),
            self.converted.eq(to_float.done),
        ]  # fmt: skip
