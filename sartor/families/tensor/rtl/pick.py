"""One of several values by a number: one multiplexer, named."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Array, Module, Signal, Value


def pick(m: Module, options: Sequence[Value], index: Value, name: str) -> Value:
    """options[index]; beyond the last, 0."""
    if len(options) == 1:
        return options[0]
    chosen = Signal(options[0].shape(), name=name)
    m.d.comb += chosen.eq(Array(options)[index])
    return chosen
