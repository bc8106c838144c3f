"""The golden model: runs a program instruction by instruction, bit for bit as docs/numerics.md says."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ...errors import InputError
from . import golden_matrix, golden_vector
from .core import Core
from .golden_state import State
from .isa import Instruction, Op

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
        """From `entry` to HALT at `position`, `tokens` the addresses of embedding rows; the argmax.

        `retired` is called after each instruction with its address and the state.
        """
        s = self.state
        s.start([position], [tokens])
        for at, instruction in self._walk(entry):
            s.writes = [] if retired else None
            execute(s, instruction, self._kept)
            if retired:
                retired(at, instruction, s)
        return int(s.best[0])


class Walk:
    """`steps` of one program, kept for each entry: no branch depends on data."""

    def __init__(self, program: list[Instruction]) -> None:
        self._program = program
        self._kept: dict[int, list[tuple[int, Instruction]]] = {}

    def __call__(self, entry: int) -> list[tuple[int, Instruction]]:
        if entry not in self._kept:
            self._kept[entry] = list(steps(self._program, entry))
        return self._kept[entry]


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
        s.registers[i.reg] = i.value
    elif i.op == Op.ADD:
        s.registers[i.reg] = (s.registers[i.reg] + i.value) & 0xFFFFFFFF


def steps(program: list[Instruction], entry: int) -> Iterator[tuple[int, Instruction]]:
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
            loops.append([at + 1, at + instruction.length, instruction.count - 1])
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
