"""The golden model: runs a program instruction by instruction, bit for bit as docs/numerics.md says.

Fast where time goes: block products are float32 matrix products (exact below 2^24), scaling is float64 (exact
below 2^53), and decoded weights are kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ...errors import CheckFailed, InputError
from . import cache_layout, float32, numerics
from .core import CONSTANTS, GROUP, MOST_COLUMNS, REGISTERS, SCALARS, Core
from .golden_matrix import Weights, decoded, product
from .isa import (
    BYPASS,
    SPAN,
    TOKEN,
    VALUE_SCALES,
    VALUE_STRIDE,
    Function,
    Instruction,
    Mask,
    Op,
    Operand,
    Scale,
    Source,
    Target,
)  # fmt: skip
from .layout import Shape

MOST_STEPS = 10_000_000
Retired = Callable[[int, Instruction, "Golden"], None]


@dataclass(frozen=True)
class Write:
    """What one instruction wrote: `where` scratch, buffer or memory; see digest.py."""

    where: str
    address: np.ndarray
    value: np.ndarray
    column: int = 0


class Golden:
    """One core with its memory. `memory`: uint8, written in place."""

    def __init__(
        self, core: Core, memory: np.ndarray, program: list[Instruction], constants: tuple[float, ...]
    ):
        self.core, self.memory, self.program = core, memory, program
        self.constants = np.zeros(CONSTANTS, np.float32)
        self.constants[: len(constants)] = constants
        self.scratch = np.zeros(core.scratch_groups * GROUP, np.float32)
        self.codes = np.zeros((MOST_COLUMNS, core.buffer_groups, GROUP), np.int8)
        self.exponents = np.zeros((MOST_COLUMNS, core.buffer_groups), np.int64)
        self.top = np.zeros(MOST_COLUMNS, np.int64)
        self.scalars = np.zeros((SCALARS, MOST_COLUMNS), np.float32)
        self.registers = [0] * REGISTERS
        self.position, self.tokens = 0, [0] * MOST_COLUMNS
        self.best_index, self.best_value = 0, np.float32(0)
        self.logits: np.ndarray | None = None  # of the last argmax; the hardware keeps only the best
        self.writes: list[Write] = []
        self._kept: dict[tuple[int, int], Weights] = {}

    def run(self, entry: int, position: int, tokens: list[int], retired: Retired | None = None) -> int:
        """From `entry` to HALT at `position`, `tokens` the addresses of embedding rows; the argmax."""
        self.position = position
        self.tokens = list(tokens) + [0] * (MOST_COLUMNS - len(tokens))
        self.registers = [0] * REGISTERS
        self._weights, self._cache = 0, deque[np.ndarray]()
        for at, instruction in self._steps(entry):
            self.writes = []
            handler = self._handlers.get(instruction.op)
            if handler:
                handler(self, instruction)
            if retired:
                retired(at, instruction, self)
        return self.best_index

    def _steps(self, entry: int) -> Iterator[tuple[int, Instruction]]:
        """Instructions in the order they run; LOOP pushes first, last and how often again."""
        at, loops = entry, list[list[int]]()
        for _ in range(MOST_STEPS):
            if not 0 <= at < len(self.program):
                raise InputError(f"the program runs past its end at instruction {at} (no HALT)")
            instruction = self.program[at]
            yield at, instruction
            if instruction.op == Op.HALT:
                return
            if instruction.op == Op.LOOP:
                loops.append([at + 1, at + instruction.length, instruction.count - 1])
            while loops and loops[-1][1] == at:
                if loops[-1][2]:
                    loops[-1][2] -= 1
                    at = loops[-1][0] - 1
                    break
                loops.pop()
            at += 1
        raise InputError(f"the program is still running after {MOST_STEPS} instructions")

    @property
    def granules(self) -> int:
        return -(-(self.position + self.registers[SPAN]) // self.core.granule)

    def _count(self, count: int, dynamic: int) -> int:
        return count * self.granules if dynamic else count

    # Control

    def _set(self, i: Instruction) -> None:
        self.registers[i.reg] = i.value

    def _add(self, i: Instruction) -> None:
        self.registers[i.reg] = (self.registers[i.reg] + i.value) & 0xFFFFFFFF

    def _stream(self, i: Instruction) -> None:
        self._weights = i.address * self.core.port_bytes

    def _fetch(self, i: Instruction) -> None:
        base = self.tokens[i.reg - TOKEN] if i.reg >= TOKEN else self.registers[i.reg]
        address = i.address + base
        if i.position_shift:
            address += self.position << (i.position_shift - 1)
        run = i.unit * self._count(i.count, i.dynamic) * self.core.port_bytes
        for outer in range(i.outer):
            start = (address + outer * self.registers[i.stride_reg]) * self.core.port_bytes
            if start + run > len(self.memory):
                raise InputError(
                    f"FETCH {i.label}: byte {start + run} is beyond the memory's {len(self.memory)}"
                )
            self._cache.append(self.memory[start : start + run])

    def _take_cache(self, nbytes: int) -> np.ndarray:
        """The next whole words of the cache queue that hold `nbytes`."""
        words = -(-nbytes // self.core.port_bytes) * self.core.port_bytes
        parts, need = [], words
        while need:
            if not self._cache:
                raise CheckFailed("an instruction takes more of the cache queue than was fetched")
            head = self._cache.popleft()
            parts.append(head[:need])
            if len(head) > need:
                self._cache.appendleft(head[need:])
            need -= len(parts[-1])
        return np.concatenate(parts)[:nbytes]

    def _take_weights(self, nbytes: int) -> np.ndarray:
        start = self._weights
        self._weights += -(-nbytes // self.core.port_bytes) * self.core.port_bytes
        return self.memory[start : start + nbytes]

    # Matrix

    def _mm(self, i: Instruction) -> None:
        tiles, folds = self._count(i.tiles, i.tiles_dynamic), self._count(i.folds, i.folds_dynamic)
        n, k = tiles * self.core.rows, folds * self.core.lanes
        weights = self._weights_of(i, n, k)
        groups = k // GROUP
        columns = slice(0, 1 if i.argmax else i.columns)
        x, exponent = self._operand(columns, groups)
        accumulated = product(weights, x, self.top[columns], exponent)  # [columns, n]
        y = numerics.result(accumulated, self.top[columns, None], i.exponent)
        if i.argmax:
            self.logits, self.best_index = y[0], int(np.argmax(y[0]))
            self.best_value = y[0, self.best_index]
            return
        for c in range(i.columns):
            at = (i.d_addr + self.registers[i.d_reg] + c * i.d_stride) * GROUP
            self._write_scratch(at, y[c])

    def _operand(self, columns: slice, groups: int) -> tuple[np.ndarray, np.ndarray]:
        """Codes and exponents of the activation buffer; groups beyond it meet zero weights."""
        x, e = self.codes[columns, :groups], self.exponents[columns, :groups]
        missing = groups - x.shape[1]
        if missing <= 0:
            return x, e
        return np.pad(x, ((0, 0), (0, missing), (0, 0))), np.pad(e, ((0, 0), (0, missing)))

    def _weights_of(self, i: Instruction, n: int, k: int) -> Weights:
        bits = 8 if i.code8 else 4
        nbytes = Shape(self.core, n, k, bits, Scale(i.scale), i.repeat).words * self.core.port_bytes
        if i.cache:
            return decoded(self.core, self._take_cache(nbytes), n, k, bits, i)
        key = self._weights, n
        raw = self._take_weights(nbytes)
        if key not in self._kept:
            self._kept[key] = decoded(self.core, raw, n, k, bits, i)
        return self._kept[key]

    # Vector

    def _vec(self, i: Instruction) -> None:
        n = self._count(i.n, i.n_dynamic) * GROUP
        a = self._operand_a(i, n)
        scalars = (
            self.scalars[i.p_index & 3, : i.columns, None],
            self.scalars[i.q_index & 3, : i.columns, None],
        )
        b = self._read(i.b_addr, i.b_reg, i.b_stride, i.columns, n) if Operand.B in (i.p, i.q) else None
        y = a
        if i.p:
            p = {
                Operand.A: a,
                Operand.B: b,
                Operand.SCALAR: scalars[0],
                Operand.CONSTANT: self.constants[i.p_index],
            }
            y = float32.multiply(y, p[Operand(i.p)])
        if i.q:
            d = self._read(i.d_addr, i.d_reg, i.d_stride, i.columns, n) if i.q == Operand.D else None
            q = {
                Operand.B: b,
                Operand.SCALAR: scalars[1],
                Operand.CONSTANT: self.constants[i.q_index],
                Operand.D: d,
            }
            y = float32.add(y, q[Operand(i.q)])
        y = numerics.function(i.function, y)
        if i.reduce:
            self._reduced(i, y)
        else:
            self._targets[Target(i.target)](self, i, y)

    def _operand_a(self, i: Instruction, n: int) -> np.ndarray:
        """[columns, n], streamed or from the scratchpad, swapped and masked."""
        if i.a_source == Source.SCRATCH:
            a = self._read(i.a_addr, i.a_reg, i.a_stride, i.columns, n)
        elif i.a_source == Source.CACHE_BF16:
            raw = self._take_cache(2 * n).view(np.uint16).astype(np.uint32) << 16
            a = float32.canonical(float32.from_bits(raw))[None]
        else:
            take = self._take_weights if i.a_source == Source.WEIGHTS else self._take_cache
            a = float32.canonical(np.ascontiguousarray(take(4 * n)).view(np.float32))[None]
        if i.swap:
            a = a.reshape(len(a), -1, 2)[..., ::-1].reshape(a.shape)
        if i.mask:
            length = self.position + 1 + (np.arange(len(a)) if i.mask == Mask.CAUSAL else 0)
            a = np.where(np.arange(n) < np.broadcast_to(length, len(a))[:, None], a, -float32.MOST)
        return a

    def _read(self, address: int, reg: int, stride: int, columns: int, n: int) -> np.ndarray:
        start = (address + self.registers[reg]) * GROUP
        at = start + np.arange(columns)[:, None] * (stride * GROUP) + np.arange(n)
        return self.scratch[at]

    def _reduced(self, i: Instruction, y: np.ndarray) -> None:
        step, value = i.after, numerics.reduce(i.reduce, y)
        if step["after_p"] != BYPASS:
            value = float32.multiply(value, self.constants[step["after_p"]])
        if step["after_q"] != BYPASS:
            value = float32.add(value, self.constants[step["after_q"]])
        self.scalars[step["scalar"], : i.columns] = numerics.function(Function(step["after_function"]), value)

    def _to_scratch(self, i: Instruction, y: np.ndarray) -> None:
        for c, row in enumerate(y):
            self._write_scratch((i.d_addr + self.registers[i.d_reg] + c * i.d_stride) * GROUP, row)

    def _write_scratch(self, at: int, row: np.ndarray) -> None:
        if at + len(row) > len(self.scratch):
            raise InputError(f"element {at + len(row)} is beyond the scratchpad's {len(self.scratch)}")
        self.scratch[at : at + len(row)] = row
        self.writes.append(Write("scratch", np.arange(at, at + len(row)), row))

    def _to_buffer(self, i: Instruction, y: np.ndarray) -> None:
        codes, exponent = numerics.quantize_groups(y)
        at = (i.d_addr + self.registers[i.d_reg]) + np.arange(codes.shape[1])
        if not i.keep:
            self.top[: i.columns] = 0
        for c in range(i.columns):
            self.codes[c, at], self.exponents[c, at] = codes[c], exponent[c]
            self.top[c] = max(self.top[c], exponent[c].max())
            self.writes.append(Write("buffer", at, np.concatenate([codes[c], exponent[c][:, None]], 1), c))

    def _to_keys(self, i: Instruction, y: np.ndarray) -> None:
        groups = y.reshape(len(y), -1, GROUP)
        exponent = np.clip(numerics.biased_exponent(groups).max(-1), numerics.KEY_LOW, numerics.KEY_HIGH)
        codes = numerics.quantize(groups, exponent[..., None])
        base = self.registers[i.d_reg]
        for c in range(i.columns):
            token = self.position + c
            self._store(*cache_layout.key_writes(self.core, base, token, codes[c], exponent[c]))

    def _to_values(self, i: Instruction, y: np.ndarray) -> None:
        scale = self.scalars[i.q_index & 3, : i.columns]
        exponent = np.clip(numerics.biased_exponent(scale), numerics.KEY_LOW, numerics.KEY_HIGH)
        codes = numerics.quantize(y, exponent[:, None])
        stride, scales = self.registers[VALUE_STRIDE], self.registers[VALUE_SCALES]
        for c in range(i.columns):
            token, base = self.position + c, self.registers[i.d_reg]
            self._store(
                *cache_layout.value_writes(self.core, base, stride, scales, token, codes[c], exponent[c])
            )

    def _store(self, address: np.ndarray, value: np.ndarray) -> None:
        self.memory[address] = value
        self.writes.append(Write("memory", address, value))

    _handlers = {
        Op.SET: _set, Op.ADD: _add, Op.STREAM: _stream, Op.FETCH: _fetch, Op.MM: _mm, Op.VEC: _vec,
    }  # fmt: skip
    _targets = {
        Target.SCRATCH: _to_scratch, Target.BUFFER: _to_buffer, Target.KEYS: _to_keys, Target.VALUES: _to_values,
    }  # fmt: skip
