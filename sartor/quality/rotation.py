"""A fixed orthogonal matrix that turns the residual stream (QuaRot, arXiv 2404.00456, without its online part).

With the factors of the norms folded into the matrices behind them the network computes the same; what changes is the
distribution of weights and activations that are then rounded.
"""

from __future__ import annotations

import functools

import numpy as np

SEED = 0


@functools.lru_cache(1)
def orthogonal(n: int) -> np.ndarray:
    """float32 [n, n], uniformly random (the Q of a normal matrix, signs fixed so that it is unique)."""
    q, r = np.linalg.qr(np.random.default_rng(SEED).normal(size=(n, n)))
    return np.asarray(q * np.sign(np.diag(r)), np.float32)
