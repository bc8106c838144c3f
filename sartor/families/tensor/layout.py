"""The bytes of a weight stream: packets of scales, then beats of codes (docs/hardware.md, Weight streams).

The compiler packs with it, and tests unpack. Stored codes go in: 8-bit integers -128 to 127, all others unsigned;
scales and minimums are binary16 codes, bytes of E8M0 (POWER), or bytes of E4M3 for each 16 weights (PAIR); with ZERO
the minimums are zero points, which come in words of their own. Beats are row tiles x folds, blocks are row x group of
32 within one beat. Binary codes have a bit a plane, and scales [n, groups, planes].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import InputError
from ...formats.decode import Element, zero_bits
from .core import GROUP, HALF, Core
from .isa import Scale
from .stream_shape import Shape

# Of the slots in an array: what lies side by side in one.
PARTS = {Scale.SCALE_MINIMUM: 2, Scale.PAIR: 2}


def pack_matrix(
    core: Core, codes: Any, scales: Any = None, minimums: Any = None, element: Element = Element.INT4, share: int = 0,
    scale: Scale | None = None, paired: bool = False,
) -> np.ndarray:  # fmt: skip
    """The stream of codes [n, k]: uint8, whole words.

    scales and minimums [n, k / (32 << share)] are uint16; with `scale` POWER scales are uint8, with PAIR [n, k / 16].

    >>> pack_matrix(Core(rows=2, port_bytes=16), np.full((2, 32), -1), element=Element.INT8).shape
    (64,)
    """
    codes = np.asarray(codes)
    n, k = codes.shape
    scale = _scale(scales, minimums) if scale is None else scale
    planes = np.shape(scales)[-1] if scale == Scale.PLANES else 1
    shape = Shape(core, n, k, element, scale, share, planes, paired)
    parts = [_code_bytes(shape, codes)]
    if shape.scale:
        arrays = [[_checked(shape, p) for p in parts] for parts in _arrays(shape.scale, scales, minimums)]
        parts[:0] = [_scale_bytes(shape, a, size) for a, size in zip(arrays, scale.arrays(shape.planes), strict=True)]
    if shape.scale == Scale.ZERO:
        parts.insert(0, _zero_bytes(shape, _checked(shape, minimums)))
    body = np.concatenate(parts, axis=1)
    present = _present(shape)
    full = np.zeros((*present.shape, core.port_bytes), np.uint8)
    full.reshape(shape.packets, -1)[:, : body.shape[1]] = body
    return full[present].reshape(-1)


def unpack_matrix(
    core: Core, stream: Any, n: int, k: int, element: Element = Element.INT4, scale: Scale = Scale.SCALE,
    share: int = 0, planes: int = 1, paired: bool = False,
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:  # fmt: skip
    """Codes [n, k] (uint8, int8 of 8 bits), scales and minimums as pack takes them: its inverse. Of PAIR the scales of
    the first and those of the second halves of blocks."""
    return unpack(Shape(core, n, k, element, scale, share, planes, paired), stream)


def unpack(shape: Shape, stream: Any) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """unpack_matrix of a `shape` that is there already."""
    stream, nbytes = np.asarray(stream, np.uint8).reshape(-1), shape.words * shape.core.port_bytes
    if stream.size != nbytes:
        raise InputError(f"layout: {stream.size} bytes, not the {nbytes} of {shape.n} x {shape.k}")
    present, at = _present(shape), shape.zeros[1] * shape.core.port_bytes
    full = np.zeros((*present.shape, shape.core.port_bytes), np.uint8)
    full[present] = stream.reshape(-1, shape.core.port_bytes)
    packets = full.reshape(shape.packets, -1)
    code_bytes = shape.packet_steps * sum(shape.step_bytes)
    codes = _codes(shape, packets[:, at + shape.packet_scale_bytes :][:, :code_bytes])
    parts = []
    for size in shape.scale.arrays(shape.planes):
        parts += _scales(shape, packets[:, at : at + shape.slots * size], size)
        at += shape.slots * size
    if shape.scale == Scale.PLANES:
        return codes, np.stack(parts[1:], axis=-1), parts[0]
    if shape.scale == Scale.ZERO:
        return codes, parts[0], _zeros(shape, packets)
    return codes, parts[0] if parts else None, parts[1] if len(parts) > 1 else None


def _arrays(scale: Scale, scales: Any, minimums: Any) -> list[list[np.ndarray]]:
    """Of each array of slots what lies side by side in one."""
    if scale == Scale.PLANES:
        return [[np.asarray(minimums)], *([plane] for plane in np.moveaxis(np.asarray(scales), -1, 0))]
    if scale == Scale.ZERO:
        return [[np.asarray(scales)]]
    if scale == Scale.PAIR:
        return [[np.asarray(scales)[:, half::2] for half in (0, 1)]]
    return [[np.asarray(p) for p in (scales, minimums) if p is not None]]


def _scale(scales: Any, minimums: Any) -> Scale:
    if scales is None and minimums is not None:
        raise InputError("layout: minimums without scales")
    return Scale((scales is not None) + (minimums is not None))


def _checked(shape: Shape, halves: Any) -> np.ndarray:
    halves = np.asarray(halves)
    if halves.shape != (want := (shape.n, -(-shape.k // shape.group))):
        found, need = (" x ".join(map(str, size)) for size in (halves.shape, want))
        raise InputError(f"layout: scales of {found}, not of {need}")
    return halves


def _present(shape: Shape) -> np.ndarray:
    """[packets, words of the largest, zero points before it]: those that are in the stream."""
    code_bytes = shape.packet_steps * sum(shape.step_bytes)
    most = shape.packet_scale_bytes // shape.core.port_bytes + -(-code_bytes // shape.core.port_bytes)
    each, words = shape.zeros
    at, first = np.arange(words + most) - words, np.arange(shape.packets) % each == 0
    return np.where(at < 0, first[:, None], at < shape.packet_words[:, None])


def _places(shape: Shape) -> np.ndarray:
    """[beats]: where each would be if all packets had as many."""
    ends = shape.packet_ends
    counts = np.diff(ends, prepend=0)
    missing = np.arange(shape.packets) * shape.packet_beats - (ends - counts)
    return np.arange(shape.beats) + np.repeat(missing, counts)


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
    """[packets of the matrix, bytes of their codes]; what is beyond the last beat is 0."""
    low, high = _limits(shape)
    if codes.min() < low or codes.max() > high:
        raise InputError(f"layout: codes {codes.min()} to {codes.max()}, not {low} to {high}")
    blocks = _to_beats(shape, codes.astype(np.int8).view(np.uint8), shape.core.lanes)
    if shape.short:
        apart = np.zeros((shape.packets * shape.packet_beats, blocks.shape[1]), np.uint8)
        apart[_places(shape)] = blocks
        blocks = apart
    blocks = _padded(blocks, shape.packets * shape.packet_beats).reshape(-1, shape.core.dot_units, GROUP)
    if shape.paired:  # of a byte the lower half is a row's, the upper one the next row's
        pairs = blocks.reshape(len(blocks), -1, 2, shape.core.lane_groups, 2, HALF)
        blocks = pairs.transpose(0, 1, 4, 3, 5, 2)
    elif shape.element.bits == 4:  # the order of GGUF
        blocks = blocks.reshape(*blocks.shape[:2], 2, HALF).swapaxes(-1, -2)
    elif shape.core.steps(shape.element) == 2:
        blocks = blocks.reshape(*blocks.shape[:2], 2, HALF).swapaxes(1, 2)
    elif shape.scale == Scale.PLANES:
        blocks = blocks[:, None] >> np.arange(shape.planes, dtype=np.uint8)[:, None, None]
    steps = np.ascontiguousarray(blocks).reshape(shape.packets * shape.packet_steps, -1)
    bits = shape.element.parts[0]
    lows = _packed(steps & np.uint8((1 << bits) - 1), bits)
    if shape.element.parts[1]:
        highs = _packed(steps >> bits, shape.element.parts[1])
        sets = (part.reshape(len(steps) // shape.set_steps, -1) for part in (highs, lows))
        lows = np.concatenate(list(sets), axis=1)
    return lows.reshape(shape.packets, -1)


def _codes(shape: Shape, data: np.ndarray) -> np.ndarray:
    """Codes [n, k] of [packets, bytes of their codes]."""
    steps, (bits, more) = shape.packets * shape.packet_steps, shape.element.parts
    low, high = shape.step_bytes
    sets = data.reshape(steps // shape.set_steps, -1)
    at = shape.set_steps * high
    codes = _unpacked(sets[:, at:].reshape(steps, low), bits)
    if more:
        codes |= _unpacked(sets[:, :at].reshape(steps, high), more) << bits
    beats, units = shape.packets * shape.packet_beats, shape.core.dot_units
    if shape.paired:
        pairs = codes.reshape(beats, -1, 2, shape.core.lane_groups, HALF, 2)
        codes = pairs.transpose(0, 1, 5, 3, 2, 4)
    elif shape.element.bits == 4:
        codes = codes.reshape(beats, units, HALF, 2).swapaxes(-1, -2)
    elif shape.core.steps(shape.element) == 2:
        codes = codes.reshape(beats, 2, units, HALF).swapaxes(1, 2)
    elif shape.scale == Scale.PLANES:
        each = codes.reshape(beats, shape.planes, -1) << np.arange(shape.planes, dtype=np.uint8)[:, None]
        codes = np.bitwise_or.reduce(each, axis=1)
    codes = np.ascontiguousarray(codes).reshape(beats, -1)
    codes = codes[_places(shape)] if shape.short else codes[: shape.beats]
    found = _from_beats(shape, codes, shape.core.lanes, shape.k)
    return found.view(np.int8) if shape.element == Element.INT8 else found


def _limits(shape: Shape) -> tuple[int, int]:
    return (-128, 127) if shape.element == Element.INT8 else (0, (1 << shape.element.bits * shape.planes) - 1)


def _packed(codes: np.ndarray, bits: int) -> np.ndarray:
    """Codes [steps, any] of `bits` in bytes, the first in the lowest bits."""
    if bits == 8:
        return codes
    each = codes.reshape(len(codes), -1, 8 // bits) << np.arange(0, 8, bits, dtype=np.uint8)
    return np.asarray(np.bitwise_or.reduce(each, axis=-1))


def _unpacked(data: np.ndarray, bits: int) -> np.ndarray:
    """Codes [steps, any] of bytes."""
    if bits == 8:
        return data.copy()
    each = data[..., None] >> np.arange(0, 8, bits, dtype=np.uint8) & np.uint8((1 << bits) - 1)
    return np.ascontiguousarray(each).reshape(len(data), -1)


def _scale_bytes(shape: Shape, parts: list[np.ndarray], size: int) -> np.ndarray:
    """[packets, bytes of an array of a packet] of the parts of its slots."""
    columns = shape.core.lane_groups // shape.neighbors
    slots = np.stack([_to_beats(shape, p.astype(np.uint16), columns) for p in parts], axis=-1)
    slots = _padded(slots, shape.packets * shape.packet_runs)
    return slots.astype(f"<u{size // len(parts)}").reshape(shape.packets, -1).view(np.uint8)


def _scales(shape: Shape, data: np.ndarray, size: int) -> list[np.ndarray]:
    """The parts of slots of `size` bytes, of [packets, bytes of an array of a packet]."""
    columns, count = shape.core.lane_groups // shape.neighbors, PARTS.get(shape.scale, 1)
    slots = np.ascontiguousarray(data).view(f"<u{size // count}").reshape(-1, shape.beat_slots, count)
    slots = slots[: shape.tiles * shape.tile_runs]
    width = -(-shape.k // shape.group)
    return [_from_beats(shape, slots[..., i], columns, width).astype(np.uint16) for i in range(count)]


def _zero_bytes(shape: Shape, zeros: np.ndarray) -> np.ndarray:
    """[packets, bytes of the words before those that have any] of zero points [n, any]."""
    bits, most = zero_bits(shape.element), (1 << shape.element.bits) - 1
    if zeros.min() < 0 or zeros.max() > most:
        raise InputError(f"layout: zero points {zeros.min()} to {zeros.max()}, not 0 to {most}")
    slots = _to_beats(shape, zeros.astype(np.uint8), shape.core.lane_groups // shape.neighbors)
    each, words = shape.zeros
    sets = -(-shape.packets // each)
    slots = _padded(slots, sets * each * shape.packet_runs).reshape(sets, -1)
    found = np.zeros((sets, each, words * shape.core.port_bytes), np.uint8)
    found[:, 0] = _packed(slots, bits)
    return found.reshape(sets * each, -1)[: shape.packets]


def _zeros(shape: Shape, packets: np.ndarray) -> np.ndarray:
    """uint16 [n, any] of packets with the words before them."""
    each, words = shape.zeros
    data = packets[::each, : words * shape.core.port_bytes]
    slots = _unpacked(np.ascontiguousarray(data), zero_bits(shape.element))
    slots = slots.reshape(-1, shape.beat_slots)[: shape.tiles * shape.tile_runs]
    columns = shape.core.lane_groups // shape.neighbors
    return _from_beats(shape, slots, columns, -(-shape.k // shape.group)).astype(np.uint16)

