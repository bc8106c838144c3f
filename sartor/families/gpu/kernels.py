"""Seconds of one kernel of each kind on one chip. Every formula takes floats and arrays alike.

A kernel is the time to start it, and then what the memory or the cores need, of which the longer hides most of the
other. GEMMs, which are cut into tiles, are in tiles.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

OVERLAP = 6.0  # of memory and arithmetic: the p-norm of both; infinite would be the roofline
CACHED = 8192.0  # elements of keys a program of decode attention takes at once: 64 positions of 128
PROGRAMS = 4.0  # of decode attention started a core, two of which it holds at a time
PARTIAL_BYTES = 4.0  # of a sum that others add to
ROWS = 16.0  # least rows of a tensor core's operand


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
