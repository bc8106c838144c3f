"""Where one token's keys and values lie in the KV cache, byte by byte (docs/hardware.md, "KV cache")."""

from __future__ import annotations

import functools

import numpy as np

from .core import GROUP, HALF, Core

SLOT_BYTES = 2
_HALF_LESS = 127 - 15  # of binary16's exponents
_OFFSET = 8  # of 4-bit codes


def key_writes(
    core: Core, base: int, token: int, codes: np.ndarray, scale: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Byte addresses and bytes of `codes` int8 [groups, 32] with `scale` [groups] (cache_numerics.cache_scale)."""
    half = (scale - 4 * _HALF_LESS & 127 | scale >> 10 << 7).astype(np.uint16) << 8
    at = _key_places(core, token, len(codes)) + base * core.port_bytes
    stored = _stored(core.key_bits, codes, codes.reshape(-1, 2, HALF).swapaxes(1, 2))
    return at, np.concatenate([stored, half.view(np.uint8)])


@functools.lru_cache(maxsize=64)
def _key_places(core: Core, token: int, groups: int) -> np.ndarray:
    """Bytes of the codes of all groups, then of their scales, from the start of a head's keys."""
    group_bytes = GROUP * core.key_bits // 8
    slots, packet_bytes = core.slots(SLOT_BYTES), core.slots(SLOT_BYTES) * (SLOT_BYTES + group_bytes)
    tile, row = divmod(token, core.rows)
    group = np.arange(groups)
    beat = tile * (groups // core.lane_groups) + group // core.lane_groups
    unit = row * core.lane_groups + group % core.lane_groups
    block = beat * core.dot_units + unit
    start = block // slots * packet_bytes
    scale_at = start + block % slots * SLOT_BYTES
    code_at = start + slots * SLOT_BYTES + block % slots // core.dot_units * (core.dot_units * group_bytes)
    places = code_at[:, None] + _in_beat(core, core.key_bits, unit[:, None], np.arange(group_bytes))
    return np.concatenate([places.ravel(), (scale_at[:, None] + [0, 1]).ravel()])


def value_writes(
    core: Core, base: int, stride: int, scales: int, token: int, codes: np.ndarray, scale: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Byte addresses and bytes of `codes` int8 [head dimension] with one `scale` (cache_numerics.cache_scale)."""
    brain = np.array([int(scale) << 5], np.uint16)
    at = _value_places(core, stride, scales, token, len(codes)) + base * core.port_bytes
    return at, np.concatenate([_stored(core.cache_bits, codes, codes), brain.view(np.uint8)])


@functools.lru_cache(maxsize=64)
def _value_places(core: Core, stride: int, scales: int, token: int, rows: int) -> np.ndarray:
    """Bytes of the codes of all rows, of 4 bits of all pairs of rows, then of their scale, from the start of a head's
    values."""
    fold, lane = divmod(token, core.lanes)
    group, element = divmod(lane, GROUP)
    row = np.arange(0, rows, 8 // core.cache_bits)
    byte = element
    if core.cache_bits == 4:  # two rows share two blocks: tokens 0 to 15 in the first, the others in the second
        row, byte = row + element // HALF, element % HALF
    unit = row % core.rows * core.lane_groups + group
    tile = row // core.rows * stride * core.port_bytes
    at = tile + fold * core.dot_units * (GROUP * core.cache_bits // 8) + _in_beat(core, core.cache_bits, unit, byte)
    return np.concatenate([at, scales * core.port_bytes + token * SLOT_BYTES + np.arange(2)])


def _stored(bits: int, codes: np.ndarray, neighbors: np.ndarray) -> np.ndarray:
    """Bytes of `codes`: of 4 bits two in each, the `neighbors`."""
    if bits == 8:
        return codes.view(np.uint8).ravel()
    pairs = neighbors.reshape(-1, 2).astype(np.uint8) + np.uint8(_OFFSET)
    return np.asarray(pairs[:, 0] | pairs[:, 1] << 4)


def _in_beat(core: Core, bits: int, unit: np.ndarray, byte: np.ndarray | int) -> np.ndarray:
    """Place of a block's byte in its beat: 8-bit codes are half beats where multipliers take four bits."""
    if bits == 4:
        return np.asarray(unit * HALF + byte)
    if core.multiplier_bits == 8:
        return np.asarray(unit * GROUP + byte)
    half, byte = np.divmod(byte, HALF)
    return np.asarray(half * (core.dot_units * HALF) + unit * HALF + byte)
