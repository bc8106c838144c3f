"""Values of a cache of 4 bits, turned: each head by a Hadamard matrix, which the matrix behind attention turns back.

Attention weighs the values of a head alike in all channels, so that what it gives is turned as they are, and the
columns of its output matrix take that back: the network computes what it did (QuaRot, arXiv 2404.00456, section 4).
Channels that were far larger than others are spread over all, and 4 bits round less away (docs/quality.md). Rows of
attn_v and columns of attn_o are other numbers then: real ones bear it, rounded ones would be rounded once more.
"""

from __future__ import annotations

import functools

import numpy as np


@functools.lru_cache(4)
def turn(size: int) -> np.ndarray:
    """float32 [size, size], its own inverse: Hadamard matrices of the largest power of two that divides `size`.

    >>> (turn(6)[:2, :2] * 2**0.5).round(6)
    array([[ 1.,  1.],
           [ 1., -1.]], dtype=float32)
    """
    block: np.ndarray = np.ones((1, 1))
    while size % (2 * len(block)) == 0:
        block = np.kron([[1, 1], [1, -1]], block)
    return np.kron(np.eye(size // len(block)), block / len(block) ** 0.5).astype(np.float32)


def of_values(w: np.ndarray, head_dim: int) -> np.ndarray:
    """Rows of attn_v [kv_heads * head_dim, dim]."""
    return np.asarray((turn(head_dim) @ w.reshape(-1, head_dim, w.shape[1])).reshape(w.shape))


def of_output(w: np.ndarray, head_dim: int) -> np.ndarray:
    """Columns of attn_o [dim, heads * head_dim]."""
    return np.asarray((w.reshape(len(w), -1, head_dim) @ turn(head_dim)).reshape(w.shape))
