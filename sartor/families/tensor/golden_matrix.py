"""MM of the golden model: decoded weights, exact accumulators, and their binary32.

Dot products S of a group are integers; all else is float64, exact below 2^53: terms floor(v + 1/2), v = S mantissa
2^-s, and their sums (kernels/matrix.py). Weights lie in tiles of some rows, so that what is worked on stays in the
processor's cache.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from ...formats.decode import Element, integers
from . import numerics
from .core import GROUP, HALF
from .golden_state import State
from .isa import Instruction, Scale
from .kernels import matrix
from .layout import unpack
from .stream_shape import Shape

TILE_CODES = 2**17  # at most
LEAST_SHIFT = -64  # what is smaller than this against the largest of its column gives terms of 0 all the same
_NO_MINIMUM = np.zeros((0, 0, 1, 0), np.float32)


@dataclass(frozen=True, eq=False)
class Weights:
    """Of `n` rows, in tiles [tiles, groups, ..., rows]: codes int8 or int32 [32], signed integers; scale float32 [1],
    mantissa 2^(field - top - lost); minimum alike. `own`: a tile is a sequence, with activations of its own. Of PAIR
    groups are of 16. Of binary codes each plane is a group, but not of the minimum."""

    n: int
    codes: np.ndarray
    scale: np.ndarray
    minimum: np.ndarray | None
    own: bool = False


Kept = dict[tuple[int, int], Weights]


def run(s: State, i: Instruction, kept: Kept) -> None:
    """One matrix; `kept`: decoded weights by the byte where they lie."""
    columns = s.columns(i)
    n = s.count(i.tiles, i.tiles_dynamic) * s.core.rows
    k = s.count(i.folds, i.folds_dynamic) * s.core.lanes
    # Groups beyond the buffer meet zero weights.
    x, exponent = s.codes[:, :columns, : k // GROUP], s.exponents[:, :columns, : k // GROUP]
    top, y = s.top[:, :columns].copy(), np.empty((len(x), columns, n), np.float32)
    matrix.rounded(product(_weights(s, i, n, k, kept), x, top, exponent), top, i.unit - numerics.UNIT_BIAS, y)
    if i.argmax:
        s.logits = y
    else:
        s.write_scratch(i, y)


def _weights(s: State, i: Instruction, n: int, k: int, kept: Kept) -> Weights:
    of_matrix = s.core, n, k, Element(i.element), Scale(i.scale), i.share, i.planes + 1, _is_paired(s, i)
    nbytes = _shape(*of_matrix).words * s.core.port_bytes
    if i.cache:  # whole packets of whole words: one after the other they are one matrix
        raw, many = s.take_cache(nbytes), len(s.memories)
        return _cached(_shape(s.core, many * n, *of_matrix[2:]), raw.reshape(-1), i.exponent, many)
    key = s.weights_at, n
    raw = s.take_weights(nbytes)
    if key not in kept:
        kept[key] = decoded(_shape(*of_matrix), raw, i.exponent)
    return kept[key]


def _is_paired(s: State, i: Instruction) -> bool:
    """Values of a cache of 4 bits: two rows share a byte."""
    return s.core.cache_bits == 4 and bool(i.cache and i.element == Element.INT4 and i.scale == Scale.NONE)


_shape = functools.lru_cache(maxsize=1024)(Shape)


def _cached(shape: Shape, raw: np.ndarray, top: int, own: int) -> Weights:
    """`decoded` of bytes, which are only moved: from where, is kept."""
    if shape.element != Element.INT8 or shape.scale not in (Scale.NONE, Scale.SCALE):
        return decoded(shape, raw, top, own)
    codes, scales = _places(shape, own)
    if scales is None:
        scale = np.ones((own, codes.shape[1], 1, codes.shape[3]), np.float32)
        scale *= _relatives(shape.scale, top)[numerics.ONE_HALF_PRECISION]
    else:
        scale = _relatives(shape.scale, top)[raw.view("<u2")[scales]]
    return Weights(shape.n, raw.view(np.int8)[codes], scale, None, True)


@functools.lru_cache(maxsize=64)
def _places(shape: Shape, own: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Of codes their byte in the stream, as `_packed` has them, and of scales their pair of bytes: what comes out
    where each byte is a digit of its place."""
    places = np.arange(shape.words * shape.core.port_bytes)
    digits = [unpack(shape, places >> 8 * i & 255) for i in range(4)]
    codes = sum(_packed(shape, d[0], own).view(np.uint8).astype(np.int64) << 8 * i for i, d in enumerate(digits))
    if shape.scale == Scale.NONE:
        return np.asarray(codes), None
    first = sum((d[1] & 255).astype(np.int64) << 8 * i for i, d in enumerate(digits) if d[1] is not None)
    blocks = _spread(shape, np.asarray(first >> 1), 1 << shape.share)
    return np.asarray(codes), np.ascontiguousarray(_tiled(blocks, own).swapaxes(1, 2))[:, :, None]


def decoded(shape: Shape, raw: np.ndarray, top: int, own: int = 0) -> Weights:
    """The weights in the stream `raw`: of one matrix, or `own` matrices of equal rows, each of a sequence."""
    codes, d, m = unpack(shape, raw)
    tiles = own or -(-shape.n * shape.k // TILE_CODES)
    if d is None:
        d = np.full((len(codes), shape.k // shape.group), numerics.ONE_HALF_PRECISION, np.uint16)
    if shape.scale == Scale.PAIR:
        d, m = np.stack([d, m], axis=-1).reshape(len(codes), -1), None  # type: ignore[list-item]
    if shape.scale == Scale.ZERO:
        codes = codes.astype(np.int8) - _spread(shape, m, shape.group).astype(np.int8)  # type: ignore[arg-type]
        m = None
    if shape.scale == Scale.PLANES:
        codes = _bits(codes, shape.planes)
        d = _spread(shape, d, 1 << shape.share).reshape(len(codes), -1)
    elif shape.share:
        d = _spread(shape, d, 1 << shape.share)
    scale = _relative(shape.scale, d, top, tiles)
    scale = scale * np.float32(2.0**-shape.element.lost)
    packed = _packed(shape, codes, tiles)
    minimum = None if m is None else _relative(Scale.SCALE, _spread(shape, m, 1 << shape.share), top, tiles)
    return Weights(shape.n, packed, scale, minimum, bool(own))


def _packed(shape: Shape, codes: np.ndarray, tiles: int) -> np.ndarray:
    """int8, of what is no byte int32 [tiles, groups, 32, rows], of codes [n, k]."""
    size = HALF if shape.scale == Scale.PAIR else GROUP
    offset, element = 0, shape.element
    if not element.is_integer:
        codes = integers(element)[codes]
    elif element != Element.INT8 and shape.scale not in (Scale.SCALE_MINIMUM, Scale.ZERO):
        offset = 1 << element.bits - 1
    kind = np.int8 if element.in_a_byte else np.int32
    tiled = _tiled(codes.astype(kind, copy=False), tiles)
    tiled = tiled.reshape(*tiled.shape[:2], -1, size).transpose(0, 2, 3, 1)
    return np.subtract(tiled, kind(offset), order="C")


def _bits(codes: np.ndarray, planes: int) -> np.ndarray:
    """Codes [n, k] as [n, planes k]: of each group of 32 one plane after the other."""
    groups = codes.reshape(len(codes), -1, 1, GROUP) >> np.arange(planes, dtype=np.uint8)[:, None]
    return (groups & np.uint8(1)).reshape(len(codes), -1)


def _tiled(x: np.ndarray, tiles: int) -> np.ndarray:
    """[n, any] to [tiles, rows, any], the last tile padded with zeros."""
    rows = -(-len(x) // tiles)
    if missing := tiles * rows - len(x):
        x = np.concatenate([x, np.zeros((missing, *x.shape[1:]), x.dtype)])
    return x.reshape(tiles, rows, *x.shape[1:])


@functools.cache
def _relatives(scale: Scale, top: int) -> np.ndarray:
    """float32, exactly: mantissa 2^(field - top) of every scale of a kind; what is far below the top is 0."""
    mantissa, field = numerics.parts_of(scale, np.arange(256 if scale in (Scale.POWER, Scale.PAIR) else 65536))
    return np.ldexp(mantissa.astype(np.float32), np.clip(field - top, 2 * LEAST_SHIFT, -LEAST_SHIFT))


def _spread(shape: Shape, each: np.ndarray, count: int) -> np.ndarray:
    """[n, any] of what groups share, [n, fewer, ...], for `count` in each; the last group of a row may be shorter."""
    return np.repeat(each, count, axis=1)[:, : shape.k * count // shape.group] if count > 1 else each


def _relative(scale: Scale, codes: np.ndarray, top: int, tiles: int) -> np.ndarray:
    """[tiles, groups, 1, rows] of the codes of scales [n, groups]."""
    tiled = _tiled(codes, tiles)
    return _relatives(scale, top)[np.ascontiguousarray(tiled.swapaxes(1, 2))][:, :, None]


def product(w: Weights, x: np.ndarray, top: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    """Accumulators, whole numbers in float64 [sequences, columns, n or more], of codes x int8 [sequences, columns,
    groups, 32] with `exponent` [..., groups] and the largest of each column, `top`."""
    tiles, groups, size, rows = w.codes.shape
    minimum = _NO_MINIMUM if w.minimum is None else w.minimum
    parts = GROUP // size if w.minimum is None else groups // minimum.shape[1]
    # Of 8 bits and less S is exact in 32 bits; of E4M3 it has 31, and a sign.
    dots = np.empty(rows, np.int64 if w.codes.dtype == np.int32 else np.int32)
    total = np.empty((*x.shape[:2], rows if w.own else tiles * rows))
    given = (np.ascontiguousarray(each) for each in (x, exponent, top))
    matrix.accumulate(w.codes, w.scale, minimum, w.own, parts, *given, dots, total)
    return total
