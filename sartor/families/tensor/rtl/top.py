"""The core: sequencer, memory, matrix unit and vector unit, and the ports of docs/hardware.md.

Port names are flat (`request_valid`, not `request__valid`), so that they are the same in Verilog and in C++.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..core import GROUP, Core
from .sequencer import PROGRAM_WORDS

MEMORY_ADDRESS_BITS = 32
EXPONENT_BITS = 8
CODE_BITS = 8


def host_ports() -> dict[str, Any]:
    """The host bus; `host_data` holds one cycle after a read."""
    return {
        "host_valid": In(1), "host_write": In(1), "host_address": In(16), "host_write_data": In(32),
        "host_data": Out(32),
    }  # fmt: skip


def memory_ports(core: Core) -> dict[str, Any]:
    """The memory port: requests that wait for `request_ready`, responses that are always taken."""
    bits = 8 * core.port_bytes
    return {
        "request_valid": Out(1), "request_ready": In(1), "request_write": Out(1),
        "request_address": Out(MEMORY_ADDRESS_BITS), "request_data": Out(bits),
        "request_mask": Out(core.port_bytes), "request_tag": Out(1),
        "response_valid": In(1), "response_data": In(bits), "response_tag": In(1),
    }  # fmt: skip


def trace_ports(core: Core, program_words: int) -> dict[str, Any]:
    """What a simulator compares with the golden model; synthesis leaves it out."""
    lanes = core.vector_lanes
    return {
        "trace_retire": Out(1), "trace_pc": Out(range(program_words)),
        "trace_scratch_valid": Out(1),
        "trace_scratch_address": Out(range(core.scratch_groups * core.words_per_group)),
        "trace_scratch_mask": Out(lanes), "trace_scratch_data": Out(32 * lanes),
        "trace_buffer_valid": Out(1), "trace_buffer_column": Out(range(max(core.columns, 2))),
        "trace_buffer_group": Out(range(core.buffer_groups)),
        "trace_buffer_codes": Out(CODE_BITS * GROUP), "trace_buffer_exponent": Out(EXPONENT_BITS),
    }  # fmt: skip


class Top(wiring.Component):
    """One core. `trace=False` leaves out the trace ports, for synthesis."""

    def __init__(self, core: Core, trace: bool = True, program_words: int = PROGRAM_WORDS) -> None:
        self.core, self.trace, self.program_words = core, trace, program_words
        traced = trace_ports(core, program_words) if trace else {}
        super().__init__({**host_ports(), **memory_ports(core), **traced})

    def elaborate(self, platform: Any) -> Module:
        return Module()


def ports(top: Top) -> list[Value]:
    """The ports of a core, for `amaranth.back.rtlil.convert` (besides them: clk and rst)."""
    return [Value.cast(getattr(top, name)) for name in top.signature.members]
