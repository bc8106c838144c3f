"""The codes of a weight stream: from codes of a matrix [n, k] to the bytes of its packets, and back.

Blocks are row x group of 32 within one beat. Binary codes have a bit a plane.
"""

from __future__ import annotations

import numpy as np

from ...errors import InputError
from ...formats.decode import Element
from .core import GROUP, HALF
from .isa import Scale
from .stream_beats import from_beats, packed, padded, places, to_beats, unpacked
from .stream_shape import Shape


def code_bytes(shape: Shape, codes: np.ndarray) -> np.ndarray:
    """[packets of the matrix, bytes of their codes]; what is beyond the last beat is 0."""
    low, high = _limits(shape)
    if codes.min() < low or codes.max() > high:
        raise InputError(f"layout: codes {codes.min()} to {codes.max()}, not {low} to {high}")
    blocks = to_beats(shape, codes.astype(np.int8).view(np.uint8), shape.core.lanes)
    if shape.short:
        apart = np.zeros((shape.packets * shape.packet_beats, blocks.shape[1]), np.uint8)
        apart[places(shape)] = blocks
        blocks = apart
    blocks = padded(blocks, shape.packets * shape.packet_beats).reshape(-1, shape.core.dot_units, GROUP)
    if shape.paired:  # of a byte the lower half is a row's, the upper one the next row's
        pairs = blocks.reshape(len(blocks), -1, 2, shape.core.lane_groups, 2, HALF)
        blocks = pairs.transpose(0, 1, 4, 3, 5, 2)
    elif shape.core.steps(shape.element) == 2:
        blocks = blocks.reshape(*blocks.shape[:2], 2, HALF).swapaxes(1, 2)
    elif shape.element.bits == 4:  # the order of GGUF
        blocks = blocks.reshape(*blocks.shape[:2], 2, HALF).swapaxes(-1, -2)
    elif shape.scale == Scale.PLANES:
        blocks = blocks[:, None] >> np.arange(shape.planes, dtype=np.uint8)[:, None, None]
    steps = np.ascontiguousarray(blocks).reshape(shape.packets * shape.packet_steps, -1)
    bits = shape.element.parts[0]
    lows = packed(steps & np.uint8((1 << bits) - 1), bits)
    if shape.element.parts[1]:
        highs = packed(steps >> bits, shape.element.parts[1])
        sets = (part.reshape(len(steps) // shape.set_steps, -1) for part in (highs, lows))
        lows = np.concatenate(list(sets), axis=1)
    return lows.reshape(shape.packets, -1)


def codes_of(shape: Shape, data: np.ndarray) -> np.ndarray:
    """Codes [n, k] of [packets, bytes of their codes]."""
    steps, (bits, more) = shape.packets * shape.packet_steps, shape.element.parts
    low, high = shape.step_bytes
    sets = data.reshape(steps // shape.set_steps, -1)
    at = shape.set_steps * high
    codes = unpacked(sets[:, at:].reshape(steps, low), bits)
    if more:
        codes |= unpacked(sets[:, :at].reshape(steps, high), more) << bits
    beats, units = shape.packets * shape.packet_beats, shape.core.dot_units
    if shape.paired:
        pairs = codes.reshape(beats, -1, 2, shape.core.lane_groups, HALF, 2)
        codes = pairs.transpose(0, 1, 5, 3, 2, 4)
    elif shape.core.steps(shape.element) == 2:
        codes = codes.reshape(beats, 2, units, HALF).swapaxes(1, 2)
    elif shape.element.bits == 4:
        codes = codes.reshape(beats, units, HALF, 2).swapaxes(-1, -2)
    elif shape.scale == Scale.PLANES:
        each = codes.reshape(beats, shape.planes, -1) << np.arange(shape.planes, dtype=np.uint8)[:, None]
        codes = np.bitwise_or.reduce(each, axis=1)
    codes = np.ascontiguousarray(codes).reshape(beats, -1)
    codes = codes[places(shape)] if shape.short else codes[: shape.beats]
    found = from_beats(shape, codes, shape.core.lanes, shape.k)
    return found.view(np.int8) if shape.element == Element.INT8 else found


def _limits(shape: Shape) -> tuple[int, int]:
    return (-128, 127) if shape.element == Element.INT8 else (0, (1 << shape.element.bits * shape.planes) - 1)
