"""How much each class of tensors bears: one class in a format, everything else as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .classes import LINEAR
from .measure import Progress, measure, nobody
from .model import Model
from .recipe import Recipe

KV = "kv"


def alone(part: str, name: str, rotate: bool = False) -> Recipe:
    """The recipe in which only the class `part` (or `kv`) has the format `name`."""
    return Recipe(kv=name, rotate=rotate) if part == KV else Recipe({part: name}, rotate=rotate)


def sensitivity(
    model: Model, windows: np.ndarray, formats: Sequence[str], classes: Sequence[str] = LINEAR, rotate: bool = False,
    progress: Progress = nobody,
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """KL of each class in each format, one row after the other; what was measured before is not measured again."""
    for name in formats:
        for part in classes:
            found = measure(model, windows, alone(part, name, rotate), progress)
            yield {"class": part, "format": name, "rotate": rotate, **found}
