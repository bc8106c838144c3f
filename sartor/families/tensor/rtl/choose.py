"""What depends on the kind of codes or of scales that a command names: one multiplexer, where anything differs."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

from amaranth.hdl import Const, Mux, Value


def choose(
    word: Value, kinds: Sequence[Any], value: Callable[[Any], Value | int], key: Callable[[Any], Hashable] | None = None
) -> Value:
    """value(kind) of the kind that is in `word`; kinds of equal `key` share one. The first is that of all others."""
    found: dict[Hashable, list[Any]] = {}
    for kind in kinds:
        found.setdefault(kind if key is None else key(kind), []).append(kind)
    options = [(each, value(each[0])) for each in found.values()]
    chosen = _value(options[0][1])
    for each, option in options[1:]:
        here = word == each[0]
        for other in each[1:]:
            here |= word == other
        chosen = Mux(here, _value(option), chosen)
    return chosen


def number(word: Value, kinds: Sequence[Any], value: Callable[[Any], int]) -> Value:
    """The same of numbers: kinds of equal ones share one."""
    return choose(word, kinds, lambda kind: Const(int(value(kind))), key=lambda kind: int(value(kind)))


def _value(option: Value | int) -> Value:
    return Const(option) if isinstance(option, int) else option
