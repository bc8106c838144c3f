"""Tables of what depends on few choices, and the numbers of their places.

What takes few values for many choices becomes a variable of its own (how wide a core's port is, from the memory, its
units, the cores and the clock), so that tables of what follows from it stay small.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .traced import MOST_PLACES, Traced, on_grid, traced, variable

Axes = tuple[tuple[int, int], ...]  # row of the genome, choices; the last runs fastest
_FEW = 8  # values at most of a new variable,
_MANY = 64  # and so many times as many choices
_MOST_AXES = 64  # of one array of NumPy's
_SLIM = 1 << 13  # places up to which a table may be made wider: it must stay in the caches


class Lookup:
    """Tables of `nodes`, which are in order; the genome has so many `variables`."""

    def __init__(self, nodes: Sequence[Traced], variables: int) -> None:
        self._grids: dict[Traced, np.ndarray] = {}
        self._numbers: dict[tuple[Axes, Any], Traced] = {}
        self._choices = {next(iter(n.axes)): n for n in nodes if n.call is None}
        self._forms: dict[Traced, Traced] = {}  # the same by the new variables
        self._find_variables(nodes, variables)

    def _find_variables(self, nodes: Sequence[Traced], row: int) -> None:
        few = {node for node in nodes if self._is_few(node)}
        asking: dict[Traced, list[Traced]] = defaultdict(list)
        for node in nodes:
            for source in node.sources:
                asking[source].append(node)
        for node in nodes:
            form = self._again(node)
            # The last of a chain of them has the fewest values.
            if node in few and row < _MOST_AXES and not set(asking[node]) <= few and self._is_few(form):
                form, row = self._new_variable(form, row), row + 1
            self._forms[node] = form

    def _again(self, node: Traced) -> Traced:
        if node.call is None or all(self._forms[source] is source for source in node.sources):
            return node
        given = (self._forms[g] if isinstance(g, Traced) else g for g in node.given)
        return traced(node.call, tuple(given), node.more)

    def _is_few(self, node: Traced) -> bool:
        if not _MANY <= node.places <= MOST_PLACES:
            return False
        values = on_grid(node, self._grids).ravel()
        some = values[:: 1 + len(values) // 512]  # most are many
        return len(np.unique(some)) <= _FEW and len(np.unique(values)) <= min(_FEW, node.places // _MANY)

    def _new_variable(self, node: Traced, row: int) -> Traced:
        axes = _axes(node)
        values = self._values(node, axes)
        bits = values.view(f"u{values.itemsize}")  # 0 and -0 are two
        _, first, choice = np.unique(bits, return_index=True, return_inverse=True)
        self._choices[row] = self._place(axes).rows_of(choice.astype(np.uint16))
        return variable(row, len(first)).rows_of(values[first])

    def places(self, node: Traced) -> int:
        """Of the smallest table of `node`."""
        return min(node.places, self._forms[node].places)

    def taken(self, nodes: Iterable[Traced]) -> dict[Traced, Traced]:
        """What stands for `nodes`: places of their tables. A table is made wider where that spares places of its
        own."""
        forms = {node: min(node, self._forms[node], key=lambda form: form.places) for node in nodes}
        every = {frozenset(_axes(form)) for form in forms.values()}
        wide = {axes: _widest(axes, every) for axes in every}
        shared = Counter(axis for axes in set(wide.values()) for axis in axes)
        stands = {}
        for node, form in forms.items():
            # What most tables have comes first: they count it together.
            axes = tuple(sorted(wide[frozenset(_axes(form))], key=lambda axis: (-shared[axis], axis)))
            stands[node] = self._place(axes).rows_of(self._values(form, axes))
        return stands

    def _values(self, node: Traced, axes: Axes) -> np.ndarray:
        """Of `node` as a table."""
        rows = [row for row, _ in axes]
        shape = [1] * (max(rows) + 1)
        for row, count in axes:
            shape[-1 - row] = count
        whole = np.broadcast_to(on_grid(node, self._grids), shape)
        return np.ascontiguousarray(np.moveaxis(whole, [-1 - row for row in rows], range(len(rows)))).ravel()

    def _place(self, axes: Axes) -> Traced:
        """As an index."""
        key = axes, np.intp
        if key not in self._numbers:
            self._numbers[key] = self._number(axes).astype(np.intp)
        return self._numbers[key]

    def _number(self, axes: Axes) -> Traced:
        key = axes, np.uint16
        if key not in self._numbers:
            *before, (row, count) = axes
            choice = self._choices[row]
            self._numbers[key] = self._number(tuple(before)) * np.uint16(count) + choice if before else choice
        return self._numbers[key]


def _widest(axes: frozenset[tuple[int, int]], every: Iterable[frozenset[tuple[int, int]]]) -> Any:
    return max((one for one in every if axes <= one and (_size(one) <= _SLIM or one == axes)), key=_size)


def _size(axes: Iterable[tuple[int, int]]) -> int:
    return math.prod(count for _, count in axes)


def _axes(node: Traced) -> Axes:
    return tuple(sorted(node.axes.items()))
