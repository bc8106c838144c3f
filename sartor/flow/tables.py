"""Look-up in many liberty tables at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .cells import Floats, Table

Ints = NDArray[np.int64]


class Tables:
    """A pile of tables of any sizes; `look_up` is bilinear, and linear beyond the edges, as in liberty."""

    def __init__(self, tables: Sequence[Table]) -> None:
        rows = max([2, *(len(t.slews) for t in tables)])
        columns = max([2, *(len(t.loads) for t in tables)])
        self.slews = np.full((len(tables), rows), np.inf)
        self.loads = np.full((len(tables), columns), np.inf)
        self.values = np.zeros((len(tables), rows, columns))
        for i, table in enumerate(tables):
            slews, loads, values = _at_least_two(table)
            self.slews[i, : len(slews)], self.loads[i, : len(loads)] = slews, loads
            self.values[i, : len(slews), : len(loads)] = values
        self.rows = np.isfinite(self.slews).sum(axis=1)
        self.columns = np.isfinite(self.loads).sum(axis=1)

    def look_up(self, which: Ints, slews: Floats, loads: Floats) -> Floats:
        """The value of table `which[i]` at (slews[i], loads[i])."""
        row, up = self._position(self.slews[which], self.rows[which], slews)
        column, right = self._position(self.loads[which], self.columns[which], loads)
        v = self.values
        low = v[which, row, column] * (1 - right) + v[which, row, column + 1] * right
        high = v[which, row + 1, column] * (1 - right) + v[which, row + 1, column + 1] * right
        return low * (1 - up) + high * up

    @staticmethod
    def _position(axes: Floats, sizes: Ints, at: Floats) -> tuple[Ints, Floats]:
        """The interval of each point, and where in it: outside 0..1 beyond the ends."""
        lower = np.clip((axes <= at[:, None]).sum(axis=1) - 1, 0, sizes - 2)
        here = np.arange(len(at))
        start, end = axes[here, lower], axes[here, lower + 1]
        return lower, (at - start) / (end - start)


def _at_least_two(table: Table) -> tuple[Floats, Floats, Floats]:
    """A table that does not depend on an axis, drawn out along it."""
    slews, loads, values = table.slews, table.loads, table.values
    if len(slews) == 1:
        slews, values = np.array([slews[0], slews[0] + 1.0]), np.repeat(values, 2, axis=0)
    if len(loads) == 1:
        loads, values = np.array([loads[0], loads[0] + 1.0]), np.repeat(values, 2, axis=1)
    return slews, loads, values
