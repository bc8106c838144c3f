"""The roofline: a bound that no schedule beats."""

from __future__ import annotations

from typing import Any

import numpy as np


def time_s(ops: Any, moved_bytes: Any, ops_per_s: Any, bytes_per_s: Any) -> Any:
    """Lower bound on an operator's run time, compute and memory perfectly overlapped.

    Source: Williams, Waterman, Patterson, "Roofline", CACM 52(4), 2009.

    >>> float(time_s(ops=2e12, moved_bytes=1e9, ops_per_s=100e12, bytes_per_s=1e12))
    0.02
    """
    return np.maximum(ops / ops_per_s, moved_bytes / bytes_per_s)


def ridge_ops_per_byte(ops_per_s: Any, bytes_per_s: Any) -> Any:
    """Arithmetic intensity above which compute is the bound."""
    return ops_per_s / bytes_per_s
