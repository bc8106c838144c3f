"""Measured rows that a generation's figures may be fitted to."""

from __future__ import annotations

from pathlib import Path

from .gpu import Gpu
from .kind import Refused, Row
from .rows import usable_rows
from .tally import Tally


def fittable(data: Path | None = None) -> list[Row]:
    """Usable rows of `data`, or of the measurements in the package, that the estimate stands for."""
    kind = Gpu()
    rows = usable_rows(kind, data or kind.default()[0], Tally())
    predicted = kind.predict([row.inputs for row in rows])
    return [row for row, one in zip(rows, predicted, strict=True) if not isinstance(one, Refused)]
