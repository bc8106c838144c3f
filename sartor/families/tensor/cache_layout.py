"""Where one token's keys and values lie in the KV cache, byte by byte (docs/hardware.md, "KV cache")."""

from __future__ import annotations

import functools

import numpy as np

from .core import GROUP, HALF, Core
from .numerics import EXPONENT_BIAS

SLOT_BYTES = 2
_HALF_BIAS, _BF16_BIAS = 15, 127


def key_writes(
    core: Core, base: int, token: int, codes: np.ndarray, exponent: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Byte addresses and bytes of `codes` int8 [groups, 32] with `exponent` [groups]."""
    scale = (exponent - EXPONENT_BIAS + _HALF_BIAS).astype(np.uint16) << 10
    at = _key_places(core, token, len(codes)) + base * core.port_bytes
    return at, np.concatenate([codes.view(np.uint8).ravel(), scale.view(np.uint8)])


@functools.lru_cache(maxsize=64)
def _key_places(core: Core, token: int, groups: int) -> np.ndarray:
    """Bytes of the codes of all groups, then of their scales, from the start of a head's keys."""
    slots, packet_bytes = core.slots(SLOT_BYTES), core.slots(SLOT_BYTES) * (SLOT_BYTES + GROUP)
    tile, row = divmod(token, core.rows)
    group = np.arange(groups)
    beat = tile * (groups // core.lane_groups) + group // core.lane_groups
    unit = row * core.lane_groups + group % core.lane_groups
    block = beat * core.dot_units + unit
    start = block // slots * packet_bytes
    scale_at = start + block % slots * SLOT_BYTES
    code_at = (start + slots * SLOT_BYTES + block % slots // core.dot_units * (core.dot_units * GROUP))[
        :, None
    ]
    code_at = code_at + _in_beat(core, unit[:, None], np.arange(GROUP))
    return np.concatenate([code_at.ravel(), (scale_at[:, None] + [0, 1]).ravel()])


def value_writes(
    core: Core, base: int, stride: int, scales: int, token: int, codes: np.ndarray, exponent: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Byte addresses and bytes of `codes` int8 [head dimension] with one `exponent`."""
    scale = np.array([int(exponent) - EXPONENT_BIAS + _BF16_BIAS << 7], np.uint16)
    at = _value_places(core, stride, scales, token, len(codes)) + base * core.port_bytes
    return at, np.concatenate([codes.view(np.uint8), scale.view(np.uint8)])


@functools.lru_cache(maxsize=64)
def _value_places(core: Core, stride: int, scales: int, token: int, rows: int) -> np.ndarray:
    """Bytes of the codes of all rows, then of their scale, from the start of a head's values."""
    row = np.arange(rows)
    fold, lane = divmod(token, core.lanes)
    unit = row % core.rows * core.lane_groups + lane // GROUP
    tile = row // core.rows * stride * core.port_bytes
    at = tile + fold * core.dot_units * GROUP + _in_beat(core, unit, lane % GROUP)
    return np.concatenate([at, scales * core.port_bytes + token * SLOT_BYTES + np.arange(2)])


def _in_beat(core: Core, unit: np.ndarray, element: np.ndarray | int) -> np.ndarray:
    """Byte of an 8-bit code in its beat: half beats where multipliers take four bits."""
    if core.multiplier_bits == 8:
        return np.asarray(unit * GROUP + element)
    half, byte = np.divmod(element, HALF)
    return np.asarray(half * (core.dot_units * HALF) + unit * HALF + byte)
