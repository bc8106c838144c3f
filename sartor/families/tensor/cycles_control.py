"""Cycles of the sequencer and of the memory block, as their hardware has them; the tests hold both together."""

from __future__ import annotations

from collections.abc import Callable

from .isa import Instruction, Op

DECODE = 1  # every instruction: its word is there, registers are added
ISSUE = 1  # MM and VEC: the cycle in which the unit takes the command
PRODUCT = 1  # each multiplication: unit x count of FETCH, and each count that is dynamic
STREAM_TO_REQUEST = 2  # from the cycle of STREAM to that of its first request, if the queue is idle
FETCH_TO_REQUEST = 3  # from the last cycle of FETCH
RESPONSE_TO_WORD = 2  # from a response to the word before the unit
DYNAMIC = ("dynamic", "tiles_dynamic", "folds_dynamic", "n_dynamic")


def products(instruction: Instruction) -> int:
    """Multiplications of an instruction, one after the other in one multiplier."""
    return (instruction.op == Op.FETCH) + sum(instruction.values.get(name, 0) for name in DYNAMIC)


def own_cycles(instruction: Instruction) -> int:
    """Cycles that an instruction holds the sequencer if nothing makes it wait. Those of a unit, from the
    cycle after it took the command to the one of `done`, come on top for MM and VEC.

    STREAM waits while another one waits behind a stream that runs, FETCH while 8 commands wait; FENCE until
    all stores are accepted.

    >>> from .isa import make
    >>> own_cycles(make(Op.SET, reg=1)), own_cycles(make(Op.FETCH, dynamic=1)), own_cycles(make(Op.MM))
    (1, 3, 2)
    """
    issue = ISSUE * (instruction.op in (Op.MM, Op.VEC))
    return DECODE + PRODUCT * products(instruction) + issue


def total_cycles(retired: list[Instruction], unit_cycles: Callable[[Instruction], int]) -> int:
    """Cycles of a run without waiting, from the cycle after the start to HALT's, both counted: the counter
    `cycles`. `unit_cycles`: of an MM or VEC, as cycles_matrix and cycles_vector have them."""
    units = sum(unit_cycles(i) for i in retired if i.op in (Op.MM, Op.VEC))
    return units + sum(own_cycles(i) for i in retired)
