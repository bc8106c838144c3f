"""The power limit: where a chip would draw more, the clock of its cores falls; its memory keeps its own."""

from __future__ import annotations

from typing import Any

import numpy as np

SLOWEST = 0.3  # of the full clock


def clock(core_j: Any, memory_j: Any, core_s: Any, other_s: Any, working_w: Any) -> Any:
    """The share of the full clock at which a pass draws `working_w` and no more.

    At the full clock its cores work for `core_s` and spend `core_j`, while for `other_s` more they wait for the memory,
    which spends `memory_j`. At a share c, `core_s` takes 1 / c as long and spends c as much (the voltage falls with the
    clock, half as fast): core_j c + memory_j = working_w (core_s / c + other_s), a quadratic.

    >>> float(clock(core_j=4.0, memory_j=0.0, core_s=1.0, other_s=0.0, working_w=1.0))  # four times too much
    0.5
    >>> float(clock(core_j=0.5, memory_j=0.2, core_s=1.0, other_s=0.0, working_w=1.0))
    1.0
    """
    half = (memory_j - working_w * other_s) / 2
    share = (np.sqrt(half**2 + core_j * working_w * core_s) - half) / np.maximum(core_j, 1e-30)
    return np.clip(share, SLOWEST, 1.0)
