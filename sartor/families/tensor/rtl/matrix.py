"""The matrix unit: weight decoder, activation buffer, tile, drain and argmax, and the command that runs them."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..core import MOST_COLUMNS, Core
from . import matrix_ports as ports
from .activation_buffer import ActivationBuffer
from .argmax import Argmax, latency
from .choose import number
from .drain import Drain, conversions
from .tile import Tile
from .weight_decoder import WeightDecoder


class MatrixUnit(wiring.Component):
    """Runs MM (docs/hardware.md). `minimum=False` leaves out what only SCALE_MINIMUM needs; `structural` takes
    the dot product for synthesis. A command comes in the cycle after the last buffer write at the earliest."""

    def __init__(self, core: Core, *, minimum: bool = True, structural: bool = False) -> None:
        self.core, self.minimum, self.structural = core, minimum, structural
        super().__init__(
            {
                "command": In(stream.Signature(ports.command_layout())),
                "weights": In(ports.words_signature(core)),
                "cache": In(ports.words_signature(core)),
                "buffer_write": In(ports.buffer_write_signature(core)),
                "buffer_clear": In(ports.buffer_clear_signature()),
                "scratch_write": Out(ports.scratch_write_signature(core)),
                "best_column": In(range(MOST_COLUMNS)),
                "best_index": Out(ports.INDEX_BITS),
                "best_value": Out(ports.FLOAT_BITS),
                "done": Out(1),
                "stall_weights": Out(1),
                "stall_cache": Out(1),
                "stall_drain": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        command, busy, start = Signal(ports.command_layout()), Signal(), Signal()
        m.d.comb += self.command.ready.eq(~busy)
        m.d.sync += start.eq(self.command.valid & ~busy)
        with m.If(self.command.valid & ~busy):
            m.d.sync += [command.eq(self.command.payload), busy.eq(1)]
        m.submodules.decoder = decoder = WeightDecoder(self.core, self.minimum)
        m.submodules.buffer = buffer = ActivationBuffer(self.core)
        m.submodules.tile = tile = Tile(self.core, self.minimum, self.structural)
        m.submodules.drain = drain = Drain(self.core)
        m.submodules.argmax = argmax = Argmax(self.core)
        self.decode(m, start, command, decoder, drain)
        self.read(m, start, command, decoder, buffer)
        self.compute(m, command, decoder, buffer, tile)
        m.d.comb += [
            drain.start.eq(start), drain.command.eq(command), drain.sums.eq(tile.sums),
            drain.full.eq(tile.full), drain.end.eq(tile.end), drain.exponents.eq(buffer.exponents),
            argmax.start.eq(start & command.argmax), argmax.valid.eq(drain.converted & command.argmax),
            argmax.results.eq(drain.results), argmax.columns.eq(command.columns), argmax.read.eq(self.best_column),
            self.best_index.eq(argmax.index), self.best_value.eq(argmax.value),
        ]  # fmt: skip
        wiring.connect(m, wiring.flipped(self.scratch_write), drain.write)
        self.finish(m, command.argmax, drain.done, busy)
        return m

    def decode(self, m: Module, start: Value, command: Any, decoder: WeightDecoder, drain: Drain) -> None:
        wiring.connect(m, wiring.flipped(self.weights), decoder.weights)
        wiring.connect(m, wiring.flipped(self.cache), decoder.cache)
        m.d.comb += [
            decoder.start.eq(start), decoder.command.eq(command), decoder.hold.eq(drain.hold),
            drain.last_step.eq(decoder.step.valid & decoder.step.last),
            *(getattr(self, name).eq(getattr(decoder, name))
              for name in ("stall_weights", "stall_cache", "stall_drain")),
        ]  # fmt: skip

    def read(self, m: Module, start: Value, command: Any, decoder: WeightDecoder, buffer: Any) -> None:
        """The fold of the next step is read while the present one is loaded."""
        wiring.connect(m, wiring.flipped(self.buffer_write), buffer.write)
        wiring.connect(m, wiring.flipped(self.buffer_clear), buffer.clear)
        m.d.comb += [
            buffer.columns.eq(command.columns), buffer.code8.eq(self.wide(command)),
            buffer.read.eq(start | decoder.step.valid & decoder.step.final),
            buffer.address.eq(Mux(start, 0, decoder.next_fold)),
            buffer.load.eq(decoder.step.valid), buffer.half.eq(decoder.step.half),
        ]  # fmt: skip

    def wide(self, command: Any) -> Value:
        """Codes are bytes to the tile."""
        return number(command.element, self.core.elements, self.core.wide)

    def compute(self, m: Module, command: Any, decoder: WeightDecoder, buffer: Any, tile: Tile) -> None:
        m.d.comb += [
            tile.code8.eq(self.wide(command)), tile.scale.eq(command.scale), tile.top.eq(command.exponent),
            tile.columns.eq(command.columns), tile.step.eq(decoder.step), tile.codes.eq(decoder.codes),
            tile.d.eq(decoder.d), tile.m.eq(decoder.m), tile.fold.eq(buffer.fold),
        ]  # fmt: skip

    def finish(self, m: Module, argmax: Value, drained: Value, busy: Signal) -> None:
        """`done` in the cycle after the last write, or when the largest result is there."""
        waits = Signal(latency(conversions(self.core)))
        m.d.sync += waits.eq(Cat(drained & argmax, waits))
        last = Mux(argmax, waits[-1], drained)
        m.d.sync += self.done.eq(last)
        with m.If(last):
            m.d.sync += busy.eq(0)
