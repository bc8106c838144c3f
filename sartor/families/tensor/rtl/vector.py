"""The vector unit: scratchpad, lanes, reductions, quantizer and cache writer, and the command that runs them."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..core import Core
from . import matrix_ports, memory_ports, vector_ports


class VectorUnit(wiring.Component):
    """Runs VEC (docs/hardware.md). A command is taken when the unit is idle; `done` comes in the cycle after
    its last write. `stall_weights` and `stall_cache`: it waits for a word of that stream."""

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
        return Module()
