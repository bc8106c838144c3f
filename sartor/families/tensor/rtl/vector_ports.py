"""Ports of the vector unit: its command, and the writes that only it takes. The others are in matrix_ports
and memory_ports."""

from __future__ import annotations

from amaranth.hdl import unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import Out

from ..core import CONSTANTS
from ..isa import FIELDS, Op

COUNT_BITS = 16  # groups of a column, multiplied by the granules
_RESOLVED = ("n", "n_dynamic", "a_reg", "b_reg", "d_reg")


def command_layout() -> data.StructLayout:
    """VEC with `n` multiplied by the granules and the addresses with their registers added (not that of a
    reduction: its `d_addr` is what it does after). `base` is register `d_reg`, for keys and values."""
    fields = {name: unsigned(width) for name, width in FIELDS[Op.VEC] if name not in _RESOLVED}
    words = ("base", "position", "value_stride", "value_scales")
    return data.StructLayout({"n": unsigned(COUNT_BITS), **fields, **{name: unsigned(32) for name in words}})


def constant_write_signature() -> wiring.Signature:
    """One constant of the program."""
    return wiring.Signature({"valid": Out(1), "index": Out(range(CONSTANTS)), "data": Out(32)})
