"""Random programs: every field of every instruction at random, loops three deep, also ending together."""

from __future__ import annotations

import numpy as np

from sartor.families.tensor.core import Core
from sartor.families.tensor.isa import BATCH, COLUMN, FIELDS, SPAN, TOKEN, Function, Instruction, Op, make

PLAIN = (Op.SET, Op.ADD, Op.STREAM, Op.FETCH, Op.MM, Op.VEC, Op.FENCE)
MOST_POSITION = 2**20


def instruction(rng: np.random.Generator, core: Core) -> Instruction:
    op = Op(rng.choice(PLAIN))
    values = {name: int(rng.integers(0, 2**width)) for name, width in FIELDS[op]}
    if op in (Op.SET, Op.ADD) and values["reg"] == SPAN:
        values["value"] %= 64
    if op in (Op.MM, Op.VEC) and rng.random() < 0.2:
        values["columns"] = BATCH
    if op in (Op.SET, Op.ADD) and rng.random() < 0.2:
        values["reg"] = COLUMN
    if op == Op.FETCH and values["reg"] >= TOKEN:
        values["reg"] = TOKEN + values["reg"] % core.columns
    if op == Op.VEC and values["function"] == Function.RSQRT:
        values["function"] = Function.NONE  # it is a reduced number's only
    return make(op, **values)


def body(rng: np.random.Generator, core: Core, depth: int = 0) -> list[Instruction]:
    """Instructions with loops in them; the last one may be the end of several loops."""
    parts: list[Instruction] = []
    for _ in range(rng.integers(1, 5)):
        if depth < 3 and rng.random() < 0.4:
            inner = body(rng, core, depth + 1)
            parts += [make(Op.LOOP, count=int(rng.integers(BATCH, 4)), length=len(inner)), *inner]
        else:
            parts.append(instruction(rng, core))
    return parts


def program(rng: np.random.Generator, core: Core) -> list[Instruction]:
    return [*body(rng, core), *body(rng, core), make(Op.HALT)]
