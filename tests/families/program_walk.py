"""Cycles of a program, counted instruction by instruction: no memory makes it wait."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from sartor.families.tensor import cycles_matrix, cycles_vector
from sartor.families.tensor.core import Core
from sartor.families.tensor.cycles_control import own_cycles
from sartor.families.tensor.isa import BATCH, Instruction, Op
from sartor.families.tensor.lower import Program

VEC = ("columns", "a_source", "p", "q", "function", "reduce", "target")
PARAMETERS = ("vector_lanes", "port_bytes", "rows", "lanes", "multiplier_bits", "cache_bits", "key_bits")


def retired(code: list[Instruction], first: int, last: int, batch: int = 1) -> Iterator[tuple[Instruction, int]]:
    """Instructions from `first` up to `last`, and how often each runs."""
    at = first
    while at < last:
        i = code[at]
        yield i, 1
        if i.op == Op.HALT:
            return
        at += 1
        if i.op == Op.LOOP:
            body = list(retired(code, at, at + i.length, batch))
            yield from ((each, times * (batch if i.count == BATCH else i.count)) for each, times in body)
            at += i.length


def unit_cycles(core: Core, i: Instruction, granules: int, batch: int = 1) -> int:
    """Of the matrix unit or the vector unit."""
    columns = batch if i.columns == BATCH else i.columns
    if i.op == Op.MM:
        tiles = i.tiles * (granules if i.tiles_dynamic else 1)
        folds = i.folds * (granules if i.folds_dynamic else 1)
        given = i.element, i.scale, tiles, folds, columns, i.argmax, i.share, i.planes + 1
        return int(cycles_matrix.matrix_cycles(core, *given))
    after = i.after["after_function"] if i.reduce else 0
    shape = {name: getattr(core, name) for name in PARAMETERS} | {name: getattr(i, name) for name in VEC}
    n = i.n * (granules if i.n_dynamic else 1)
    return int(cycles_vector.cycles(**{**shape, "columns": columns}, n=n, after_function=after))


def walk(core: Core, program: Program, entry: int, position: int, tokens: int, batch: int = 1) -> Counter[str]:
    """Cycles of one pass, by label of its instructions (their opcode where they have none)."""
    granules = -(-(position + tokens) // core.granule)
    found: Counter[str] = Counter()
    for i, times in retired(program.instructions, entry, len(program.instructions), batch):
        unit = unit_cycles(core, i, granules, batch) if i.op in (Op.MM, Op.VEC) else 0
        name = i.label if i.op in (Op.MM, Op.VEC) else i.op.name
        found[name] += times * (own_cycles(i) + unit)
    return found
