"""Columns of a file that may be in another unit: out of all proportion, or beyond the record."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from . import beyond, wrong_units
from .kind import Kind, Prediction, Refused, Row
from .wrong_units import READ

Both = tuple[Row, Prediction]


@dataclass(frozen=True)
class Doubts:
    """What is doubted of a file; of `columns` those that have no unit are only said."""

    kind: Kind
    thousands: Mapping[str, str]  # quantities, and what is said of them
    columns: Sequence[beyond.Column]

    @staticmethod
    def of(kind: Kind, name: str, rows: Sequence[Both]) -> Doubts:
        """`rows`: all of one file that have been read, impossible ones too."""
        thousands = wrong_units.named((row.measured, one, row.may) for row, one in rows)
        values = [value for row, one in rows for value in _values(kind, row, one) if value[1] not in thousands]
        return Doubts(kind, thousands, beyond.columns(name, values))

    @property
    def wrong(self) -> list[str]:
        return [*self.thousands.values(), *(one.said for one in self.columns if one.unit)]

    @property
    def unlike(self) -> list[str]:
        return [one.said for one in self.columns if not one.unit]

    def quantity(self, row: Row, predicted: Prediction) -> str | None:
        """Which quantity of a row comes from such a column; None where none does."""
        for rows, quantity, measured, guess in _values(self.kind, row, predicted):
            if wrong_units.doubted(quantity, measured, guess, self.thousands):
                return quantity
            if any(one.holds(rows, quantity, measured, guess) for one in self.columns):
                return quantity
        return None


def _values(kind: Kind, row: Row, predicted: Prediction) -> Iterator[beyond.Found]:
    """What was measured and is predicted."""
    if isinstance(predicted, Refused):
        return
    rows = kind.labels(row.inputs)["kind"]
    for quantity, measured in row.measured.items():
        if 0 < predicted.get(quantity, 0.0) < math.inf:
            yield rows, quantity.removesuffix(READ), measured, float(predicted[quantity])
