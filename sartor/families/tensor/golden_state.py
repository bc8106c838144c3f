"""What the core and its memory hold, as the golden model sees it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from ...errors import CheckFailed, InputError
from .core import CONSTANTS, GROUP, MOST_COLUMNS, REGISTERS, SCALARS, Core
from .isa import SPAN, TOKEN, Instruction


@dataclass(frozen=True)
class Write:
    """What one instruction wrote, as digest.py takes it: `scratch` elements, `buffer` groups of a column
    (codes, then exponent), `memory` bytes."""

    where: str
    address: np.ndarray
    value: np.ndarray
    column: int = 0


class State:
    """One core with its memory: uint8, written in place."""

    def __init__(self, core: Core, memory: np.ndarray, constants: tuple[float, ...]) -> None:
        self.core, self.memory = core, memory
        self.constants = np.zeros(CONSTANTS, np.float32)
        self.constants[: len(constants)] = constants
        self.scratch = np.zeros(core.scratch_groups * GROUP, np.float32)
        self.codes = np.zeros((MOST_COLUMNS, core.buffer_groups, GROUP), np.int8)
        self.exponents = np.zeros((MOST_COLUMNS, core.buffer_groups), np.int64)
        self.top = np.zeros(MOST_COLUMNS, np.int64)  # largest exponent of a column
        self.scalars = np.zeros((SCALARS, MOST_COLUMNS), np.float32)
        self.best_index, self.best_value = 0, np.float32(0)
        self.logits: np.ndarray | None = None  # of the last argmax; the hardware keeps only the best
        self.writes: list[Write] = []
        self.start(0, [])

    def start(self, position: int, tokens: list[int]) -> None:
        """As the host starts a program; `tokens`: addresses of embedding rows."""
        self.position = position
        self.tokens = [*tokens, *[0] * (MOST_COLUMNS - len(tokens))]
        self.registers = [0] * REGISTERS
        self.weights_at = 0  # byte of the weight queue
        self._cache: deque[np.ndarray] = deque()

    @property
    def granules(self) -> int:
        return -(-(self.position + self.registers[SPAN]) // self.core.granule)

    def count(self, count: int, dynamic: int) -> int:
        return count * self.granules if dynamic else count

    def fetch(self, i: Instruction) -> None:
        """Append to the cache queue."""
        base = self.tokens[i.reg - TOKEN] if i.reg >= TOKEN else self.registers[i.reg]
        address = i.address + base
        if i.position_shift:
            address += self.position << (i.position_shift - 1)
        run = i.unit * self.count(i.count, i.dynamic) * self.core.port_bytes
        for outer in range(i.outer):
            start = (address + outer * self.registers[i.stride_reg]) * self.core.port_bytes
            end = start + run
            if end > len(self.memory):
                raise InputError(f"FETCH {i.label}: byte {end} is beyond the memory's {len(self.memory)}")
            self._cache.append(self.memory[start:end])

    def take_cache(self, nbytes: int) -> np.ndarray:
        """The next whole words of the cache queue that hold `nbytes`."""
        parts, need = [], -(-nbytes // self.core.port_bytes) * self.core.port_bytes
        while need:
            if not self._cache:
                raise CheckFailed("an instruction takes more of the cache queue than was fetched")
            head = self._cache.popleft()
            parts.append(head[:need])
            if len(head) > need:
                self._cache.appendleft(head[need:])
            need -= len(parts[-1])
        return np.concatenate(parts)[:nbytes]

    def take_weights(self, nbytes: int) -> np.ndarray:
        """The next whole words of the weight queue that hold `nbytes`."""
        start = self.weights_at
        self.weights_at += -(-nbytes // self.core.port_bytes) * self.core.port_bytes
        return self.memory[start : start + nbytes]

    def read_scratch(self, address: int, reg: int, stride: int, columns: int, n: int) -> np.ndarray:
        """float32 [columns, n]."""
        start, step = (address + self.registers[reg]) * GROUP, stride * GROUP
        end = start + (columns - 1) * step + n
        if end > len(self.scratch):
            raise InputError(f"element {end} is beyond the scratchpad's {len(self.scratch)}")
        return np.stack([self.scratch[start + c * step :][:n] for c in range(columns)])

    def write_scratch(self, at: int, row: np.ndarray) -> None:
        if at + len(row) > len(self.scratch):
            raise InputError(f"element {at + len(row)} is beyond the scratchpad's {len(self.scratch)}")
        self.scratch[at : at + len(row)] = row
        self.writes.append(Write("scratch", np.arange(at, at + len(row)), row))

    def write_buffer(self, column: int, at: np.ndarray, codes: np.ndarray, exponents: np.ndarray) -> None:
        """Groups `at` of a column: codes int8 [groups, 32], exponents [groups]."""
        self.codes[column, at], self.exponents[column, at] = codes, exponents
        self.top[column] = max(self.top[column], exponents.max())
        value = np.concatenate([codes, exponents[:, None]], axis=1)
        self.writes.append(Write("buffer", at, value, column))

    def write_memory(self, address: np.ndarray, value: np.ndarray) -> None:
        self.memory[address] = value
        self.writes.append(Write("memory", address, value))
