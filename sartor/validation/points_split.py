"""Measured serving points by figures of their stack that were fitted without the points like them.

    split             a fold is            fitted to
    model             shapes of a model    the stack's other models
    architecture out  kinds of its layers  the stack's other architectures
    stack out         a serving stack      the other stacks, together: a stack that nobody has fitted
    chip out          a chip               the stack's points of the other chip
    model out         shapes of a model    the stack's other models, and none of the row's chip either
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from .kind import Row
from .points_alike import architecture_of, chip_of, shape_of, stack_of
from .points_fit import fit, pairs, technology
from .record import Recorded, by_quantity
from .summary import Pair


@dataclass(frozen=True)
class Split:
    """`name` stands before the quantity on record; `groups`: the label by which its errors are parted too."""

    name: str
    fold: Callable[[Row], str]
    own_stack: bool = True
    groups: str = ""


BY_MODEL = Split("", shape_of, groups="chip")
SPLITS = (
    BY_MODEL, Split("architecture out ", architecture_of),
    Split("stack out ", stack_of, own_stack=False, groups="stack"), Split("chip out ", chip_of, groups="chip"),
)  # fmt: skip
ON_OTHERS = Split("model out ", shape_of, groups="chip")


def folds(known: Sequence[Row], asked: Sequence[Row], split: Split) -> Iterable[tuple[list[Row], list[Row], str]]:
    """Rows that are asked for together, the known ones that their figures may be fitted to, and their stack; those that
    nothing is left for are not there."""
    for name, stack in sorted({(split.fold(row), stack_of(row)) for row in asked}):
        mine = [row for row in asked if (split.fold(row), stack_of(row)) == (name, stack)]
        others = [row for row in known if split.fold(row) != name and (stack_of(row) == stack or not split.own_stack)]
        if others:
            yield mine, others, stack


def left_out(known: Sequence[Row], split: Split = BY_MODEL, asked: Sequence[Row] | None = None) -> list[Pair]:
    """Each of the rows `asked` (all that are `known`, where none are said) predicted by figures that were fitted to the
    known rows of the other folds."""
    found = []
    for mine, others, stack in folds(known, known if asked is None else asked, split):
        found += pairs(mine, technology(stack, fit(others, stack)))
    return found


def splits(known: Sequence[Row], unseen: Sequence[Row]) -> list[Recorded]:
    """The errors of all splits: of the points `known`, and on chips that no figure was fitted to."""
    held = [one for split in SPLITS for one in _recorded("held_out", split, left_out(known, split))]
    return held + _recorded("unseen", ON_OTHERS, left_out(known, ON_OTHERS, unseen))


def _recorded(rows: str, split: Split, found: Sequence[Pair]) -> list[Recorded]:
    return by_quantity("serving", rows, found, split.name, split.groups)
