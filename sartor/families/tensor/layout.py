"""The bytes of a weight stream: packets of scales, then beats of codes (docs/hardware.md, Weight streams).

The compiler packs with it, and tests unpack. Stored codes go in: 8-bit integers -128 to 127, all others unsigned;
scales and minimums are binary16 codes, bytes of E8M0 (POWER), or bytes of E4M3 for each 16 weights (PAIR); with ZERO
the minimums are zero points, which come in words of their own. Beats are row tiles x folds (stream_beats.py). Binary
codes have a bit a plane, and scales [n, groups, planes].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import InputError
from ...formats.decode import Element
from .core import Core
from .isa import Scale
from .stream_codes import code_bytes, codes_of
from .stream_scales import scale_bytes, scale_parts, zero_bytes, zero_points
from .stream_shape import Shape


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
    parts = [code_bytes(shape, codes)]
    if shape.scale:
        arrays = [[_checked(shape, p) for p in parts] for parts in _arrays(shape.scale, scales, minimums)]
        parts[:0] = [scale_bytes(shape, a, size) for a, size in zip(arrays, scale.arrays(shape.planes), strict=True)]
    if shape.scale == Scale.ZERO:
        parts.insert(0, zero_bytes(shape, _checked(shape, minimums)))
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
    codes = codes_of(shape, packets[:, at + shape.packet_scale_bytes :][:, :code_bytes])
    parts = []
    for size in shape.scale.arrays(shape.planes):
        parts += scale_parts(shape, packets[:, at : at + shape.slots * size], size)
        at += shape.slots * size
    if shape.scale == Scale.PLANES:
        return codes, np.stack(parts[1:], axis=-1), parts[0]
    if shape.scale == Scale.ZERO:
        return codes, parts[0], zero_points(shape, packets)
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
