"""Seconds of one kernel of each kind on one chip. Every formula takes floats and arrays alike.

A kernel is the time to start it, and then what the memory or the cores need, of which the longer hides most of the
other. Work is cut into tiles and handed out to `cores` in waves, the last of which may be nearly empty.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np

# Output rows and columns a core works on at once, in edges of the smallest tile (64 on GPUs), and how many cores may
# share one tile along K.
TILES = tuple((rows, 2.0, split) for rows in (1.0, 2.0) for split in (1.0, 2.0, 4.0))
# Of kernels with scales their sums stay in one core; where scales change along K tiles are of 128 x 128.
UNSPLIT = tuple(tile for tile in TILES if tile[2] == 1.0)
LARGE = ((2.0, 2.0, 1.0),)
OVERLAP = 6.0  # of memory and arithmetic: the p-norm of both; infinite would be the roofline
CACHED = 8192.0  # elements of keys a program of decode attention takes at once: 64 positions of 128
PROGRAMS = 4.0  # of decode attention started a core, two of which it holds at a time
PARTIAL_BYTES = 4.0  # of a sum that others add to
ROWS = 16.0  # least rows of a tensor core's operand


def gemm_s(
    m: Any, k: Any, n: Any, matrices: Any, memory_s: Any, ops_per_s: Any, near_per_s: Any, cores: float, edge: Any,
    least: Any = 0.0, shapes: tuple[tuple[float, float, float], ...] = TILES, draw: Any = np.inf,
) -> tuple[Any, Any, Any, Any]:
    """m x k times k x n, `matrices` times side by side, on `cores` cores that make `ops_per_s` together while the
    memory takes `memory_s`: all of it, the memory, the arithmetic, and the sums of parts, in the best of the tile
    `shapes`, `edge` the least rows of one, which takes as long as `least` rows. Where tiles are fewer than cores they
    are split along K; the parts meet on the die. A core draws `draw` times its share of the memory's rate at most, so
    that a few tiles read slowly.

    >>> one, memory, arithmetic, parts = gemm_s(128, 4096, 132 * 128, 1, 0.0, 1e15, 5e12, 132, 64)  # a tile a core
    >>> round(1e6 * float(one), 2), float(parts)
    (17.72, 0.0)
    >>> one_more, *_ = gemm_s(128, 4096, 133 * 128, 1, 0.0, 1e15, 5e12, 132, 64)
    >>> bool(one_more > 1.4 * one)
    True
    """
    shape = np.broadcast_shapes(*(np.shape(a) for a in (m, k, n, matrices, memory_s, ops_per_s, near_per_s, edge)))
    rows, columns, split = (np.reshape(c, (-1, *(1 for _ in shape))) for c in np.transpose(shapes))
    # Of few rows the tile is lower, down to one operand of a tensor core.
    rows, columns = np.minimum(rows * edge, ROWS * np.ceil(m / ROWS)), columns * edge
    tiles = np.ceil(m / rows) * np.ceil(n / columns) * matrices
    waves = np.ceil(tiles * split / cores - 1e-9)
    arithmetic_s = waves * (np.maximum(rows, least) * columns / split) * (2 * k * cores) / ops_per_s
    parts_s = 2 * PARTIAL_BYTES * (split - 1) * (m * n * matrices) / near_per_s
    slowed = np.maximum(cores / (draw * np.minimum(tiles * split, cores)), 1.0)
    memory_s = memory_s * slowed
    whole_s = overlapped_s(memory_s, arithmetic_s) + parts_s
    best = np.argmin(whole_s, axis=0)[None]
    spread = (np.broadcast_to(each, whole_s.shape) for each in (whole_s, memory_s, arithmetic_s, parts_s))
    whole_s, memory_s, arithmetic_s, parts_s = (np.take_along_axis(each, best, 0)[0] for each in spread)
    return whole_s, memory_s, arithmetic_s, parts_s


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


def overlapped_s(memory_s: Any, arithmetic_s: Any) -> Any:
    """Memory and arithmetic at the same time, not quite perfectly."""
    longer = np.maximum(np.maximum(memory_s, arithmetic_s), 1e-30)
    shorter = np.minimum(memory_s, arithmetic_s)
    return longer * (1 + (shorter / longer) ** OVERLAP) ** (1 / OVERLAP)


def bound_by_second(memory_s: Any, arithmetic_s: Any) -> Any:
    """The share of their overlapped time that grows with the arithmetic: 0 bound by memory, 1 by arithmetic.

    >>> float(bound_by_second(1.0, 1.0))
    0.5
    """
    ratio = np.clip(arithmetic_s / np.maximum(memory_s, 1e-30), 1e-6, 1e6)
    return 1 / (1 + ratio**-OVERLAP)


def splits(pairs: Any, context: Any, head_dim: float, cores: float) -> Any:
    """Programs that share one sequence's KV head: a power of two, as many as fill the cores; of short contexts as
    many as have two blocks each (flash decoding).

    Source: Dao et al., "Flash-Decoding for long-context inference", 2023.

    >>> float(splits(pairs=8, context=16384, head_dim=128, cores=132))  # 528 / 8 = 66 wanted: 128
    128.0
    """
    wanted = np.maximum(np.floor(PROGRAMS * cores / pairs), 1.0)
    allowed = np.maximum(context / (2 * CACHED / head_dim), 1.0)
    return np.minimum(2 ** np.ceil(np.log2(wanted) - 1e-9), allowed)


def vector_s(n_bytes: Any, kernels: float, start_s: Any, near_per_s: Any, far_per_s: Any, near_bytes: float) -> Any:
    """`kernels` element-wise passes over `n_bytes` together: what fits the on-die memory at the rate of a short
    kernel there, the rest at the DRAM's."""
    beyond = np.maximum(n_bytes - kernels * near_bytes, 0.0)
    return kernels * start_s + (n_bytes - beyond) / near_per_s + beyond / far_per_s


def attention_arithmetic_s(scores: Any, score_s: Any, longest: Any, cores: float, edge: Any) -> Any:
    """Prefill attention: `scores` of `score_s` core seconds each spread over the cores, and what the core with the
    last tile, of two edges of queries and `longest` keys, still has to do when the others are done.

    >>> float(attention_arithmetic_s(scores=1320, score_s=1.0, longest=10, cores=132, edge=1))
    30.0
    """
    return score_s * (scores / cores + longest * 2 * edge)
