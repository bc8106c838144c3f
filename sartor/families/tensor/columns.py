"""Family `tensor`: how tokens share the weights, and what of it operators have in common.

Much of it is that of many operators, of every phase even: it is worked out for the first that asks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...formulas import tile
from ...workload.gemm import Gemm
from ...workload.operators import Operators
from . import cycles
from .passes import Around, Work, around
from .placement import Geometry, Placement


@dataclass(frozen=True)
class Columns:
    """How tokens share the weights."""

    passes: Any  # over the weights
    used: Any  # columns of each pass
    drain: Any  # cycles in which one row tile of their results leaves
    tail: Any  # cycles from a matrix's last word to its end
    filled: float | None = None  # all of it but `passes` is that of so many tokens, in any phase


class Shared:
    """Columns, and the vector work before matrices, of one phase."""

    def __init__(self, replica: Placement, operators: Operators) -> None:
        self.replica, self.machine = replica, replica.machine
        self.around: Around = around(operators)
        self._share = self.machine.sharing * replica.chips
        self._shared: dict[Any, Any] = {}

    def once(self, key: Any, work_out: Callable[[], Any], always: bool = False) -> Any:
        """What several operators share, worked out for the first of them; `always`: for every phase of the replica."""
        known = self.replica.known if always else self._shared
        if key not in known:
            known[key] = work_out()
        return known[key]

    def columns(self, rows: Any) -> Columns:
        most = self.machine.designs.columns
        passes = tile.folds(rows, most)
        if np.ndim(rows):
            return Columns(passes, *self._used(rows))
        # Of a prompt that fills all columns of all designs it does not matter how long it is.
        filled = min(float(rows), float(self.machine.most_columns))
        used, drain, tail = self.once(("columns", filled), lambda: self._used(filled), always=True)
        return Columns(passes, used, drain, tail, filled)

    def _used(self, rows: Any) -> tuple[Any, Any, Any]:
        columns = np.minimum(rows, self.machine.designs.columns)
        drain = columns * self.machine.drain
        return columns, drain, drain + cycles.MATRIX_LATENCY

    def columns_of(self, tokens: Any, key: Any) -> Columns:
        return self.once(("columns", key), lambda: self.columns(tokens))  # type: ignore[no-any-return]

    def gap(self, what: str, here: Columns, key: Any) -> Any:
        """Cycles of vector work before a matrix, in one pass; `key` names the columns."""

        def work_out() -> Any:
            work: Work = getattr(self.around, what)
            return cycles.vector(self.machine, work, here.used, self._share) + self.machine.sync

        return self.once((self.around, what, here.filled or key), work_out, here.filled is not None)

    def taken(
        self, op: Gemm, place: Geometry, what: str, gap: Any, here: Columns, key: Any, behind: Any = None
    ) -> tuple[Any, Any]:
        """Cycles of a matrix and of the work before it, and of the matrix alone: cycles.taken, where nothing else is
        asked of the memory. The memory rests before a matrix while its FIFO is full. `behind`: cycles.behind of the
        matrix before."""
        key, always = (self.around, what, here.filled or key), here.filled is not None
        room = self.once(("room", key), lambda: gap + (here.tail - self.machine.fill_cycles), always)
        rest = self.once(("rest", key), lambda: np.maximum(room, 0.0), always) if behind is None else None

        def work_out() -> tuple[Any, Any, Any]:
            busy = cycles.between(place.tile_cycles, place.tiles_after, here.drain, here.tail)
            whole = gap + busy
            return whole, busy, None if rest is None else np.maximum(whole, place.stream_cycles + rest)

        whole, busy, taken = self.once(("taken", op, behind is None, key), work_out, always)
        if behind is not None:
            taken = np.maximum(whole, place.stream_cycles + np.maximum(room, behind))
        return taken, busy
