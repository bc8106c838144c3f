"""Numbers of a code by table, in gates: a tree of multiplexers for each bit, without those whose two sides agree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from amaranth.hdl import Cat, Const, Mux, Value


def look_up(numbers: Sequence[int] | np.ndarray, code: Value, width: int) -> Value:
    """numbers[code] in two's complement of `width` bits; a number for every code."""
    assert len(numbers) == 1 << len(code), f"{len(numbers)} numbers of {len(code)} bits"
    return Cat(_bit([int(n) >> i & 1 for n in numbers], code) for i in range(width))


def _bit(table: list[int], code: Value) -> Value:
    """table[code], both with a power of two of entries."""
    if len(set(table)) == 1:
        return Const(table[0], 1)
    half, top = len(table) // 2, code[len(table).bit_length() - 2]
    low, high = table[:half], table[half:]
    if low == high:
        return _bit(low, code)
    if low == [1 - bit for bit in high]:
        return _bit(low, code) ^ top
    return Mux(top, _bit(high, code), _bit(low, code))
