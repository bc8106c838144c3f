"""The facts that an estimate uses, picked once: nominal, low, high, one at its end, or draws of all."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..tables import Pick, nominal, table


def rows_of(column: np.ndarray, row: Any) -> Any:
    """`column` at `row`, an int or int array [designs]. Rows come from `Table.index`, so that none is out of
    range: "wrap" spares the check, which costs three times as much as the taking. Arrays of another kind take
    by themselves."""
    taken = getattr(row, "rows_of", None)
    return column.take(row, axis=0, mode="wrap") if taken is None else taken(column)


@dataclass(frozen=True, eq=False)
class Technology:
    """Columns by row number for arrays of designs, and single facts. `dtype`: float32 for millions."""

    pick: Pick = nominal
    dtype: Any = np.float64

    @functools.cached_property
    def _columns(self) -> dict[Hashable, np.ndarray]:
        return {}

    def once(self, key: Hashable, work_out: Callable[[], np.ndarray]) -> np.ndarray:
        """What follows from whole columns, worked out once under the name `key`."""
        if key not in self._columns:
            self._columns[key] = work_out()
        return self._columns[key]

    def column(self, name: str, quantity: str, row: Any) -> Any:
        """`quantity` of the rows `row` (an int or int array [designs]) of table `name`."""
        return rows_of(self.whole(name, quantity), row)

    def whole(self, name: str, quantity: str) -> np.ndarray:
        """`quantity` of every row of table `name`: arithmetic on it is free, so do it before taking rows."""
        return self.once((name, quantity), lambda: table(name).column(quantity, self.pick).astype(self.dtype))

    def fact(self, name: str, item: str, quantity: str) -> Any:
        """One figure: a plain float, or an array of draws."""
        return self.pick(table(name).fact(item, quantity))


NOMINAL = Technology()
