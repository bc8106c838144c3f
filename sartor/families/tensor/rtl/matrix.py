"""The matrix unit: weight decoder, activation buffer, tile, drain and argmax, and the command that runs them."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..core import Core
from . import matrix_ports as ports


class MatrixUnit(wiring.Component):
    """Runs MM (docs/hardware.md). `minimum=False` leaves out what only SCALE_MINIMUM needs; `structural` takes
    the dot product for synthesis. A command comes at least two cycles after the last buffer write."""

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
        return m
