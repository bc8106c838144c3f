"""Addresses in the KV cache (docs/hardware.md): a byte of a packet, or of a row tile of values, has an address whose
bits are those of its place: beat, row, group, element."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Mux, Value

from ..core import GROUP, HALF, Core

SLOT_BYTES = 2
TOKEN_BITS = 20
GROUP_BITS = 6  # a head has at most 64 groups


def log2(x: int) -> int:
    return x.bit_length() - 1


def rows_of_word(core: Core) -> int:
    """Rows of values, of one row tile, whose codes of one token lie in one word; at most a group."""
    return bytes_of_word(core) * rows_of_byte(core)


def bytes_of_word(core: Core) -> int:
    """The bytes of these codes."""
    return min(min(GROUP, core.rows) // rows_of_byte(core), max(1, core.port_bytes // row_bytes(core)))


def rows_of_byte(core: Core) -> int:
    """Rows of values whose codes of one token share a byte."""
    return 8 // core.cache_bits


def row_bytes(core: Core) -> int:
    """From one row's code of a token, or one pair's, to the next one's: the groups of a fold, whole or half."""
    return core.lane_groups * (GROUP if core.multiplier_bits == 8 or core.cache_bits == 4 else HALF)


def whole_keys(core: Core) -> bool:
    """Whether the 32 codes of a key's group lie side by side in one word."""
    return core.key_bits == 4 or (core.multiplier_bits == 8 and core.port_bytes >= GROUP)


def key_bytes(core: Core) -> int:
    """Bytes of codes of a key that are written together; no row of values needs more."""
    return GROUP if whole_keys(core) and core.key_bits == 8 else HALF


def block_number(core: Core, token: Value, group: Value, groups: Value) -> Value:
    """Number of the block in the matrix: tile, fold, row, group of the fold."""
    rows, lane_groups = log2(core.rows), log2(core.lane_groups)
    folds: Value = token[rows:]
    for power in range(1, GROUP_BITS - lane_groups + 1):
        folds = Mux(groups[lane_groups + power], token[rows:] << power, folds)
    beat = folds | group[lane_groups:]
    return Cat(group[:lane_groups], token[:rows], beat)


def key_offset(core: Core, block: Value, count: Value) -> Value:
    """Byte of the codes in their packet."""
    slots, units = log2(core.slots(SLOT_BYTES)), log2(core.dot_units)
    half, byte = count[0], Const(0, log2(HALF))
    if core.key_bits == 4:
        return Cat(byte, block[:slots])
    if core.multiplier_bits == 8:
        return Cat(byte, half, block[:slots])
    return Cat(byte, block[:units], half, block[units:slots])


def value_offset(core: Core, token: Value, row: Value) -> Value:
    """Byte of a row's code in its row tile."""
    lanes, element = log2(core.lanes), log2(GROUP)
    row = row[: log2(core.rows)]
    if core.cache_bits == 4:  # the later half of a group's tokens is where the other row of the pair would be
        return Cat(token[: element - 1], token[element:lanes], token[element - 1], row[1:], token[lanes:])
    if core.multiplier_bits == 8:
        return Cat(token[:lanes], row, token[lanes:])
    half = element - 1
    return Cat(token[:half], token[element:lanes], row, token[half], token[lanes:])


def in_words(core: Core, byte: Value) -> Value:
    """The word of a byte's address."""
    return byte[log2(core.port_bytes) :]
