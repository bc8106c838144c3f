"""The scales and zero points of a weight stream, in bytes: words of their own before the codes of a packet."""

from __future__ import annotations

import numpy as np

from ...errors import InputError
from ...formats.decode import zero_bits
from .stream_beats import from_beats, packed, padded, to_beats, unpacked
from .stream_shape import Shape


def scale_bytes(shape: Shape, parts: list[np.ndarray], size: int) -> np.ndarray:
    """[packets, bytes of an array of a packet] of the parts of its slots."""
    columns = shape.core.lane_groups // shape.neighbors
    slots = np.stack([to_beats(shape, p.astype(np.uint16), columns) for p in parts], axis=-1)
    slots = padded(slots, shape.packets * shape.packet_runs)
    return slots.astype(f"<u{size // len(parts)}").reshape(shape.packets, -1).view(np.uint8)


def scale_parts(shape: Shape, data: np.ndarray, size: int) -> list[np.ndarray]:
    """The parts of slots of `size` bytes, of [packets, bytes of an array of a packet]."""
    columns, count = shape.core.lane_groups // shape.neighbors, len(shape.scale.slots[0])
    slots = np.ascontiguousarray(data).view(f"<u{size // count}").reshape(-1, shape.beat_slots, count)
    slots = slots[: shape.tiles * shape.tile_runs]
    width = -(-shape.k // shape.group)
    return [from_beats(shape, slots[..., i], columns, width).astype(np.uint16) for i in range(count)]


def zero_bytes(shape: Shape, zeros: np.ndarray) -> np.ndarray:
    """[packets, bytes of the words before those that have any] of zero points [n, any]."""
    bits, most = zero_bits(shape.element), (1 << shape.element.bits) - 1
    if zeros.min() < 0 or zeros.max() > most:
        raise InputError(f"layout: zero points {zeros.min()} to {zeros.max()}, not 0 to {most}")
    slots = to_beats(shape, zeros.astype(np.uint8), shape.core.lane_groups // shape.neighbors)
    each, words = shape.zeros
    sets = -(-shape.packets // each)
    slots = padded(slots, sets * each * shape.packet_runs).reshape(sets, -1)
    found = np.zeros((sets, each, words * shape.core.port_bytes), np.uint8)
    found[:, 0] = packed(slots, bits)
    return found.reshape(sets * each, -1)[: shape.packets]


def zero_points(shape: Shape, packets: np.ndarray) -> np.ndarray:
    """uint16 [n, any] of packets with the words before them."""
    each, words = shape.zeros
    data = packets[::each, : words * shape.core.port_bytes]
    slots = unpacked(np.ascontiguousarray(data), zero_bits(shape.element))
    slots = slots.reshape(-1, shape.beat_slots)[: shape.tiles * shape.tile_runs]
    columns = shape.core.lane_groups // shape.neighbors
    return from_beats(shape, slots, columns, -(-shape.k // shape.group)).astype(np.uint16)
