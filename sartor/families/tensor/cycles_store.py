"""Cycles of storing a token's keys and values in the cache: of the vector unit, or of the memory that takes the writes.

A group of keys is its scale and its codes, in one word or in two halves; a token's values are one scale, and the codes
of so many rows a word. A write that does not go on where the last one ended costs the memory a jump.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...workload.operators import Attention
from . import cycles_vector
from .core import GROUP, HALF
from .cycles_control import DECODE, ISSUE
from .machine import Machine
from .passes import LANES

LATENCY = DECODE + ISSUE + cycles_vector.READ + cycles_vector.LAUNCH + 1  # of a pass, beside its groups
TO_REQUEST = 4  # from the codes of a group to the request of its first write: begun, addressed, through the queue
HELD = 4  # the last writes are in the queue, or on their way to it, when a pass is done
CONTROL = 3  # of a head: registers moved
BETWEEN = CONTROL + 2  # cycles of which the memory takes what one head left, before the next begins


@dataclass(frozen=True)
class Pass:
    """Of keys or values: cycles of the vector unit, in all and a column; of the memory a column, and of the writes that
    it has still to take when the pass is done."""

    fixed: Any
    column: Any
    written: Any
    held: Any

    def cycles(self, columns: Any, first: Any) -> Any:
        """`first`: when the memory can take the first write."""
        by_memory = self.written * columns + (first + 1 - self.held)
        return np.maximum(self.column * columns + self.fixed, by_memory)


@dataclass(frozen=True)
class Stores:
    """Passes of one head. `first`: from the start of a pass to its first request, `keys_first` of one of keys; `fence`:
    cycles until the memory has all writes of the last head."""

    keys: Pass
    values: Pass
    first: Any
    keys_first: Any
    fence: Any

    def cycles(self, columns: Any) -> Any:
        """Both passes; the keys' writes wait for what is left of the values of the head before."""
        left = np.maximum(self.keys_first, self.values.held - BETWEEN)
        return self.keys.cycles(columns, left) + self.values.cycles(columns, self.first)


def stores(m: Machine, op: Attention) -> Stores:
    """On a memory that never rests: `resting` tells how much longer it takes."""
    words = GROUP / np.minimum(m.designs.vector_lanes, LANES[-1])
    fixed = LATENCY + words
    keys, values = _keys(m, op, words, fixed), _values(m, op, words, fixed)
    left = values.held * ((HELD - 1) / HELD)  # its first is taken already
    first = fixed + words + TO_REQUEST
    return Stores(keys, values, first, first + _read(m) * (words - 1), np.maximum(left - BETWEEN, 0))


def _read(m: Machine) -> Any:
    """More cycles of a word of keys: those of 4 bits lose an offset, which is read beside them."""
    return (m.keys.element_bits == 4).astype(m.dtype)


def _keys(m: Machine, op: Attention, words: Any, fixed: Any) -> Pass:
    """Halves of a group lie side by side where a half beat is a word: one jump less."""
    groups = op.key_dim / GROUP
    whole = (m.keys.element_bits == 4) | ((m.multiplier_bits == 8) & (m.port_bytes >= GROUP))
    whole = whole.astype(m.dtype)
    beside = (m.dot_units * HALF == m.port_bytes) * (1 - whole)
    writes = 3 - whole
    written = groups * (writes * m.word_cycles + (writes - beside) * m.jump_cycles)
    held = HELD * m.word_cycles + (HELD - 2 * beside) * m.jump_cycles
    group, more = words + 1 + writes, _read(m)
    step = np.maximum(words * (1 + more), group)
    return Pass(fixed + more * (words - 1) - (step - group), groups * step, written, held)


def _values(m: Machine, op: Attention, words: Any, fixed: Any) -> Pass:
    """The words of a row tile lie side by side where each is written whole. Of 4 bits two rows share a byte."""
    d, both = m.designs, 1 + (m.values.element_bits == 4).astype(m.dtype)
    row_bytes = d.lanes * np.minimum(m.multiplier_bits * both, 8) / 8
    together = np.clip(m.port_bytes / row_bytes, 1, np.minimum(GROUP, d.rows) / both)  # bytes of a write
    rows = together * both
    whole = together * row_bytes == m.port_bytes
    beside = np.where(whole, np.minimum(d.rows, op.value_dim) / rows, 1)  # writes of which one jumps
    groups, writes = op.value_dim / GROUP, op.value_dim / rows
    written = (1 + writes) * m.word_cycles + (1 + writes / beside) * m.jump_cycles
    held = HELD * m.word_cycles + np.floor(HELD / beside) * m.jump_cycles
    return Pass(fixed, groups * (words + 1) + writes + 1, written, held)
