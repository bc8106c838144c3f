"""The golden model: runs a program instruction by instruction, bit for bit as docs/numerics.md says."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ...errors import InputError
from . import golden_matrix, golden_vector
from .core import Core
from .golden_state import State
from .isa import BATCH, Instruction, Op
from .start import Start

MOST_STEPS = 10_000_000
Retired = Callable[[int, Instruction, State], None]


class Golden:
    """One core with its memory: uint8, written in place."""

    def __init__(
        self, core: Core, memory: np.ndarray, program: list[Instruction], constants: tuple[float, ...]
    ) -> None:
        self.program, self.state = program, State(core, memory, constants)
        self._kept: golden_matrix.Kept = {}
        self._walk = Walk(program)

    def run(self, entry: int, position: int, tokens: list[int], retired: Retired | None = None) -> int:
        """`start` of one sequence at `position`, `tokens` the addresses of embedding rows; the argmax."""
        return self.start(Start(entry, (position,), tuple(tokens)), retired)[0]

    def start(self, given: Start, retired: Retired | None = None) -> list[int]:
        """From the entry to HALT; the argmax of each sequence.

        `retired` is called after each instruction with its address and the state.
        """
        s = self.state
        s.start([given])
        for at, instruction in self._walk(given.entry, given.batch):
            s.writes = [] if retired else None
            execute(s, instruction, self._kept)
            if retired:
                retired(at, instruction, s)
        return [int(row) for row in s.best[0, : given.batch]]


class Walk:
    """`steps` of one program, kept for each entry and batch: no branch depends on data."""

    def __init__(self, program: list[Instruction]) -> None:
        self._program = program
        self._kept: dict[tuple[int, int], list[tuple[int, Instruction]]] = {}

    def __call__(self, entry: int, batch: int) -> list[tuple[int, Instruction]]:
        if (entry, batch) not in self._kept:
            self._kept[entry, batch] = list(steps(self._program, entry, batch))
        return self._kept[entry, batch]


def execute(s: State, i: Instruction, kept: golden_matrix.Kept) -> None:
    """One instruction."""
    if i.op == Op.VEC:
        golden_vector.run(s, i)
    elif i.op == Op.MM:
        golden_matrix.run(s, i, kept)
    elif i.op == Op.FETCH:
        s.fetch(i)
    elif i.op == Op.STREAM:
        s.weights_at = i.address * s.core.port_bytes
    elif i.op == Op.SET:
        s.write_register(i.reg, i.value)
    elif i.op == Op.ADD:
        s.write_register(i.reg, s.registers[i.reg] + i.value)


def steps(program: list[Instruction], entry: int, batch: int = 1) -> Iterator[tuple[int, Instruction]]:
    """Instructions in the order they run; a loop is its first, its last, and how often again."""
    at, loops = entry, list[list[int]]()
    for _ in range(MOST_STEPS):
        if not 0 <= at < len(program):
            raise InputError(f"the program runs past its end at instruction {at} (no HALT)")
        instruction = program[at]
        yield at, instruction
        if instruction.op == Op.HALT:
            return
        if instruction.op == Op.LOOP:
            count = batch if instruction.count == BATCH else instruction.count
            loops.append([at + 1, at + instruction.length, count - 1])
        at = _following(at, loops)
    raise InputError(f"the program is still running after {MOST_STEPS} instructions")


def _following(at: int, loops: list[list[int]]) -> int:
    """Where the program goes on after `at`; loops that end here are left."""
    while loops and loops[-1][1] == at:
        if loops[-1][2]:
            loops[-1][2] -= 1
            return loops[-1][0]
        loops.pop()
    return at + 1
