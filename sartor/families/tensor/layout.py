"""The bytes of a weight stream: packets of scales, then beats of codes (docs/hardware.md, Weight streams).

The compiler packs with it, and tests unpack. Stored integers go in: 4-bit codes 0 to 15, 8-bit codes -128 to 127;
scales and minimums are binary16 codes. Beats are row tiles x folds, blocks are row x group within one beat.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import InputError
from .core import GROUP, HALF, Core
from .isa import Scale


@dataclass(frozen=True)
class Shape:
    """How one matrix [n, k] lies in packets."""

    core: Core
    n: int
    k: int
    bits: int
    scale: Scale
    repeat: int = 0

    def __post_init__(self) -> None:
        if self.bits not in (4, 8):
            raise InputError(f"layout: codes of {self.bits} bits (4 or 8)")
        if self.n < 1 or self.k < 1 or self.k % GROUP:
            raise InputError(f"layout: a matrix of {self.n} x {self.k} (K must be a multiple of {GROUP})")
        if not 0 <= self.repeat <= 3:
            raise InputError(f"layout: repeat = {self.repeat} (0 to 3)")

    @property
    def tiles(self) -> int:
        return -(-self.n // self.core.rows)

    @property
    def folds(self) -> int:
        return -(-self.k // self.core.lanes)

    @property
    def beats(self) -> int:
        return self.tiles * self.folds

    @property
    def beat_bytes(self) -> int:
        return self.core.dot_units * GROUP * self.bits // 8

    @property
    def scale_bytes(self) -> int:
        """Of one slot: nothing, d, or d and m."""
        return 2 * int(self.scale)

    @property
    def packet_scale_bytes(self) -> int:
        return self.core.slots(self.scale_bytes) * self.scale_bytes

    @property
    def packet_beats(self) -> int:
        return self.core.slots(self.scale_bytes) // self.core.dot_units << self.repeat

    @property
    def packets(self) -> int:
        return -(-self.beats // self.packet_beats)

    @property
    def words(self) -> int:
        """Words of the memory port; packets that are full are whole words."""
        port = self.core.port_bytes
        codes = -(-self.beats * self.beat_bytes // port)
        return self.packets * self.packet_scale_bytes // port + codes


def pack_matrix(
    core: Core, codes: Any, scales: Any = None, minimums: Any = None, bits: int = 4, repeat: int = 0
) -> np.ndarray:
    """The stream of codes [n, k]: uint8, whole words.

    scales and minimums [n, k / 32] are uint16. With `repeat`, the blocks of 2^repeat successive beats share
    their scales, and must have the same.

    >>> pack_matrix(Core(rows=2, port_bytes=16), np.full((2, 32), -1), bits=8).shape
    (64,)
    """
    codes = np.asarray(codes)
    n, k = codes.shape
    shape = Shape(core, n, k, bits, _scale(scales, minimums), repeat)
    body = _padded(_code_bytes(shape, codes), shape.packets * shape.packet_beats)
    body = body.reshape(shape.packets, -1)
    if shape.scale:
        parts = [np.asarray(p) for p in (scales, minimums) if p is not None]
        body = np.concatenate([_scale_bytes(shape, parts), body], axis=1)
    return _padded(body.reshape(-1), shape.words * core.port_bytes)[: shape.words * core.port_bytes]


def unpack_matrix(
    core: Core, stream: Any, n: int, k: int, bits: int = 4, scale: Scale = Scale.SCALE, repeat: int = 0
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Codes [n, k] (uint8 of 4 bits, int8 of 8), scales and minimums [n, k / 32] of a stream: pack's inverse."""
    shape = Shape(core, n, k, bits, scale, repeat)
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


def _padded(x: np.ndarray, length: int) -> np.ndarray:
    """x with zeros behind, up to `length` along its first axis."""
    if x.shape[0] >= length:
        return x
    return np.concatenate([x, np.zeros((length - x.shape[0], *x.shape[1:]), x.dtype)])


def _to_beats(shape: Shape, x: np.ndarray, block: int) -> np.ndarray:
    """[n, k / 32 * block] to [beats, dot units, block], padded with zeros."""
    rows, groups = shape.core.rows, shape.core.lane_groups
    full = (shape.tiles * rows, shape.folds * groups * block)
    if x.shape != full:
        x = np.pad(x, [(0, f - s) for f, s in zip(full, x.shape, strict=True)])
    x = x.reshape(shape.tiles, rows, shape.folds, groups * block).swapaxes(1, 2)
    return np.ascontiguousarray(x).reshape(shape.beats, shape.core.dot_units, block)


def _from_beats(shape: Shape, x: np.ndarray, block: int) -> np.ndarray:
    """[beats, dot units, block] to [n, k / 32 * block]."""
    rows, groups = shape.core.rows, shape.core.lane_groups
    x = x.reshape(shape.tiles, shape.folds, rows, groups * block).swapaxes(1, 2)
    x = x.reshape(shape.tiles * rows, shape.folds * groups * block)
    return np.ascontiguousarray(x[: shape.n, : shape.k // GROUP * block])


def _code_bytes(shape: Shape, codes: np.ndarray) -> np.ndarray:
    """[beats, bytes of a beat] of codes [n, k]."""
    low, high = (0, 15) if shape.bits == 4 else (-128, 127)
    if codes.min() < low or codes.max() > high:
        raise InputError(f"layout: codes {codes.min()} to {codes.max()}, not {low} to {high}")
    blocks = _to_beats(shape, codes.astype(np.int8).view(np.uint8), GROUP)
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
    codes = _from_beats(shape, np.ascontiguousarray(data).reshape(shape.beats, units, GROUP), GROUP)
    return codes if shape.bits == 4 else codes.view(np.int8)


def _scale_bytes(shape: Shape, parts: list[np.ndarray]) -> np.ndarray:
    """[packets, scale bytes of a packet] of d, or d and m, each [n, k / 32]."""
    share, units = 1 << shape.repeat, shape.core.dot_units
    blocks = [_to_beats(shape, p.astype(np.uint16), 1) for p in parts]
    beats = np.concatenate(blocks, axis=-1)  # [beats, units, 1 or 2]
    slots = beats[::share]
    if share > 1 and not np.array_equal(np.repeat(slots, share, axis=0)[: shape.beats], beats):
        raise InputError(f"layout: repeat = {shape.repeat}, but scales of {share} successive beats differ")
    slots = _padded(slots, shape.packets * shape.packet_beats // share)
    assert slots.shape[1] == units
    return slots.astype("<u2").reshape(shape.packets, -1).view(np.uint8)


def _scales(shape: Shape, data: np.ndarray) -> list[np.ndarray]:
    """d, or d and m, each [n, k / 32], of [packets, scale bytes of a packet]."""
    if not shape.scale:
        return []
    slots = np.ascontiguousarray(data).view("<u2").reshape(-1, shape.core.dot_units, int(shape.scale))
    beats = np.repeat(slots, 1 << shape.repeat, axis=0)[: shape.beats]
    return [_from_beats(shape, beats[..., i], 1).astype(np.uint16) for i in range(int(shape.scale))]
