"""Cycles of VEC: exactly those of the hardware, when no stream runs empty and stores are always accepted.

From the cycle that takes the command to the one of `done`. Everything may be arrays: no value decides a branch.
The pace of a word is in rtl/pace.py, where the phases are described.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .core import GROUP
from .isa import Operand, Source, Target

MULTIPLY, ADD, FUNCTION = 3, 3, 4  # registers of the units; a function serves two lanes
LAUNCH = 1 + MULTIPLY + ADD  # from a word's launch to its result
SUM = ADD + 1  # an addition onto a slot, which is read a cycle early
HALVINGS = 5  # of 32 sums
READ = 1  # of the scratchpad


def cycles(
    *, vector_lanes: Any, port_bytes: Any, rows: Any, lanes: Any, multiplier_bits: Any,
    n: Any, columns: Any, a_source: Any, p: Any, q: Any, function: Any, reduce: Any, target: Any,
    after_function: Any = 0, cache_bits: Any = 8, key_bits: Any = 8,
) -> Any:  # fmt: skip
    """One pass of n groups a column.

    Sixteen lanes copy a group in the scratchpad: two words, one a cycle, ten cycles for the first:
    >>> int(cycles(vector_lanes=16, port_bytes=128, rows=8, lanes=32, multiplier_bits=4, n=1, columns=1,
    ...            a_source=0, p=0, q=0, function=0, reduce=0, target=0))
    11
    """
    launch, pace = phases(vector_lanes, port_bytes, a_source, p, q, function, reduce)
    words = GROUP // np.asarray(vector_lanes)
    first = (
        launch + READ + LAUNCH + FUNCTION * np.greater(function, 0)
    )  # from its first phase to a word's result
    plain = 1 + (n * words * columns - 1) * pace + first + 1
    column = (
        (n * words - 1) * pace
        + first
        + halving(words)
        + LAUNCH
        + FUNCTION * np.greater(after_function, 0)
        + 1
    )
    first_group = 1 + (words - 1) * pace + first + 1
    written = first_group + cached(
        words, pace, key_cycles(port_bytes, multiplier_bits, key_bits), 0, n, columns
    ) * np.equal(target, Target.KEYS) + np.equal(target, Target.VALUES) * cached(
        words, pace, value_cycles(port_bytes, rows, lanes, multiplier_bits, cache_bits), 1, n, columns
    )  # fmt: skip
    to_scratch, to_buffer = np.equal(target, Target.SCRATCH), np.equal(target, Target.BUFFER)
    element = np.where(to_scratch, plain, np.where(to_buffer, plain + words + 1, written))
    return np.where(np.greater(reduce, 0), 1 + columns * column, element)


def phases(
    vector_lanes: Any, port_bytes: Any, a_source: Any, p: Any, q: Any, function: Any, reduce: Any
) -> tuple[Any, Any]:
    """(launch phase, phases) of a vector word."""
    number = np.where(np.equal(a_source, Source.CACHE_BF16), 2, 4)
    chunks = np.maximum(1, vector_lanes * number // np.asarray(port_bytes))
    launch = np.where(np.greater(a_source, 0), chunks - 1, np.equal(p, Operand.B))
    addend = np.equal(q, Operand.B) | np.equal(q, Operand.D)
    count = np.maximum(launch + 1 + addend, np.where(np.greater(function, 0), 2, 1))
    least = np.maximum(2, power_of_two(-(-SUM * np.asarray(vector_lanes) // GROUP)))
    return launch, np.where(np.greater(reduce, 0), power_of_two(np.maximum(count, least)), count)


def power_of_two(x: Any) -> Any:
    """The next one, up to 16.

    >>> power_of_two([1, 2, 3, 9]).tolist()
    [1, 2, 4, 16]
    """
    x = np.asarray(x)
    return np.where(x > 8, 16, np.where(x > 4, 8, np.where(x > 2, 4, x)))


def halving(words: Any) -> Any:
    """From the last result of a column to the launch of its sum: one more addition, then five halvings, of
    words/2, words/4, ... and then one addition each."""
    levels = sum(np.maximum(words >> level, 1) - 1 for level in range(1, HALVINGS + 1))
    return (1 + HALVINGS) * SUM + levels


def cached(words: Any, pace: Any, group: Any, scale: Any, n: Any, columns: Any) -> Any:
    """From the first group in the quantizer to the last write: a group takes as long as its words, or as long as
    quantizing and writing it; the first of a column `scale` cycles longer."""
    step, first = np.maximum(words * pace, words + group), np.maximum(words * pace, words + group + scale)
    last = words + group + scale * np.equal(n, 1)
    last_step = np.where(np.equal(n, 1), first, step)
    return columns * (first + (n - 1) * step) - last_step + last


def key_cycles(port_bytes: Any, multiplier_bits: Any, key_bits: Any = 8) -> Any:
    """Of one group of keys: to begin, the scale, the codes in one or two words."""
    whole = np.equal(key_bits, 4) | np.equal(multiplier_bits, 8) & (np.asarray(port_bytes) >= GROUP)
    return np.where(whole, 3, 4)


def value_cycles(port_bytes: Any, rows: Any, lanes: Any, multiplier_bits: Any, cache_bits: Any = 8) -> Any:
    """Of one group of values: to begin, and a write for all rows of a word, of 4 bits for all pairs of them."""
    four = np.equal(cache_bits, 4)
    row_bytes = np.where(four | np.equal(multiplier_bits, 8), lanes, np.asarray(lanes) // 2)
    together = np.minimum(np.minimum(GROUP, rows) // (1 + four), np.maximum(1, port_bytes // row_bytes))
    return 1 + GROUP // (together * (1 + four))
