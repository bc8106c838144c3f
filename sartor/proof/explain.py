"""The first difference between RTL and golden model, in words: instruction, tensor, index, expected, got."""

from __future__ import annotations

import numpy as np

from ..families.tensor.core import GROUP
from ..families.tensor.golden import Golden
from ..families.tensor.golden_state import State, Write
from ..families.tensor.isa import Instruction, Op
from ..families.tensor.start import Start
from ..sim.simulator import Simulator

Elements = dict[tuple[str, int], int | float]


def difference(golden: Golden, simulator: Simulator, step: int, start: Start) -> str:
    """What the `step`-th instruction of this pass wrote differently: the golden model runs again up to it."""
    expected: Elements = {}
    stored: Elements = {}
    seen: list[tuple[int, Instruction]] = []

    def keep(at: int, instruction: Instruction, state: State) -> None:
        for write in state.writes or ():
            if write.where == "memory":
                stored.update(_elements(write))
            elif len(seen) == step:
                expected.update(_elements(write))
        if instruction.op == Op.FENCE:
            if len(seen) == step:
                expected.update(stored)
            stored.clear()
        seen.append((at, instruction))

    golden.start(start, keep)
    if step >= len(seen):
        return f"the RTL retires more than the {len(seen)} instructions of the golden model"
    at, instruction = seen[step]
    positions = ", ".join(map(str, start.positions))
    where = f"pass from {start.entry} at position {positions}, instruction {at} (step {step}): {instruction}"
    dumped = simulator.dump(step)
    if dumped.pc != at:
        return f"{where}: the RTL retired instruction {dumped.pc} instead"
    got = _dumped(dumped)
    wrong = sorted(k for k in {*expected, *got} if expected.get(k) != got.get(k))
    if not wrong:
        return f"{where}: digests differ, the elements do not (an element is written more than once)"
    kind, index = wrong[0]
    return (
        f"{where}: {len(wrong)} of {len(expected)} elements differ, first {kind} {index}: "
        f"expected {expected.get(wrong[0])}, got {got.get(wrong[0])}"
    )


def _elements(write: Write) -> Elements:
    if write.where == "buffer":
        return {
            (f"activation buffer column {write.column} element", int(g) * (GROUP + 1) + j): int(v)
            for g, row in zip(write.address, write.value, strict=True)
            for j, v in enumerate(row)
        }
    kind = "scratchpad element" if write.where == "scratch" else "memory byte"
    return {(kind, int(a)): v.item() for a, v in zip(write.address, write.value, strict=True)}


def _dumped(dumped: object) -> Elements:
    """The same of the RTL's writes."""
    got: Elements = {}
    for kind, (address, value) in (
        ("scratchpad element", dumped.scratch()), ("memory byte", dumped.memory()),  # type: ignore[attr-defined]
    ):  # fmt: skip
        got |= {(kind, int(a)): v.item() for a, v in zip(address, value, strict=True)}
    columns, groups, codes, exponents = dumped.buffer()  # type: ignore[attr-defined]
    for c, g, row, e in zip(columns, groups, codes, exponents, strict=True):
        values = np.append(row.astype(np.int64), e)
        name = f"activation buffer column {int(c)} element"
        got |= {(name, int(g) * (GROUP + 1) + j): int(v) for j, v in enumerate(values)}
    return got
