"""Several sequences on the golden model at once: each its own memory, each instruction run for all.

The arithmetic is that of golden.py, bit for bit: sequences share nothing but the weights that are read. They are as
many cores in step; one core decodes several by the batch of its program (compiler/together.py), which it is measured
beside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from . import golden_matrix
from .core import Core
from .golden import Walk, execute
from .golden_state import State
from .isa import Instruction
from .start import Start


@dataclass(frozen=True, eq=False)
class Run:
    """One pass of one sequence: `tokens` are addresses of embedding rows, as golden.py has them; its `memory` is
    written."""

    memory: np.ndarray
    position: int
    tokens: list[int]


class Batch:
    """One program; what it decodes of the weights is kept for all sequences, whose memories hold the same ones."""

    def __init__(self, core: Core, program: list[Instruction], constants: tuple[float, ...]) -> None:
        self.core, self.program, self.constants = core, program, constants
        self._kept: golden_matrix.Kept = {}
        self._walk = Walk(program)

    def run(self, entry: int, runs: Sequence[Run]) -> State:
        """All `runs` from `entry` to HALT, instruction by instruction; the state they end in."""
        state = State(self.core, [run.memory for run in runs], self.constants)
        state.start([Start(entry, (run.position,), tuple(run.tokens)) for run in runs])
        for _, instruction in self._walk(entry, state.batch):
            execute(state, instruction, self._kept)
        return state
