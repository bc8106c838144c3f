"""The broadcast dot-product tile: `rows` output features x `lanes` along K x `columns` tokens a cycle, in folds."""

from __future__ import annotations

from typing import Any

import numpy as np


def folds(size: Any, unit: Any) -> Any:
    """Passes over `size` in steps of `unit`.

    >>> float(folds(100, 32))
    4.0
    """
    return np.ceil(size / unit)
