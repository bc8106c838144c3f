"""Which adders a carry-save tree has: many bits of several weights become two rows with as few as possible.

A full adder takes three bits of one weight and leaves one of the same weight and one of the next, so it
removes one bit; every scheme without half adders in the tree needs the same number of full adders, and
the order decides the delay. Ours takes the earliest bits first (Oklobdzija, Villeger, Liu, "A method for
speed optimized partial product reduction", IEEE Trans. Computers 45(3), 1996), and prefers three bits
that went through equally many adders, because the full adders of many libraries invert: then no inverter
is needed between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count, pairwise

# Delays of one full adder, in units of 15 ps on ASAP7 (FAx1 driving another: 77 ps sum, 46 ps carry).
SUM_DELAY = 5
CARRY_DELAY = 3
# A bit of the other polarity needs an inverter first.
MIXED_DELAY = 2


@dataclass(frozen=True)
class Bit:
    """One bit of a column: its number, when it arrives, and through how many adders it went, mod 2."""

    number: int
    time: int = 0
    parity: int = 0


@dataclass(frozen=True)
class Adder:
    """One full adder (three inputs) or half adder (two) of a column: the numbers of its bits."""

    inputs: tuple[int, ...]
    sum: int
    carry: int


@dataclass(frozen=True)
class Plan:
    """The adders in an order in which they can be placed, and the bits that are left, by column."""

    adders: tuple[Adder, ...]
    columns: tuple[tuple[Bit, ...], ...]

    @property
    def depth(self) -> int:
        """When the last bit arrives, in units of the delays above."""
        return max((b.time for column in self.columns for b in column), default=0)


def plan(heights: Sequence[int], until: int | None = None) -> Plan:
    """Adders that leave at most two bits in each column; carries beyond the last column are dropped.

    Low columns are finished to one bit where that does not delay the rest. With `until`, no adder begins
    whose result would be later: what is left then is what a pipeline register there holds.

    >>> [len(c) for c in plan([3, 3, 1]).columns], len(plan([3, 3, 1]).adders)
    ([1, 2, 2], 2)
    """
    numbers = count()
    columns = [[Bit(next(numbers)) for _ in range(height)] for height in heights]
    first = _reduced(columns, count(sum(heights)), until, deadline=-1)
    if until is not None:
        return first
    return _reduced(columns, numbers, None, deadline=first.depth)


def _reduced(columns: list[list[Bit]], numbers: Iterator[int], until: int | None, deadline: int) -> Plan:
    """Column by column from the lowest, since carries only go up."""
    columns = [list(column) for column in columns] + [[]]
    adders: list[Adder] = []
    ripple = True  # all lower columns are down to one bit
    for column, above in pairwise(columns):
        while (chosen := _chosen(column, until, deadline if ripple else -1)) is not None:
            adders.append(_added(chosen, column, above, numbers))
        ripple = ripple and len(column) <= 1
    return Plan(tuple(adders), tuple(tuple(column) for column in columns[:-1]))


def _chosen(column: list[Bit], until: int | None, deadline: int) -> list[Bit] | None:
    """The bits that the next adder of this column takes; None when the column is done."""
    if len(column) == 2 and _result_time(column) <= deadline:
        return list(column)
    if len(column) < 3:
        return None
    candidates = []
    for parity in (0, 1):
        same = sorted((b for b in column if b.parity == parity), key=lambda b: b.time)
        if len(same) >= 3:
            candidates.append(same[:3])
    chosen = min(candidates or [sorted(column, key=lambda b: b.time)[:3]], key=_result_time)
    return None if until is not None and _result_time(chosen) > until else chosen


def _result_time(bits: Iterable[Bit]) -> int:
    bits = list(bits)
    return max(b.time for b in bits) + MIXED_DELAY * (len({b.parity for b in bits}) - 1) + SUM_DELAY


def _added(chosen: list[Bit], column: list[Bit], above: list[Bit], numbers: Iterator[int]) -> Adder:
    """Replace the chosen bits by their sum here and their carry above."""
    time = _result_time(chosen)
    total = Bit(next(numbers), time, 1 - chosen[0].parity)
    carry = replace(total, number=next(numbers), time=time - SUM_DELAY + CARRY_DELAY)
    for bit in chosen:
        column.remove(bit)
    column.append(total)
    above.append(carry)
    return Adder(tuple(b.number for b in chosen), total.number, carry.number)


def levels(heights: Sequence[int], most: int = 2) -> Plan:
    """Adders that leave at most `most` bits in each column, as few one behind the other as can be; carries beyond the
    last column are dropped. Half adders where a column would wait for the carry of the one below: no carry ripples, as
    they do in a `plan` whose columns are uneven behind a register.

    Source: Dadda, "Some schemes for parallel multipliers", Alta Frequenza 34, 1965.

    >>> [len(c) for c in levels([3, 2, 2, 2]).columns], levels([3, 2, 2, 2]).depth, plan([3, 2, 2, 2]).depth
    ([2, 2, 2, 2], 5, 20)
    """
    goals, numbers, adders = [most], count(sum(heights)), list[Adder]()
    while goals[-1] * 3 // 2 < max(heights):
        goals.append(goals[-1] * 3 // 2)
    own = count()
    columns = [[Bit(next(own)) for _ in range(height)] for height in heights]
    for goal in reversed(goals):
        carries: list[list[Bit]] = [[] for _ in range(len(columns) + 1)]
        for column, arrived, above in zip(columns, carries[:-1], carries[1:], strict=True):
            done: list[Bit] = []
            while (over := len(column) + len(done) + len(arrived) - goal) > 0:
                chosen = sorted(column, key=lambda b: b.time)[: min(over + 1, 3)]
                adders.append(_added(chosen, column, above, numbers))
                done.append(column.pop())
            column += done
        columns = [[*column, *arrived] for column, arrived in zip(columns, carries, strict=False)]
    return Plan(tuple(adders), tuple(tuple(column) for column in columns))
