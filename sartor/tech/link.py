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


def short_all_reduce_s(n_bytes: Any, chips: Any, bytes_per_s: Any, latency_s: Any) -> Any:
    """The same by the quicker of two ways: that one, or recursive doubling, where chips swap all they hold in
    ceil(log2 p) hops. Two chips need one hop.

    Source: as above, section 4.

    >>> float(short_all_reduce_s(0.0, 2, 1e9, 2e-5)), float(short_all_reduce_s(1e6, 4, 1e9, 0.0))
    (2e-05, 0.0015)
    """
    doubling_s = np.ceil(np.log2(np.maximum(chips, 1))) * (n_bytes / bytes_per_s + latency_s)
    return np.minimum(all_reduce_s(n_bytes, chips, bytes_per_s, latency_s), doubling_s)


def switched_all_reduce_s(
    n_bytes: Any, chips: Any, bytes_per_s: Any, direct_start_s: Any, direct_share: Any, spread_start_s: Any,
    spread_share: Any,
) -> Any:  # fmt: skip
    """All-reduce of `n_bytes` held by each of `chips` on one switch, the quicker of two ways: direct, each chip
    reads what the p - 1 others hold; spread, each adds up its share and sends it round, 2 (p-1)/p of the bytes.
    What either takes to start and the share of the link's rate that it reaches are measured.

    >>> float(switched_all_reduce_s(1e6, 4, 1e9, 0.0, 1.0, 0.0, 1.0))  # 1.5 MB through each link, not 3
    0.0015
    """
    several = np.minimum(chips - 1, 1)
    direct_s = direct_start_s + (chips - 1) * n_bytes / (bytes_per_s * direct_share)
    spread_s = spread_start_s + 2 * (chips - 1) / chips * n_bytes / (bytes_per_s * spread_share)
    return several * np.minimum(direct_s, spread_s)


def hop_s(n_bytes: Any, bytes_per_s: Any, latency_s: Any) -> Any:
    """One message to the next pipeline stage."""
    return n_bytes / bytes_per_s + latency_s


def all_to_all_s(n_bytes: Any, chips: Any, bytes_per_s: Any, latency_s: Any) -> Any:
    """Each chip sends all but its own share of `n_bytes`.

    Source: as above, section 3.2 (pairwise exchange, latencies overlapped).
    """
    share = (chips - 1) / chips
    return share * n_bytes / bytes_per_s + np.minimum(chips - 1, 1) * latency_s
