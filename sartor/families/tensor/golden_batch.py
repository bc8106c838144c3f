"""Several sequences on the golden model at once, each instruction run for all.

The arithmetic is that of golden.py, bit for bit: sequences share nothing but the weights that are read. They are as
many cores in step, which a processor has sooner than the turns that one core takes in the batch of its program.
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
    written, where its KV cache is: `cache` words behind the first one, so that several may share a memory."""

    memory: np.ndarray
    position: int
    tokens: list[int]
    cache: int = 0


class Batch:
    """One program; what it decodes of the weights is kept for all sequences, whose memories hold the same ones."""

    def __init__(self, core: Core, program: list[Instruction], constants: tuple[float, ...]) -> None:
        self.core, self.program, self.constants = core, program, constants
        self._kept: golden_matrix.Kept = {}
        self._walk = Walk(program)

    def run(self, entry: int, runs: Sequence[Run]) -> State:
        """All `runs` from `entry` to HALT, instruction by instruction; the state they end in."""
        state = State(self.core, [run.memory for run in runs], self.constants)
        state.start([Start(entry, (run.position,), tuple(run.tokens), (run.cache,)) for run in runs])
        for _, instruction in self._walk(entry, state.batch):
            execute(state, instruction, self._kept)
        return state
