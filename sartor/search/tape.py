"""A traced formula as a tape of array operations, run over designs a block at a time.

A block's arrays stay in the processor's caches, and their memory is used again as soon as nothing asks for them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from .traced import Traced, cast, in_order

BLOCK = 16_384  # designs: more, and their arrays leave the caches; fewer, and calling takes the time
_INTO = np.take, np.clip, cast  # can write into a given array, as ufuncs can


class _Do(NamedTuple):
    """One operation; arrays and numbers by their slots."""

    call: Callable[..., Any]
    given: tuple[int, ...]
    more: dict[str, Any]
    result: int
    into: bool  # write into the array that the slot has, or take a new one


class Tape:
    """`outputs` by name; plain numbers among them are the same for all designs."""

    def __init__(self, outputs: Mapping[str, Any]) -> None:
        self._plain = {name: o for name, o in outputs.items() if not isinstance(o, Traced)}
        self._outputs = {name: o for name, o in outputs.items() if isinstance(o, Traced)}
        self._slots: list[Any] = []  # of numbers and tables what they hold, of others None
        self._kinds: dict[int, np.dtype[Any]] = {}  # of slots that are used again and again
        self._slot: dict[Traced, int] = {}
        self._uses = Counter(self._outputs.values())
        nodes = list(_thrifty(self._outputs.values()))
        for node in nodes:
            self._uses.update(node.sources)
        self._free: dict[np.dtype[Any], list[int]] = defaultdict(list)
        self._rows = {next(iter(node.axes)): self._new(node) for node in nodes if node.call is None}
        self._steps = [self._step(node) for node in nodes if node.call is not None]

    def _new(self, node: Traced | None, value: Any = None) -> int:
        self._slots.append(value)
        if node is not None:
            self._slot[node] = len(self._slots) - 1
        return len(self._slots) - 1

    def _step(self, node: Traced) -> _Do:
        assert node.call is not None
        given = tuple(self._slot[g] if isinstance(g, Traced) else self._new(None, g) for g in node.given)
        self._let_go(node)  # before: an operation may write over what it reads
        into = isinstance(node.call, np.ufunc) or node.call in _INTO
        if into and self._free[node.dtype]:
            self._slot[node] = self._free[node.dtype].pop()
        else:
            self._new(node)
            if into:
                self._kinds[self._slot[node]] = node.dtype
        return _Do(node.call, given, node.more, self._slot[node], into)

    def _let_go(self, node: Traced) -> None:
        """The slots of sources that nothing after `node` asks for."""
        for source in node.sources:
            self._uses[source] -= 1
            if not self._uses[source] and self._slot[source] in self._kinds:
                self._free[source.dtype].append(self._slot[source])

    @property
    def operations(self) -> int:
        """Of arrays, for every block."""
        return len(self._steps)

    def run(self, genomes: np.ndarray) -> dict[str, Any]:
        """Figures by name for `genomes` [variables, designs]: arrays [designs], or plain numbers."""
        designs = genomes.shape[1]
        found = {name: np.empty(designs, node.dtype) for name, node in self._outputs.items()}
        again = {slot: np.empty(min(BLOCK, designs), kind) for slot, kind in self._kinds.items()}
        for start in range(0, designs, BLOCK):
            slots = self._run_block(genomes[:, start : start + BLOCK], again)
            for name, node in self._outputs.items():
                values = slots[self._slot[node]]
                found[name][start : start + len(values)] = values
        return {**self._plain, **found}

    def _run_block(self, genomes: np.ndarray, again: Mapping[int, np.ndarray]) -> list[Any]:
        slots = list(self._slots)
        for slot, array in again.items():
            slots[slot] = array[: genomes.shape[1]]
        for row, slot in self._rows.items():
            slots[slot] = genomes[row]
        with np.errstate(all="ignore"):
            for call, given, more, result, into in self._steps:
                values = [slots[g] for g in given]
                if into:
                    call(*values, out=slots[result], **more)
                else:
                    slots[result] = call(*values, **more)
        return slots


def _thrifty(outputs: Iterable[Traced]) -> Iterator[Traced]:
    """All nodes in an order that needs few arrays at once: of two sources the one that needs more comes first.

    Source: Sethi, Ullman, "The generation of optimal code for arithmetic expressions", JACM 17(4), 1970; of a tree it
    is the best.
    """
    outputs, need = list(outputs), dict[Traced, int]()
    for node in in_order(outputs):
        first = sorted((need[source] for source in set(node.sources)), reverse=True)
        need[node] = max((n + held for held, n in enumerate(first)), default=1)
    stack, seen = [(node, False) for node in sorted(outputs, key=need.__getitem__)], set[Traced]()
    while stack:
        node, ready = stack.pop()
        if ready:
            yield node
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((source, False) for source in sorted(node.sources, key=need.__getitem__))
