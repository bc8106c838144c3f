"""A traced formula as a tape of array operations, run over designs a block at a time.

A block's arrays stay in the processor's caches, and their memory is used again as soon as nothing asks for them.
"""

from __future__ import annotations

import functools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from .traced import Traced, cast, in_order

BLOCK = 16_384  # designs: more, and their arrays leave the caches; fewer, and calling takes the time
Run = Callable[[np.ndarray], dict[str, Any]]


class _Do(NamedTuple):
    """One operation; arrays and numbers by their slots."""

    call: Callable[..., Any]
    given: tuple[int, ...]
    more: dict[str, Any]
    result: int


class Tape:
    """`outputs` by name; plain numbers among them are the same for all designs."""

    def __init__(self, outputs: Mapping[str, Any]) -> None:
        self._plain = {name: o for name, o in outputs.items() if not isinstance(o, Traced)}
        self._outputs = {name: o for name, o in outputs.items() if isinstance(o, Traced)}
        self._slots: list[Any] = []  # numbers and tables; of arrays the kind
        self._slot: dict[Traced, int] = {}
        self._uses = Counter(self._outputs.values())
        nodes = list(_thrifty(self._outputs.values()))
        for node in nodes:
            self._uses.update(node.sources)
        self._free: dict[np.dtype[Any], list[int]] = defaultdict(list)
        self._rows = {next(iter(node.axes)): self._array(node) for node in nodes if node.call is None}
        self._uses.update(node for node in nodes if node.call is None)  # the genome's rows are never let go
        self._steps = [self._step(node) for node in nodes if node.call is not None]

    @property
    def operations(self) -> int:
        """Of arrays, for every block."""
        return len(self._steps)

    def _array(self, node: Traced) -> int:
        """The slot of what `node` gives: one that is free, or a new one."""
        free = self._free[node.dtype]
        self._slot[node] = free.pop() if free else self._new(node.dtype)
        return self._slot[node]

    def _new(self, value: Any) -> int:
        self._slots.append(value)
        return len(self._slots) - 1

    def _step(self, node: Traced) -> _Do:
        given = tuple(self._slot[g] if isinstance(g, Traced) else self._new((g,)) for g in node.given)
        for source in node.sources:  # an operation may write over what it is the last to read
            self._uses[source] -= 1
            if not self._uses[source]:
                self._free[source.dtype].append(self._slot[source])
        assert node.call is not None
        return _Do(node.call, given, node.more, self._array(node))

    def ready(self) -> Run:
        """With arrays of its own: genomes [variables, designs] to figures by name, arrays [designs] or plain
        numbers."""
        slots = [np.zeros(BLOCK, s) if isinstance(s, np.dtype) else s[0] for s in self._slots]
        steps = [_bound(do, slots) for do in self._steps]

        def run(genomes: np.ndarray) -> dict[str, Any]:
            designs = genomes.shape[1]
            found = {name: np.empty(designs, node.dtype) for name, node in self._outputs.items()}
            for start in range(0, designs, BLOCK):
                block = genomes[:, start : start + BLOCK]
                size = block.shape[1]
                for row, slot in self._rows.items():
                    slots[slot][:size] = block[row]
                with np.errstate(all="ignore"):
                    for step in steps:
                        step()
                for name, node in self._outputs.items():
                    found[name][start : start + size] = slots[self._slot[node]][:size]
            return {**self._plain, **found}

        return run


def _bound(do: _Do, slots: list[Any]) -> Callable[[], Any]:
    """The operation on its arrays, called by the shortest way."""
    values, out = [slots[g] for g in do.given], slots[do.result]
    if do.call is cast:
        return functools.partial(np.copyto, out, values[0], casting="unsafe")
    if do.call is np.take:
        return functools.partial(values[0].take, *values[1:], out=out, **do.more)
    if isinstance(do.call, np.ufunc):
        return functools.partial(do.call, *values, out=out, **do.more)
    return lambda: np.copyto(out, do.call(*values, **do.more))


def _thrifty(outputs: Iterable[Traced]) -> Iterator[Traced]:
    """All nodes in an order that needs few arrays at once: of two sources the one that needs more comes first.

    Source: Sethi, Ullman, "The generation of optimal code for arithmetic expressions", JACM 17(4), 1970; of a tree it
    is the best.
    """
    outputs, need = list(outputs), dict[Traced, int]()
    for node in in_order(outputs):
        first = sorted((need[source] for source in set(node.sources)), reverse=True)
        need[node] = max((n + held for held, n in enumerate(first)), default=1)
    by_need = functools.partial(sorted, key=need.__getitem__)
    return in_order(by_need(outputs)[::-1], sources=lambda node: by_need(node.sources))
