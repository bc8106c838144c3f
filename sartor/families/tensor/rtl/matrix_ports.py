"""Ports of the matrix unit: its command, and the writes between it, the vector unit and the memories."""

from __future__ import annotations

from amaranth.hdl import ShapeLike, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import Out

from ..core import GROUP, HALF, MOST_COLUMNS, Core

EXPONENT_BITS = 8
EIGHTH_BITS = 3  # of a fraction: they decide the scale of a cache of 4 bits
MARK_BITS = 1 + EIGHTH_BITS + EXPONENT_BITS  # a sign below a magnitude's upper bits
QUARTER_BITS = 2  # of that scale, beside its exponent
CODE_BITS = 8
HALF_BITS = 16  # a binary16 number
FLOAT_BITS = 32
TILE_BITS = 20  # row tiles of one command, its count multiplied by the granules
FOLD_BITS = 12
ADDRESS_BITS = 13  # groups of the scratchpad
STRIDE_BITS = 10
INDEX_BITS = 32  # a row: what argmax returns
SUM_BITS = 13  # of 32 codes
ELEMENT_BITS, SCALE_BITS = 4, 3
ZERO_BITS = 4  # a zero point: of codes of up to 4 bits
PLANE_BITS = 2  # planes of binary codes, less one
TOP_BITS = 8  # the largest field of a tensor's scales
UNIT_BITS = 10
SHIFT_BITS = 5  # a shift of 31 already gives 0: the product has 31 bits


def column_shape(core: Core) -> ShapeLike:
    return range(max(core.columns, 2))


def command_layout() -> data.StructLayout:
    """MM with its counts multiplied by the granules and its address with the register added."""
    return data.StructLayout(
        {
            "cache": unsigned(1), "element": unsigned(ELEMENT_BITS), "scale": unsigned(SCALE_BITS),
            "share": unsigned(2), "planes": unsigned(PLANE_BITS),
            "tiles": unsigned(TILE_BITS), "folds": unsigned(FOLD_BITS),
            "exponent": unsigned(TOP_BITS), "unit": unsigned(UNIT_BITS),
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


def step_layout() -> data.StructLayout:
    """One cycle of the tile: `half` is the second half of a beat, `final` completes a beat, `first` is of the
    first fold, `last` completes a row tile, `end` the command."""
    return data.StructLayout(
        {name: unsigned(1) for name in ("valid", "half", "final", "first", "last", "end")}
    )


def fold_layout(core: Core) -> data.ArrayLayout:
    """What the tile takes of one fold of all columns, [column][group]: the values that meet the low nibbles
    (of 8-bit codes with 4-bit multipliers: both) and those that meet the high nibbles, the sum of the 32 codes and
    E - e, at most 31. With 8-bit multipliers `low` are the first 16 values and `high` the others."""
    group = data.StructLayout(
        {
            "low": data.ArrayLayout(signed(CODE_BITS), HALF), "high": data.ArrayLayout(signed(CODE_BITS), HALF),
            "sum": signed(SUM_BITS), "shift": unsigned(SHIFT_BITS),
        }
    )  # fmt: skip
    return data.ArrayLayout(data.ArrayLayout(group, core.lane_groups), core.columns)
