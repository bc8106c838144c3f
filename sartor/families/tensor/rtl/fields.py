"""Fields of an instruction word in hardware, from the one table of isa.py."""

from __future__ import annotations

from amaranth.hdl import Value, unsigned
from amaranth.lib import data

from ..isa import FIELDS, INSTRUCTION_BITS, OPCODE_BITS, Op


def layout(op: Op) -> data.StructLayout:
    """The instruction word as `op` reads it."""
    widths = {name: unsigned(width) for name, width in FIELDS[op]}
    return data.StructLayout({"opcode": unsigned(OPCODE_BITS), **widths})


def view(word: Value, op: Op) -> data.View[data.StructLayout]:
    """Fields of `word`, if it is an `op`."""
    shape = layout(op)
    return data.View(shape, word[: shape.size])


def widths(op: Op) -> dict[str, int]:
    """
    >>> widths(Op.LOOP)
    {'count': 16, 'length': 8}
    """
    return dict(FIELDS[op])


assert all(layout(op).size <= INSTRUCTION_BITS for op in Op)
