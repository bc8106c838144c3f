"""Several sequences on the golden model at once: each its own state and memory, each matrix decoded for all.

The arithmetic is that of golden.py, bit for bit: sequences share nothing but the weights that are read. It is how a
processor answers many users faster; the chip itself runs one pass after the other.
"""

from __future__ import annotations

from dataclasses import dataclass

from . import golden_matrix
from .golden import execute, steps
from .golden_state import State
from .isa import Instruction, Op


@dataclass(frozen=True, eq=False)
class Run:
    """One pass of one sequence: `tokens` are addresses of embedding rows, as golden.py has them."""

    state: State
    position: int
    tokens: list[int]


class Batch:
    """One program; what it decodes of the weights is kept for all sequences, whose memories hold the same ones."""

    def __init__(self, program: list[Instruction]) -> None:
        self.program = program
        self._kept: golden_matrix.Kept = {}

    def run(self, entry: int, runs: list[Run]) -> list[int]:
        """All `runs` from `entry` to HALT, instruction by instruction; the argmax of each."""
        states = [run.state for run in runs]
        for run in runs:
            run.state.start(run.position, run.tokens)
        for _, instruction in steps(self.program, entry):
            self._execute(states, instruction)
        return [state.best_index for state in states]

    def _execute(self, states: list[State], i: Instruction) -> None:
        for state in states:
            state.writes = []
        if i.op == Op.MM and not (i.cache or i.tiles_dynamic or i.folds_dynamic):
            golden_matrix.run_many(states, i, self._kept)
            return
        for state in states:
            execute(state, i, self._kept)
