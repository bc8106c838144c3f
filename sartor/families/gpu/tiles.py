"""GEMMs in tiles: work is cut up and handed out to the cores in waves, the last of which may be nearly empty."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from .kernels import PARTIAL_BYTES, ROWS, overlapped_s

# Output rows and columns a core works on at once, in edges of the smallest tile (64 on GPUs), and how many cores may
# share one tile along K.
TILES = tuple((rows, 2.0, split) for rows in (1.0, 2.0) for split in (1.0, 2.0, 4.0))
# Of kernels with scales their sums stay in one core; where scales change along K tiles are of 128 x 128, and so are
# those of integers.
UNSPLIT = tuple(tile for tile in TILES if tile[2] == 1.0)
LARGE = ((2.0, 2.0, 1.0),)
INTEGERS = (*LARGE, (2.0, 1.0, 1.0))


@dataclass(frozen=True)
class Tiling:
    """How the kernels of one chip cut GEMMs, and what that costs."""

    cores: float
    edge: Any  # least rows of a tile
    near_bytes_per_s: Any  # of the on-die memory, where parts meet
    shapes: tuple[tuple[float, float, float], ...] = TILES
    least: Any = 0.0  # rows as long as which a tile takes, however few it has
    draw: Any = np.inf  # times its share of the memory's rate that a core draws at most
    wave_s: Any = 0.0  # in which the cores' pipelines fill and drain, each wave
    split_s: Any = 0.0  # in which cores that share a tile wait for each other
    high: Any = np.inf  # rows beyond which all tiles are of the highest shape
    narrow: Any = np.inf  # share of the cores beyond which tiles are of the widest shape, if that many of it are there


def gemm_s(
    m: Any, k: Any, n: Any, matrices: Any, memory_s: Any, ops_per_s: Any, on: Tiling
) -> tuple[Any, Any, Any, Any]:
    """m x k times k x n, `matrices` times side by side, `on` cores that make `ops_per_s` together while the memory
    takes `memory_s`: all of it, the memory, the arithmetic, and what neither hides, in the best of the tiles' shapes.
    Where tiles are fewer than cores they are split along K; the parts meet on the die. Few tiles read slowly.

    >>> on = Tiling(cores=132, edge=64, near_bytes_per_s=5e12)
    >>> one, memory, arithmetic, parts = gemm_s(128, 4096, 132 * 128, 1, 0.0, 1e15, on)  # a tile a core
    >>> round(1e6 * float(one), 2), float(parts)
    (17.72, 0.0)
    >>> one_more, *_ = gemm_s(128, 4096, 133 * 128, 1, 0.0, 1e15, on)
    >>> bool(one_more > 1.4 * one)
    True
    """
    sized = (m, k, n, matrices, memory_s, ops_per_s, on.near_bytes_per_s, on.edge, on.draw, on.wave_s, on.split_s)
    shape = np.broadcast_shapes(*map(np.shape, sized))
    height, columns, split = (np.reshape(c, (-1, *(1 for _ in shape))) for c in np.transpose(on.shapes))
    # Of few rows the tile is lower, down to one operand of a tensor core.
    rows, columns = np.minimum(height * on.edge, ROWS * np.ceil(m / ROWS)), columns * on.edge
    tiles = np.ceil(m / rows) * np.ceil(n / columns) * matrices
    waves = np.ceil(tiles * split / on.cores - 1e-9)
    least = np.where(columns < columns.max(), height * on.edge, on.least)  # narrow tiles are as long as high ones
    arithmetic_s = waves * (np.maximum(rows, least) * columns / split) * (2 * k * on.cores) / ops_per_s
    parts_s = 2 * PARTIAL_BYTES * (split - 1) * (m * n * matrices) / on.near_bytes_per_s
    beside_s = parts_s + on.split_s * (split > 1) + on.wave_s * waves
    memory_s = memory_s * np.maximum(on.cores / (on.draw * np.minimum(tiles * split, on.cores)), 1.0)
    whole_s = overlapped_s(memory_s, arithmetic_s) + beside_s
    whole_s = np.where((m > on.high) & (height < height.max()), np.inf, whole_s)
    wide = np.ceil(m / rows) * np.ceil(n / columns.max()) * matrices
    whole_s = np.where((columns < columns.max()) & (wide > on.narrow * on.cores), np.inf, whole_s)
    best = np.argmin(whole_s, axis=0)[None]
    spread = (np.broadcast_to(each, whole_s.shape) for each in (whole_s, memory_s, arithmetic_s, beside_s))
    whole_s, memory_s, arithmetic_s, beside_s = (np.take_along_axis(each, best, 0)[0] for each in spread)
    return whole_s, memory_s, arithmetic_s, beside_s


def operand_bytes(m: Any, k: Any, n: Any, n_bytes: float, cores: float, edge: Any) -> Any:
    """Bytes of the m x k operand, `n_bytes` an element, that cores read: all of it for each tile of columns. Tiles are
    as wide as leaves each core one, half an edge to four.

    >>> float(operand_bytes(m=128, k=1000, n=132 * 128, n_bytes=2.0, cores=132, edge=64))  # 132 tiles of 128 columns
    33792000.0
    """
    wanted = np.maximum(n * np.ceil(m / (2 * edge)) / cores, 1.0)
    columns = np.clip(2 ** np.ceil(np.log2(wanted) - 1e-9), edge / 2, 4 * edge)
    return m * k * n_bytes * (n / columns)


def fullest(touched: Any, held: Any, chips: int) -> Any:
    """How many times the mean the fullest of `chips` has to do, each of which holds `held` experts, `touched` of them
    in the mean: of as many binomial numbers the largest, as of normal ones (Blom 1958).

    >>> float(fullest(touched=32.0, held=32.0, chips=8)), float(fullest(touched=1.0, held=32.0, chips=1))
    (1.0, 1.0)
    >>> round(float(fullest(touched=4.0, held=32.0, chips=8)), 2)  # 4 and 1.43 times 1.87
    1.67
    """
    above = NormalDist().inv_cdf((chips - 0.375) / (chips + 0.25))
    share = np.clip(touched / held, 1e-9, 1.0)
    return np.minimum(1 + above * np.sqrt((1 - share) / (held * share)), 1 / share)
