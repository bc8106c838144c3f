"""What the sequencer does with a program, in a few lines of Python: retired instructions, resolved commands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sartor.families.tensor.core import Core
from sartor.families.tensor.isa import BATCH, COLUMN, SPAN, TOKEN, VALUE_SCALES, VALUE_STRIDE, Instruction, Op
from sartor.families.tensor.rtl import matrix_ports, memory_ports, vector_ports

MASK = 2**32 - 1


@dataclass
class Interpreter:
    core: Core
    program: list[Instruction]
    positions: list[int]  # of each column, and so on
    rows: list[int]
    caches: list[int]
    batch: int = 1
    registers: list[int] = field(default_factory=lambda: [0] * 16)
    retired: list[int] = field(default_factory=list)
    commands: dict[str, list[dict[str, int]]] = field(
        default_factory=lambda: {"stream": [], "fetch": [], "mm": [], "vec": []}
    )

    def run(self, pc: int) -> Interpreter:
        """To HALT. `loops`: first, last, how often again; the innermost last."""
        loops: list[list[int]] = []
        while True:
            i = self.program[pc]
            self.retired.append(pc)
            if i.op == Op.HALT:
                return self
            self.step(i)
            if i.op == Op.LOOP:
                loops.append([pc + 1, pc + i.length, (self.batch if i.count == BATCH else i.count) - 1])
            while loops and loops[-1][1] == pc and not loops[-1][2]:
                loops.pop()
            if loops and loops[-1][1] == pc:
                loops[-1][2] -= 1
                pc = loops[-1][0]
            else:
                pc += 1

    @property
    def column(self) -> int:
        return self.registers[COLUMN] % 16

    @property
    def position(self) -> int:
        return self.positions[self.column]

    def times(self, count: int, dynamic: int) -> int:
        granules = -(-(self.position + self.registers[SPAN]) // self.core.granule)
        return count * granules if dynamic else count

    def step(self, i: Instruction) -> None:
        if i.op in (Op.SET, Op.ADD) and i.reg:
            before = self.registers[i.reg] if i.op == Op.ADD else 0
            self.registers[i.reg] = (before + i.value) & MASK
        elif i.op == Op.STREAM:
            self.commands["stream"].append({"address": i.address, "words": i.words})
        elif i.op == Op.FETCH:
            self.commands["fetch"].append(self.fetch(i))
        elif i.op == Op.MM:
            self.commands["mm"].append(self.mm(i))
        elif i.op == Op.VEC:
            self.commands["vec"].append(self.vec(i))

    def fetch(self, i: Instruction) -> dict[str, int]:
        column = self.column if i.reg == TOKEN else i.reg - TOKEN
        base = self.rows[column] if i.reg >= TOKEN else self.registers[i.reg]
        cache = self.caches[self.column] if i.dynamic else 0
        moved = self.position << (i.position_shift - 1) if i.position_shift else cache
        run = i.unit * self.times(i.count, i.dynamic) % 2**memory_ports.RUN_BITS
        return {
            "address": (i.address + base + moved) & MASK, "run": run, "outer": i.outer,
            "stride": self.registers[i.stride_reg],
        }  # fmt: skip

    def mm(self, i: Instruction) -> dict[str, int]:
        counts = {
            "tiles": self.times(i.tiles, i.tiles_dynamic), "folds": self.times(i.folds, i.folds_dynamic),
            "d_addr": i.d_addr + self.registers[i.d_reg], "columns": self.columns(i),
        }  # fmt: skip
        return fitted(matrix_ports.command_layout(), i, counts)

    def columns(self, i: Instruction) -> int:
        return self.batch if i.columns == BATCH else i.columns

    def vec(self, i: Instruction) -> dict[str, int]:
        r = self.registers
        resolved = {
            "n": self.times(i.n, i.n_dynamic), "a_addr": i.a_addr + r[i.a_reg], "b_addr": i.b_addr + r[i.b_reg],
            "d_addr": i.d_addr + (0 if i.reduce else r[i.d_reg]), "columns": self.columns(i),
            "base": r[i.d_reg] + self.caches[self.column],
            "position": self.position, "value_stride": r[VALUE_STRIDE], "value_scales": r[VALUE_SCALES],
        }  # fmt: skip
        return fitted(vector_ports.command_layout(), i, resolved)


def fitted(layout: Any, i: Instruction, resolved: dict[str, int]) -> dict[str, int]:
    """Fields of a command: what is resolved, else the instruction's; each as wide as its field."""
    return {
        name: (resolved[name] if name in resolved else getattr(i, name)) % 2**field.width
        for name, field in layout
    }
