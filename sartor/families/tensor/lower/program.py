"""A program: instructions, the entries of its bodies, its constants; and the registers that it uses."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from ..isa import Instruction

# Constants of a program, by index.
MEAN, EPSILON, MINUS_LOG2E, ONE, SOFTMAX, MINUS_SOFTMAX = range(6)
# Registers of a program.
KEYS, VALUES, CACHE, QUERY, HEAD, ROW, ANGLE = range(1, 8)
LOG2E = math.log2(math.e)


@dataclass
class Program:
    """Instructions with the entries of its bodies, and its constants (binary32). `batch`: a token of each of several
    sequences; on a core of one column that is `decode`."""

    instructions: list[Instruction] = field(default_factory=list)
    prefill: int = 0
    decode: int = 0
    batch: int = 0
    together: int = 1  # sequences of a batch, at most
    constants: tuple[float, ...] = ()

    def __str__(self) -> str:
        lines = [f"; constant {i} = {c!r}" for i, c in enumerate(self.constants)]
        entries = {self.batch: "batch:", self.prefill: "prefill:", self.decode: "decode:"}
        for at, instruction in enumerate(self.instructions):
            if at in entries:
                lines.append(entries[at])
            lines.append(f"{at:4}  {instruction}")
        return "\n".join(lines)
