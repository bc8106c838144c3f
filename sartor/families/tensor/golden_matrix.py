"""MM of the golden model: decoded weights, exact accumulators, and their binary32.

Dot products S of a group are float32 matrix products, exact below 2^24 times the power of two of their group; all else
is float64, exact below 2^53: terms floor(v + 1/2), v = S mantissa 2^-s, and their sums. Weights lie in tiles of some
rows, so that what is worked on stays in the processor's cache.
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
from .layout import unpack
from .stream_shape import Shape

TILE_CODES = 2**17  # at most: they are in the processor's cache as float32
LEAST_SHIFT = -64  # what is smaller than this against the largest of its column gives terms of 0 all the same
_FACTORS = np.ldexp(np.float32(1), -np.minimum(np.arange(256), -LEAST_SHIFT))  # by what an exponent is below that


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
    columns = 1 if i.argmax else i.columns
    n = s.count(i.tiles, i.tiles_dynamic) * s.core.rows
    k = s.count(i.folds, i.folds_dynamic) * s.core.lanes
    x, exponent = _activations(s, columns, k // GROUP)
    top = s.top[:, :columns]
    y = numerics.result(product(_weights(s, i, n, k, kept), x, top, exponent), top[..., None], i.unit)
    if i.argmax:
        s.logits = y[:, 0]
    else:
        s.write_scratch(i, y)


def _activations(s: State, columns: int, groups: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes [sequences, columns, groups, 32] and exponents; groups beyond the buffer meet zero weights."""
    x, e = s.codes[:, :columns, :groups], s.exponents[:, :columns, :groups]
    missing = groups - x.shape[2]
    if missing <= 0:
        return x, e
    return np.pad(x, ((0, 0), (0, 0), (0, missing), (0, 0))), np.pad(e, ((0, 0), (0, 0), (0, missing)))


def _weights(s: State, i: Instruction, n: int, k: int, kept: Kept) -> Weights:
    of_matrix = s.core, n, k, Element(i.element), Scale(i.scale), i.share, i.planes + 1
    nbytes = _shape(*of_matrix).words * s.core.port_bytes
    if i.cache:  # whole packets of whole words: one after the other they are one matrix
        raw, many = s.take_cache(nbytes), len(s.memories)
        return _cached(_shape(s.core, many * n, *of_matrix[2:]), raw.reshape(-1), i.exponent, many)
    key = s.weights_at, n
    raw = s.take_weights(nbytes)
    if key not in kept:
        kept[key] = decoded(_shape(*of_matrix), raw, i.exponent)
    return kept[key]


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
    blocks = np.repeat(first >> 1, 1 << shape.share, axis=1)
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
        codes = codes.astype(np.int8) - np.repeat(m, GROUP << shape.share, axis=1).astype(np.int8)  # type: ignore
        m = None
    if shape.scale == Scale.PLANES:
        codes = _bits(codes, shape.planes)
        d = np.repeat(d, 1 << shape.share, axis=1).reshape(len(codes), -1)
    scale = _relative(shape.scale, d, top, 1 if shape.scale == Scale.PLANES else 1 << shape.share, tiles)
    scale = scale * np.float32(2.0**-shape.element.lost)
    packed = _packed(shape, codes, tiles)
    minimum = None if m is None else _relative(Scale.SCALE, m, top, 1 << shape.share, tiles)
    return Weights(shape.n, packed, scale, minimum, bool(own))


def _packed(shape: Shape, codes: np.ndarray, tiles: int) -> np.ndarray:
    """int8, of E4M3 int32 [tiles, groups, 32, rows], of codes [n, k]."""
    size = HALF if shape.scale == Scale.PAIR else GROUP
    offset, element = 0, shape.element
    if element.is_float or element == Element.SIGN:
        codes = integers(element)[codes]
    elif element != Element.INT8 and shape.scale not in (Scale.SCALE_MINIMUM, Scale.ZERO):
        offset = 1 << element.bits - 1
    kind = np.int32 if element == Element.E4M3 else np.int8
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


def _relative(scale: Scale, codes: np.ndarray, top: int, blocks: int, tiles: int) -> np.ndarray:
    """[tiles, groups, 1, rows] of the codes of scales [n, any], of `blocks` groups each."""
    tiled = _tiled(np.repeat(codes, blocks, axis=1) if blocks > 1 else codes, tiles)
    return _relatives(scale, top)[np.ascontiguousarray(tiled.swapaxes(1, 2))][:, :, None]


def product(w: Weights, x: np.ndarray, top: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    """Accumulators int64 [sequences, columns, n] of codes x int8 [sequences, columns, groups, 32] with `exponent`
    [..., groups] and the largest of each column, `top`.

    From a shift of 32 on |v| is at most 1/4, which gives 0.
    """
    sequences, columns = x.shape[:2]
    if (parts := GROUP // w.codes.shape[2]) > 1:
        x, exponent = x.reshape(sequences, columns, -1, GROUP // parts), np.repeat(exponent, parts, axis=-1)
    planes = w.codes.shape[1] // x.shape[2]
    many = (sequences, columns) if w.own else (1, sequences * columns)
    factor = _FACTORS[top[..., None] - exponent][..., None]
    codes = _for_product(x * factor, many)
    sums = codes if w.minimum is None else _for_product(x.sum(-1, keepdims=True, dtype=np.float32) * factor, many)
    tiles, _, _, rows = w.codes.shape
    total = np.empty((tiles, many[1], rows))
    _tiles(w, np.repeat(codes, planes, axis=1) if planes > 1 else codes, sums, total)
    if not w.own:
        total = total.swapaxes(0, 1).reshape(1, many[1], -1)[..., : w.n]
    return total.reshape(sequences, columns, -1).astype(np.int64)


def _for_product(x: np.ndarray, many: tuple[int, int]) -> np.ndarray:
    """[sequences, columns, groups, any] to [one or sequences, groups, columns, any]."""
    return np.ascontiguousarray(x.reshape(*many, *x.shape[2:]).swapaxes(1, 2))


def _tiles(w: Weights, x: np.ndarray, sums: np.ndarray, total: np.ndarray) -> None:
    """Accumulators of all tiles.

    In one thread: operations of some 30 us pass Python's lock to and fro, and two threads were a quarter slower."""
    tiles, groups, _, rows = w.codes.shape
    # Of 8 bits and less S is exact in binary32, of E4M3 it has 31 bits.
    kind = np.float64 if w.codes.dtype == np.int32 else np.float32
    codes, x = np.empty(w.codes.shape[1:], kind), x.astype(kind, copy=False)
    dots = np.empty((groups, x.shape[2], rows), kind)
    more = 0 if w.minimum is None else w.minimum.shape[1]
    terms = np.empty((groups + more, x.shape[2], rows))
    first, second, scale = terms[:groups], terms[groups:], np.empty((groups, 1, rows))
    for tile in range(tiles):
        at = tile if w.own else 0
        np.copyto(codes, w.codes[tile])
        np.matmul(x[at], codes, out=dots)
        np.copyto(first, dots)
        np.copyto(scale, w.scale[tile])
        first *= scale
        if w.minimum is not None:
            np.copyto(scale[:more], w.minimum[tile])
            np.multiply(scale[:more], sums[at], out=second)
        terms += 0.5
        np.floor(terms, out=terms)
        np.add.reduce(terms, axis=0, out=total[tile])
