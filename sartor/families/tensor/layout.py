"""The bytes of a weight stream: packets of scales, then beats of codes (docs/hardware.md, Weight streams).

The compiler packs with it, and tests unpack. Stored integers go in: 4-bit codes 0 to 15, 8-bit codes -128 to 127;
scales and minimums are binary16 codes. Beats are row tiles x folds, blocks are row x group of 32 within one beat.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import InputError
from .core import GROUP, HALF, Core
from .isa import Scale
from .stream_shape import Shape


def pack_matrix(
    core: Core, codes: Any, scales: Any = None, minimums: Any = None, bits: int = 4, share: int = 0
) -> np.ndarray:
    """The stream of codes [n, k]: uint8, whole words.

    scales and minimums [n, k / (32 << share)] are uint16.

    >>> pack_matrix(Core(rows=2, port_bytes=16), np.full((2, 32), -1), bits=8).shape
    (64,)
    """
    codes = np.asarray(codes)
    n, k = codes.shape
    shape = Shape(core, n, k, bits, _scale(scales, minimums), share)
    body = _padded(_code_bytes(shape, codes), shape.packets * shape.packet_beats)
    body = body.reshape(shape.packets, -1)
    if shape.scale:
        parts = [_checked(shape, p) for p in (scales, minimums) if p is not None]
        body = np.concatenate([_scale_bytes(shape, parts), body], axis=1)
    return _padded(body.reshape(-1), shape.words * core.port_bytes)[: shape.words * core.port_bytes]


def unpack_matrix(
    core: Core, stream: Any, n: int, k: int, bits: int = 4, scale: Scale = Scale.SCALE, share: int = 0
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Codes [n, k] (uint8 of 4 bits, int8 of 8), scales and minimums [n, k / (32 << share)] of a stream: pack's
    inverse."""
    shape = Shape(core, n, k, bits, scale, share)
    stream = np.asarray(stream, np.uint8).reshape(-1)
    if stream.size != shape.words * core.port_bytes:
        raise InputError(f"layout: {stream.size} bytes, not the {shape.words * core.port_bytes} of {n} x {k}")
    packet = shape.packet_scale_bytes + shape.packet_beats * shape.beat_bytes
    packets = _padded(stream, shape.packets * packet)[: shape.packets * packet].reshape(shape.packets, packet)
    scales, body = packets[:, : shape.packet_scale_bytes], packets[:, shape.packet_scale_bytes :]
    codes = _codes(shape, body.reshape(-1, shape.beat_bytes)[: shape.beats])
    parts = _scales(shape, scales)
    return codes, parts[0] if parts else None, parts[1] if len(parts) > 1 else None


def _scale(scales: Any, minimums: Any) -> Scale:
    if scales is None and minimums is not None:
        raise InputError("layout: minimums without scales")
    return Scale((scales is not None) + (minimums is not None))


def _checked(shape: Shape, halves: Any) -> np.ndarray:
    halves = np.asarray(halves)
    if halves.shape != (want := (shape.n, shape.k // shape.group)):
        found, need = (" x ".join(map(str, size)) for size in (halves.shape, want))
        raise InputError(f"layout: scales of {found}, not of {need}")
    return halves


def _padded(x: np.ndarray, length: int) -> np.ndarray:
    """x with zeros behind, up to `length` along its first axis."""
    if x.shape[0] >= length:
        return x
    return np.concatenate([x, np.zeros((length - x.shape[0], *x.shape[1:]), x.dtype)])


def _to_beats(shape: Shape, x: np.ndarray, columns: int) -> np.ndarray:
    """[n, any] to [beats, rows x columns]: `columns` elements of each row go into a beat; zeros pad."""
    rows, beats = shape.core.rows, -(-x.shape[1] // columns)
    full = (shape.tiles * rows, beats * columns)
    if x.shape != full:
        x = np.pad(x, [(0, f - s) for f, s in zip(full, x.shape, strict=True)])
    x = x.reshape(shape.tiles, rows, beats, columns).swapaxes(1, 2)
    return np.ascontiguousarray(x).reshape(-1, rows * columns)


def _from_beats(shape: Shape, x: np.ndarray, columns: int, width: int) -> np.ndarray:
    """[beats, rows x columns] to [n, width]."""
    rows = shape.core.rows
    x = x.reshape(shape.tiles, -1, rows, columns).swapaxes(1, 2)
    return np.ascontiguousarray(x.reshape(shape.tiles * rows, -1)[: shape.n, :width])


def _code_bytes(shape: Shape, codes: np.ndarray) -> np.ndarray:
    """[beats, bytes of a beat] of codes [n, k]."""
    low, high = (0, 15) if shape.bits == 4 else (-128, 127)
    if codes.min() < low or codes.max() > high:
        raise InputError(f"layout: codes {codes.min()} to {codes.max()}, not {low} to {high}")
    blocks = _to_beats(shape, codes.astype(np.int8).view(np.uint8), shape.core.lanes)
    blocks = blocks.reshape(shape.beats, -1, GROUP)
    if shape.bits == 4:
        blocks = blocks[..., :HALF] | blocks[..., HALF:] << 4
    elif shape.core.multiplier_bits == 4:
        blocks = blocks.reshape(*blocks.shape[:2], 2, HALF).swapaxes(1, 2)
    return np.ascontiguousarray(blocks).reshape(shape.beats, shape.beat_bytes)


def _codes(shape: Shape, data: np.ndarray) -> np.ndarray:
    """Codes [n, k] of [beats, bytes of a beat]."""
    units = shape.core.dot_units
    if shape.bits == 4:
        data = data.reshape(shape.beats, units, HALF)
        data = np.concatenate([data & 15, data >> 4], axis=-1)
    elif shape.core.multiplier_bits == 4:
        data = data.reshape(shape.beats, 2, units, HALF).swapaxes(1, 2)
    codes = _from_beats(shape, np.ascontiguousarray(data), shape.core.lanes, shape.k)
    return codes if shape.bits == 4 else codes.view(np.int8)


def _scale_bytes(shape: Shape, parts: list[np.ndarray]) -> np.ndarray:
    """[packets, scale bytes of a packet] of d, or d and m."""
    columns = shape.core.lane_groups // shape.neighbors
    slots = np.stack([_to_beats(shape, p.astype(np.uint16), columns) for p in parts], axis=-1)
    slots = _padded(slots, shape.packets * shape.packet_beats // shape.shared_beats)
    return slots.astype("<u2").reshape(shape.packets, -1).view(np.uint8)


def _scales(shape: Shape, data: np.ndarray) -> list[np.ndarray]:
    """d, or d and m, of [packets, scale bytes of a packet]."""
    if not shape.scale:
        return []
    columns = shape.core.lane_groups // shape.neighbors
    slots = np.ascontiguousarray(data).view("<u2").reshape(-1, shape.beat_slots, int(shape.scale))
    slots = slots[: shape.beats // shape.shared_beats]
    width = shape.k // shape.group
    return [_from_beats(shape, slots[..., i], columns, width).astype(np.uint16) for i in range(int(shape.scale))]
