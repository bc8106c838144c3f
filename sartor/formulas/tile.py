"""The broadcast dot-product tile: exact fold counts, what is fetched again, and what cannot be hidden.

A tile multiplies `rows` output features x `lanes` along K x `columns` tokens a cycle. All sizes are per core.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def folds(size: Any, unit: Any) -> Any:
    """Passes over `size` in steps of `unit`.

    >>> float(folds(100, 32))
    4.0
    """
    return np.ceil(size / unit)


def gemm_cycles(n: Any, k: Any, m: Any, rows: Any, lanes: Any, columns: Any, passes: Any = 1) -> Any:
    """Cycles of m x k times k x n, one fold a cycle; `passes` where an element is wider than the tile's.

    >>> float(gemm_cycles(n=100, k=64, m=3, rows=32, lanes=16, columns=4))
    16.0
    """
    return folds(n, rows) * folds(k, lanes) * (folds(m, columns) * passes)


def gemm_bytes(
    weight_bytes: Any, in_bytes: Any, out_bytes: Any, half_scratchpad: Any, weight_blocks: Any
) -> Any:
    """Off-chip bytes of one GEMM on one chip, by the better of two loop orders.

    Every core holds the same activations in half of its scratchpad; `weight_blocks` is how often the other
    halves, all cores together, must be filled to see all weights. If the activations fit, weights are read
    once and nothing else leaves the chip. Else
    tokens blocked: weights once a block of tokens, activations in and out once; or
    weights blocked: weights once, activations in once a block of weights, results out once.

    >>> float(gemm_bytes(1000.0, in_bytes=50.0, out_bytes=70.0, half_scratchpad=64.0, weight_blocks=4.0))
    1000.0
    >>> float(gemm_bytes(1000.0, in_bytes=128.0, out_bytes=70.0, half_scratchpad=64.0, weight_blocks=4.0))
    1582.0
    """
    token_blocks = np.ceil(in_bytes / half_scratchpad)
    token_blocked = weight_bytes * token_blocks
    weight_blocked = weight_bytes + in_bytes * (weight_blocks - 1)
    spilled = np.minimum(token_blocks - 1, 1)  # 0: all of it stays; 1: it does not
    return np.minimum(token_blocked, weight_blocked) + spilled * (in_bytes + out_bytes)


def exposed_s(compute_s: Any, memory_s: Any, vector_s: Any, bubble_s: Any, prefetch_s: Any) -> Any:
    """Time of one operator whose weights stream while it waits for its input.

    The tile is idle for `bubble_s` (pipeline fill, barrier, the vector work before its first fold of tokens);
    meanwhile the memory goes on until the FIFO, `prefetch_s` deep, is full. `vector_s`: all of the vector
    work, and the last fold of tokens after it.
    """
    return busy_s(compute_s, memory_s, vector_s, bubble_s, starved_s(bubble_s, prefetch_s))


def starved_s(bubble_s: Any, prefetch_s: Any) -> Any:
    """How long the memory stands still while the tile is idle: once the FIFO is full."""
    return np.maximum(bubble_s - prefetch_s, 0)


def busy_s(compute_s: Any, memory_s: Any, vector_s: Any, bubble_s: Any, starved_s: Any) -> Any:
    """The longest of an operator's three streams, each with its own wait."""
    return np.maximum(np.maximum(compute_s + bubble_s, memory_s + starved_s), vector_s)
