"""Chip to chip: the time of the collectives that parallel inference needs; one direction's bandwidth."""

from __future__ import annotations

from typing import Any

import numpy as np


def all_reduce_s(n_bytes: Any, chips: Any, bytes_per_s: Any, latency_s: Any) -> Any:
    """All-reduce of `n_bytes` held by each of `chips`, Rabenseifner's: reduce-scatter by halving, all-gather
    by doubling; 2 (p-1)/p of the bytes out of each chip, in 2 ceil(log2 p) hops.

    Source: Thakur, Rabenseifner, Gropp, IJHPCA 19(1), 2005, section 4.5.

    >>> float(all_reduce_s(1e6, 4, 1e9, 0.0))
    0.0015
    """
    share = (chips - 1) / chips
    hops = 2 * np.ceil(np.log2(np.maximum(chips, 1)))
    return 2 * share * n_bytes / bytes_per_s + hops * latency_s


def hop_s(n_bytes: Any, bytes_per_s: Any, latency_s: Any) -> Any:
    """One message to the next pipeline stage."""
    return n_bytes / bytes_per_s + latency_s


def all_to_all_s(n_bytes: Any, chips: Any, bytes_per_s: Any, latency_s: Any) -> Any:
    """Each chip sends all but its own share of `n_bytes`.

    Source: as above, section 3.2 (pairwise exchange, latencies overlapped).
    """
    share = (chips - 1) / chips
    return share * n_bytes / bytes_per_s + np.minimum(chips - 1, 1) * latency_s
