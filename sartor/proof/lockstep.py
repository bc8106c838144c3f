"""The RTL and the golden model side by side: every instruction's writes must have the same digest."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from ..compiler.binary import Binary
from ..errors import CheckFailed
from ..families.tensor import digest
from ..families.tensor.golden import Golden
from ..families.tensor.golden_state import State, Write
from ..families.tensor.isa import Instruction, Op
from ..families.tensor.start import Start
from ..sim.results import RunResult
from ..sim.simulator import Cycles, Simulator
from .explain import difference


class Mismatch(CheckFailed):
    """The RTL and the golden model differ."""


@dataclass
class Pass:
    """One run of a program on both; tokens are those of its sequences."""

    start: Start
    rtl: list[int]
    golden: list[int]
    result: RunResult
    mismatches: int  # instructions whose writes differ


@dataclass
class Trace:
    """Digests of the golden model's instructions; bytes stored belong to the FENCE that waits for them."""

    digests: list[tuple[int, int]] = field(default_factory=list)
    stored: int = 0

    def __call__(self, at: int, instruction: Instruction, state: State) -> None:
        total = 0
        for write in state.writes or ():
            if write.where == "memory":
                self.stored += digest.digest_memory(write.address, write.value)
            else:
                total += _digest(write)
        if instruction.op == Op.FENCE:
            total, self.stored = total + self.stored, 0
        self.digests.append((at, total % digest.MODULUS))


def _digest(write: Write) -> int:
    if write.where == "scratch":
        return digest.digest_scratch(write.address, write.value)
    codes, exponent = write.value[:, :-1].astype(np.int8), write.value[:, -1]
    return digest.digest_buffer(write.column, write.address, codes, exponent)


class Lockstep:
    """A machine for compiler.session: runs both models, keeps what each pass took. `strict`: the first
    difference stops with the instruction, the tensor, the index and both values."""

    def __init__(
        self, binary: Binary, simulator: Simulator, strict: bool = True, cycles: Cycles | None = None
    ) -> None:
        self.binary, self.simulator, self.strict, self.cycles = binary, simulator, strict, cycles
        program = binary.program
        simulator.load(program.instructions, program.constants)
        self.golden = Golden(binary.core, binary.image, program.instructions, program.constants)
        self.passes: list[Pass] = []

    def run(self, entry: int, position: int, tokens: Sequence[int]) -> int:
        """`start` of one sequence."""
        return self.start(Start(entry, (position,), tuple(tokens)))[0]

    def start(self, given: Start) -> list[int]:
        """Both; the RTL's argmax of each sequence."""
        trace = Trace()
        with ThreadPoolExecutor(1) as pool:
            golden = pool.submit(self.golden.start, given, trace)
            result = self.simulator.start(given, progress=self.cycles)
            expected = golden.result()
        wrong = differing(trace.digests, result.digests)
        if wrong and self.strict:
            raise Mismatch(difference(self.golden, self.simulator, wrong[0], given))
        self.passes.append(Pass(given, result.argmax_indices, expected, result, len(wrong)))
        return result.argmax_indices


def differing(expected: list[tuple[int, int]], got: list[tuple[int, int]]) -> list[int]:
    """Steps whose (address, digest) differ; a shorter run differs from its end on."""
    wrong = [i for i, (e, g) in enumerate(zip(expected, got, strict=False)) if e != g]
    return wrong or ([min(len(expected), len(got))] if len(expected) != len(got) else [])
