"""Codes of a few bits, one behind the other: code i starts at bit i x bits, low bits first."""

from __future__ import annotations

import numpy as np


def pack(codes: np.ndarray, bits: int) -> np.ndarray:
    """uint8 [bytes]: the codes in their order, the last byte filled up with zeros.

    >>> pack(np.array([1, 2, 3], np.uint8), 4).tolist(), pack(np.array([7, 0, 7], np.uint8), 3).tolist()
    ([33, 3], [199, 1])
    """
    flat = np.ascontiguousarray(codes).reshape(-1)
    if bits == 8 * flat.itemsize:
        return flat.view(np.uint8)
    flat = flat.view(np.uint8)
    if bits == 4:
        even = np.append(flat, np.uint8(0)) if len(flat) % 2 else flat
        return even[::2] | (even[1::2] << 4)
    return np.packbits(np.unpackbits(flat[:, None], axis=1, count=bits, bitorder="little"), bitorder="little")


def unpack(raw: np.ndarray, bits: int, count: int, dtype: np.dtype) -> np.ndarray:
    """The `count` codes that were packed."""
    if bits == 8 * dtype.itemsize:
        return np.ascontiguousarray(raw).view(dtype)[:count]
    if bits == 4:
        return np.stack([raw & 15, raw >> 4], axis=-1).reshape(-1)[:count].astype(dtype)
    each = np.unpackbits(raw, count=bits * count, bitorder="little").reshape(count, bits)
    return np.packbits(each, axis=1, bitorder="little")[:, 0].astype(dtype)


def size(count: int, bits: int) -> int:
    """Bytes that `count` codes take."""
    return -(-count * bits // 8)
