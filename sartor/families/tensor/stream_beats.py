"""Beats of a weight stream (docs/hardware.md, Weight streams): from rows of a matrix to row tiles x folds, and back."""

from __future__ import annotations

import numpy as np

from .stream_shape import Shape


def places(shape: Shape) -> np.ndarray:
    """[beats]: where each would be if all packets had as many."""
    ends = shape.packet_ends
    counts = np.diff(ends, prepend=0)
    missing = np.arange(shape.packets) * shape.packet_beats - (ends - counts)
    return np.arange(shape.beats) + np.repeat(missing, counts)


def padded(x: np.ndarray, length: int) -> np.ndarray:
    """x with zeros behind, up to `length` along its first axis."""
    if x.shape[0] >= length:
        return x
    return np.concatenate([x, np.zeros((length - x.shape[0], *x.shape[1:]), x.dtype)])


def to_beats(shape: Shape, x: np.ndarray, columns: int) -> np.ndarray:
    """[n, any] to [beats, rows x columns]: `columns` elements of each row go into a beat; zeros pad."""
    rows, beats = shape.core.rows, -(-x.shape[1] // columns)
    full = (shape.tiles * rows, beats * columns)
    if x.shape != full:
        x = np.pad(x, [(0, f - s) for f, s in zip(full, x.shape, strict=True)])
    x = x.reshape(shape.tiles, rows, beats, columns).swapaxes(1, 2)
    return np.ascontiguousarray(x).reshape(-1, rows * columns)


def from_beats(shape: Shape, x: np.ndarray, columns: int, width: int) -> np.ndarray:
    """[beats, rows x columns] to [n, width]."""
    rows = shape.core.rows
    x = x.reshape(shape.tiles, -1, rows, columns).swapaxes(1, 2)
    return np.ascontiguousarray(x.reshape(shape.tiles * rows, -1)[: shape.n, :width])


def packed(codes: np.ndarray, bits: int) -> np.ndarray:
    """Codes [steps, any] of `bits` in bytes, the first in the lowest bits."""
    if bits == 8:
        return codes
    each = codes.reshape(len(codes), -1, 8 // bits) << np.arange(0, 8, bits, dtype=np.uint8)
    return np.asarray(np.bitwise_or.reduce(each, axis=-1))


def unpacked(data: np.ndarray, bits: int) -> np.ndarray:
    """Codes [steps, any] of bytes."""
    if bits == 8:
        return data.copy()
    each = data[..., None] >> np.arange(0, 8, bits, dtype=np.uint8) & np.uint8((1 << bits) - 1)
    return np.ascontiguousarray(each).reshape(len(data), -1)
