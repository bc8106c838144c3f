"""What is not beaten in everything."""

from __future__ import annotations

import numpy as np


def front(points: np.ndarray) -> np.ndarray:
    """Rows of `points` [n, objectives] that no other row beats or equals in all, as sorted row numbers; of equal
    rows the first stays."""
    if len(points) == 0:
        return np.zeros(0, int)
    import moocore  # slow to import: only those who search pay

    return np.flatnonzero(moocore.is_nondominated(np.asarray(points, float), keep_weakly=False))


def thin(points: np.ndarray, most: int) -> np.ndarray:
    """At most `most` row numbers spread over a front sorted by its first column; the ends always stay."""
    order = np.argsort(points[:, 0], kind="stable")
    if len(order) <= most:
        return order
    return order[np.unique(np.linspace(0, len(order) - 1, most).round().astype(int))]
