"""Ports of the matrix unit: its command, and the writes between it, the vector unit and the memories."""

from __future__ import annotations

from amaranth.hdl import ShapeLike, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import Out

from ..core import GROUP, MOST_COLUMNS, Core

EXPONENT_BITS = 8
CODE_BITS = 8
HALF_BITS = 16  # a binary16 number
FLOAT_BITS = 32
TILE_BITS = 20  # row tiles of one command, its count multiplied by the granules
FOLD_BITS = 12
ADDRESS_BITS = 13  # groups of the scratchpad
STRIDE_BITS = 10
INDEX_BITS = 32  # a row: what argmax returns


def column_shape(core: Core) -> ShapeLike:
    return range(max(core.columns, 2))


def command_layout() -> data.StructLayout:
    """MM with its counts multiplied by the granules and its address with the register added."""
    return data.StructLayout(
        {
            "cache": unsigned(1), "code8": unsigned(1), "scale": unsigned(2), "repeat": unsigned(2),
            "tiles": unsigned(TILE_BITS), "folds": unsigned(FOLD_BITS), "exponent": unsigned(5),
            "columns": unsigned(MOST_COLUMNS.bit_length()), "argmax": unsigned(1),
            "d_addr": unsigned(ADDRESS_BITS), "d_stride": unsigned(STRIDE_BITS),
        }
    )  # fmt: skip


def words_signature(core: Core) -> stream.Signature:
    """Words of the memory port."""
    return stream.Signature(unsigned(8 * core.port_bytes))


def buffer_write_signature(core: Core) -> wiring.Signature:
    """One group of one column of the activation buffer; always accepted."""
    return wiring.Signature(
        {
            "valid": Out(1), "column": Out(column_shape(core)), "group": Out(range(core.buffer_groups)),
            "codes": Out(CODE_BITS * GROUP), "exponent": Out(EXPONENT_BITS),
        }
    )  # fmt: skip


def buffer_clear_signature() -> wiring.Signature:
    """The exponents E of the columns below `columns` become 0."""
    return wiring.Signature({"valid": Out(1), "columns": Out(MOST_COLUMNS.bit_length())})


def scratch_write_signature(core: Core) -> wiring.Signature:
    """One vector word of the scratchpad; bit i of `mask` covers number i; always accepted."""
    lanes = core.vector_lanes
    return wiring.Signature(
        {
            "valid": Out(1), "address": Out(range(core.scratch_groups * core.words_per_group)),
            "mask": Out(lanes), "data": Out(FLOAT_BITS * lanes),
        }
    )  # fmt: skip
