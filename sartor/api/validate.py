"""How wrong the estimates are, against measurements."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..validation import validation


def validate(kind: str, data: str | Path | Sequence[str | Path] = ()) -> dict[str, Any]:
    """Predict every row of the files `data` (forms: docs/validation.md), or of the measurements that come with the
    package, and compare.

    Returns n, median_ape, p90_ape, worst_ape (absolute errors as fractions of what was measured) of all times; `by` the
    same for each kind of row, chip, format and model; `coverage` with what was refused or excluded, and why.
    """
    paths = [data] if isinstance(data, str | Path) else data
    return validation(kind, [Path(path) for path in paths]).facts()
