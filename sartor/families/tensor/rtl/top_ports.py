"""Ports of the core, flat (`request_valid`, not `request__valid`): the same names in Verilog and in C++."""

from __future__ import annotations

from typing import Any

from amaranth.lib.wiring import In, Out

from ..core import Core
from . import matrix_ports
from .memory_ports import request_signature, response_signature
from .sequencer import PROGRAM_WORDS

# Where the trace comes from: nets of the core that keep their names in the Verilog that is delivered.
WATCHED = {
    "trace_retire": "sequencer.retire", "trace_pc": "sequencer.pc",
    **{f"trace_scratch_{name}": f"vector.scratch_trace__{name}" for name in ("valid", "address", "mask", "data")},
    **{
        f"trace_buffer_{name}": f"vector.buffer_write__{name}"
        for name in ("valid", "column", "group", "codes", "exponent")
    },
}  # fmt: skip


def host() -> dict[str, Any]:
    """The host bus; `host_data` holds one cycle after a read."""
    return {
        "host_valid": In(1), "host_write": In(1), "host_address": In(16), "host_write_data": In(32),
        "host_data": Out(32),
    }  # fmt: skip


def memory(core: Core) -> dict[str, Any]:
    """The memory port: requests that wait for `request_ready`, responses that are always taken."""
    request = request_signature(core).members
    response = response_signature(core).flip().members
    return {f"request_{k}": v for k, v in request.items()} | {f"response_{k}": v for k, v in response.items()}


def gate() -> dict[str, Any]:
    """Of a core whose vector unit has a clock of its own."""
    return {"vector_clk": In(1), "vector_active": Out(1)}


def traced(core: Core) -> dict[str, Any]:
    """All ports of a core that a simulator watches, but for clk and rst."""
    return {**host(), **memory(core), **trace(core, PROGRAM_WORDS)}


def trace(core: Core, program_words: int) -> dict[str, Any]:
    """What a simulator compares with the golden model; synthesis leaves it out."""
    scratch = matrix_ports.scratch_write_signature(core).members
    buffer = matrix_ports.buffer_write_signature(core).members
    return {
        "trace_retire": Out(1), "trace_pc": Out(range(program_words)),
        **{f"trace_scratch_{name}": member for name, member in scratch.items()},
        **{f"trace_buffer_{name}": member for name, member in buffer.items()},
    }  # fmt: skip
