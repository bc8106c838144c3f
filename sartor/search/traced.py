"""Arrays that remember how they came about: formulas are run once on them, and then known as a graph.

A `Traced` stands for one number a design. It holds the operation, what that was given, and the variables of the genome
that it depends on; and the result for a few designs, so that its kind of number is the one NumPy really gives.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

SAMPLES = 3  # designs for which every operation is really done
MOST_PLACES = 1 << 16  # of a table: they are numbered in 16 bits

_OF_ALL = np.max, np.min, np.any, np.all  # asked of all choices at once, not of one design


def cast(values: Any, dtype: Any, out: Any = None) -> Any:
    """`values` as numbers of another kind."""
    if out is None:
        return np.asarray(values).astype(dtype)
    np.copyto(out, values, casting="unsafe")
    return out


@dataclass(frozen=True, eq=False, repr=False)  # a graph written as a tree would have no end
class Traced(np.lib.mixins.NDArrayOperatorsMixin):
    """`call` of `given` and `more`; a variable of the genome has none. `axes`: the variables that it depends on by
    their rows in the genome, with how many choices each has."""

    call: Callable[..., Any] | None
    given: tuple[Any, ...]
    more: dict[str, Any]
    axes: dict[int, int]
    sample: np.ndarray

    __hash__ = object.__hash__

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *given: Any, **more: Any) -> Traced:
        if method != "__call__" or ufunc.nout > 1:
            raise TypeError(f"{ufunc.__name__}.{method} is not traced")
        return traced(ufunc, given, more)

    def __array_function__(self, func: Callable[..., Any], _: Any, given: Any, more: Any) -> Any:
        if func is np.ndim:
            return 1
        if func is np.result_type:
            return func(*(g.sample if isinstance(g, Traced) else g for g in given))
        return func(on_grid(given[0]), *given[1:], **more) if func in _OF_ALL else traced(func, given, more)

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        raise TypeError("a traced array has no values (its rows of a column are technology.rows_of)")

    def __bool__(self) -> bool:
        raise TypeError("a formula must not decide by a value of a design (try np.where)")

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.sample.dtype

    def astype(self, dtype: Any) -> Traced:
        return self if self.dtype == np.dtype(dtype) else traced(cast, (self, np.dtype(dtype)), {})

    def rows_of(self, column: np.ndarray) -> Traced:
        """The rows of `column` that these numbers name."""
        return traced(np.take, (column, self), {"axis": 0, "mode": "wrap"})

    @property
    def places(self) -> int:
        """Of a table that holds it for all choices of what it depends on."""
        return math.prod(self.axes.values())

    @property
    def sources(self) -> list[Traced]:
        return [g for g in self.given if isinstance(g, Traced)]


def variable(row: int, count: int) -> Traced:
    """The choice that a genome has in `row`, of `count`."""
    sample = np.random.default_rng(row).integers(count, size=SAMPLES, dtype=np.uint16)
    return Traced(None, (), {}, {row: count}, sample)


def traced(call: Callable[..., Any], given: tuple[Any, ...], more: dict[str, Any]) -> Traced:
    """`call` of traced arrays and plain numbers."""
    axes: dict[int, int] = {}
    for one in given:
        if isinstance(one, Traced):
            axes |= one.axes
    with np.errstate(all="ignore"):
        sample = call(*(g.sample if isinstance(g, Traced) else g for g in given), **more)
    if np.shape(sample) != (SAMPLES,):
        raise TypeError(f"{call.__name__} does not give a number a design")
    return Traced(call, given, more, axes, sample)


def on_grid(of: Traced, known: dict[Traced, np.ndarray] | None = None) -> np.ndarray:
    """The values for all choices: that of row r of the genome runs along the r-th axis from the end. `known`: what was
    worked out before, and is from now on."""
    if of.places > MOST_PLACES:
        raise TypeError(f"{of.places:,} choices are too many to try")
    known = {} if known is None else known
    for one in in_order([of], known):
        if one.call is None:
            ((row, count),) = one.axes.items()
            known[one] = np.arange(count, dtype=np.uint16).reshape(count, *[1] * row)
        else:
            with np.errstate(all="ignore"):
                known[one] = one.call(*(known[g] if isinstance(g, Traced) else g for g in one.given), **one.more)
    return known[of]


def in_order(
    of: Iterable[Traced], known: Collection[Traced] = (),
    sources: Callable[[Traced], list[Traced]] = lambda one: one.sources,
) -> Iterator[Traced]:  # fmt: skip
    """All that `of` need and what is not known, each after its `sources`, of which the last comes first; without
    recursion, for graphs are deep."""
    stack, seen = [(one, False) for one in of][::-1], set(known)
    while stack:
        one, ready = stack.pop()
        if ready:
            yield one
        elif one not in seen:
            seen.add(one)
            stack.append((one, True))
            stack.extend((source, False) for source in sources(one))
