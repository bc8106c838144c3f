"""What the core and its memory hold, as the golden model sees it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import CheckFailed, InputError
from .core import CONSTANTS, GROUP, MOST_COLUMNS, REGISTERS, SCALARS, Core
from .isa import BATCH, COLUMN, SPAN, TOKEN, Instruction
from .start import Start

Views = list[np.ndarray]  # of the memory of each sequence


@dataclass(frozen=True)
class Write:
    """What one instruction wrote, as digest.py takes it: `scratch` elements, `buffer` groups of a column
    (codes, then exponent), `memory` bytes."""

    where: str
    address: np.ndarray
    value: np.ndarray
    column: int = 0


class State:
    """One core with its memory: uint8, written in place.

    With several memories it is several cores that run the same program, each a sequence of its own: they share the
    weights (those of the first memory) and nothing else. All arrays begin with [sequences]. What depends on the
    position is as long as the longest of them needs: beyond a sequence's own the mask gives zeros, which add nothing.
    """

    def __init__(
        self, core: Core, memory: np.ndarray | list[np.ndarray], constants: tuple[float, ...]
    ) -> None:
        self.core = core
        memories = memory if isinstance(memory, list) else [memory]
        self.memories = [m.view(np.ndarray) for m in memories]  # mapped files are slow to cut
        many = len(self.memories)
        self.constants = np.zeros(CONSTANTS, np.float32)
        self.constants[: len(constants)] = constants
        self.scratch = np.zeros((many, core.scratch_groups * GROUP), np.float32)
        self.codes = np.zeros((many, MOST_COLUMNS, core.buffer_groups, GROUP), np.int8)
        self.exponents = np.zeros((many, MOST_COLUMNS, core.buffer_groups), np.int64)
        self.top = np.zeros((many, MOST_COLUMNS), np.int64)  # largest exponent of a column
        self.scalars = np.zeros((many, SCALARS, MOST_COLUMNS), np.float32)
        self.logits: np.ndarray | None = None  # [sequences, columns, rows] of the last argmax; hardware keeps the best
        self.writes: list[Write] | None = None  # of one sequence, if they are to be kept
        self.start([Start(0, (0,), ())] * many)

    def start(self, starts: Sequence[Start]) -> None:
        """As the host starts a program, of each memory; in all of them it has as many sequences."""
        self.starts, self.batch = starts, starts[0].batch
        self.registers = [0] * REGISTERS
        self.select(0)
        self.weights_at = 0  # byte of the weight queue
        self._cache: deque[Views] = deque()

    def select(self, column: int) -> None:
        """The sequence of a column: its position, cache and embedding row count from now on."""
        chosen = [start.column(column) for start in self.starts]
        self.positions = np.array([position for position, _, _ in chosen], np.int64)
        self.furthest = int(self.positions.max())
        self.caches, self.rows = ([each[i] for each in chosen] for i in (1, 2))

    def write_register(self, index: int, value: int) -> None:
        self.registers[index] = value & 0xFFFFFFFF
        if index == COLUMN:
            self.select(self.registers[index])

    def columns(self, i: Instruction) -> int:
        """Of MM and VEC."""
        return self.batch if i.columns == BATCH else i.columns

    @property
    def memory(self) -> np.ndarray:
        return self.memories[0]

    @property
    def best(self) -> np.ndarray:
        """The row of the largest logit [sequences, columns]."""
        if self.logits is None:
            return np.zeros((len(self.memories), 1), np.int64)
        return np.argmax(self.logits, axis=-1)

    @property
    def granules(self) -> int:
        return -(-(self.furthest + self.registers[SPAN]) // self.core.granule)

    def count(self, count: int, dynamic: int) -> int:
        return count * self.granules if dynamic else count

    def fetch(self, i: Instruction) -> None:
        """Append to the cache queue."""
        shift = i.position_shift
        run = i.unit * self.count(i.count, i.dynamic) * self.core.port_bytes
        for outer in range(i.outer):
            at = i.address + outer * self.registers[i.stride_reg]
            views = []
            for q, memory in enumerate(self.memories):
                moved = int(self.positions[q]) << (shift - 1) if shift else self.caches[q] * i.dynamic
                start = (at + self._base(q, i.reg) + moved) * self.core.port_bytes
                if start + run > len(memory):
                    raise InputError(
                        f"FETCH {i.label}: byte {start + run} is beyond the memory's {len(memory)}"
                    )
                views.append(memory[start : start + run])
            self._cache.append(views)

    def _base(self, sequence: int, reg: int) -> int:
        """A register, or an embedding row: that of the column in COLUMN, or of one by its number."""
        if reg < TOKEN:
            return self.registers[reg]
        return self.rows[sequence] if reg == TOKEN else self.starts[sequence].column(reg - TOKEN)[2]

    def take_cache(self, nbytes: int) -> np.ndarray:
        """The next whole words of the cache queue that hold `nbytes`: [sequences, nbytes]."""
        need = -(-nbytes // self.core.port_bytes) * self.core.port_bytes
        if len(self.memories) == 1 and self._cache and len(self._cache[0][0]) == need:
            return self._cache.popleft()[0][None, :nbytes]
        taken, at = np.empty((len(self.memories), need), np.uint8), 0
        while at < need:
            if not self._cache:
                raise CheckFailed("an instruction takes more of the cache queue than was fetched")
            views = self._cache.popleft()
            size = min(len(views[0]), need - at)
            for row, view in zip(taken, views, strict=True):
                row[at : at + size] = view[:size]
            if len(views[0]) > size:
                self._cache.appendleft([view[size:] for view in views])
            at += size
        return taken[:, :nbytes]

    def take_weights(self, nbytes: int) -> np.ndarray:
        """The next whole words of the weight queue that hold `nbytes`: [1, nbytes]."""
        start = self.weights_at
        self.weights_at += -(-nbytes // self.core.port_bytes) * self.core.port_bytes
        return self.memory[None, start : start + nbytes]

    def place(self, address: int, reg: int, stride: int, columns: int, n: int) -> tuple[int, int]:
        """Of [columns, n] in the scratchpad: the first element, and the step from column to column."""
        start, step = (address + self.registers[reg]) * GROUP, stride * GROUP
        if (end := start + (columns - 1) * step + n) > self.scratch.shape[1]:
            raise InputError(f"element {end} is beyond the scratchpad's {self.scratch.shape[1]}")
        return start, step

    def write_scratch(self, i: Instruction, y: np.ndarray) -> None:
        """`y` [sequences, columns, n] to the target of `i`."""
        columns, n = y.shape[1:]
        start, step = self.place(i.d_addr, i.d_reg, i.d_stride, columns, n)
        for c in range(columns):
            self.scratch[:, start + c * step :][:, :n] = y[:, c]
        for c in range(columns if self.writes is not None else 0):
            self._keep(Write("scratch", np.arange(start + c * step, start + c * step + n), y[0, c]))

    def write_buffer(self, first: int, codes: np.ndarray, exponents: np.ndarray) -> None:
        """Groups from `first` of all columns: codes int8 [sequences, columns, groups, 32], exponents."""
        columns, groups = exponents.shape[1:]
        self.codes[:, :columns, first : first + groups] = codes
        self.exponents[:, :columns, first : first + groups] = exponents
        top = self.top[:, :columns]
        np.maximum(top, exponents.max(axis=-1), out=top)
        for c in range(columns if self.writes is not None else 0):
            value = np.concatenate([codes[0, c], exponents[0, c, :, None]], axis=1)
            self._keep(Write("buffer", np.arange(first, first + groups), value, c))

    def cache_base(self, sequence: int, i: Instruction) -> int:
        """First word of what a VEC writes to: of a head's keys or values, in the sequence's cache."""
        return (self.registers[i.d_reg] + self.caches[sequence]) & 0xFFFFFFFF

    def write_memory(self, sequence: int, address: np.ndarray, value: np.ndarray) -> None:
        self.memories[sequence][address] = value
        self._keep(Write("memory", address, value))

    def _keep(self, write: Write) -> None:
        if self.writes is not None:
            self.writes.append(write)
