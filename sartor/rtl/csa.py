"""Carry-save trees as hardware: the adders of a plan (csa_plan.py), registers in between, and the last adder."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Instance, Module, Signal, Value, ValueLike

from .csa_plan import CARRY_DELAY, Plan, plan


def placed(m: Module, columns: Sequence[Sequence[ValueLike]], until: int | None = None) -> list[list[Value]]:
    """Place the plan's adders; the bits left, by column."""
    return drawn_as(m, columns, plan([len(c) for c in columns], until))


def drawn_as(m: Module, columns: Sequence[Sequence[ValueLike]], drawn: Plan) -> list[list[Value]]:
    """The same of any plan, as Yosys' `$fa` cells."""
    nets = dict(enumerate(Value.cast(bit) for column in columns for bit in column))
    for adder in drawn.adders:
        inputs = [*(nets[i] for i in adder.inputs), Const(0, 1)][:3]
        nets[adder.sum], nets[adder.carry] = Signal(name="s"), Signal(name="c")
        m.submodules += full_adder(*inputs, total=nets[adder.sum], carry=nets[adder.carry])
    return [[nets[b.number] for b in column] for column in drawn.columns]


def full_adder(a: Value, b: Value, c: Value, *, total: Value, carry: Value) -> Instance:
    """One full adder as the cell that the synthesis maps on the library's own."""
    return Instance("$fa", p_WIDTH=1, i_A=a, i_B=b, i_C=c, o_X=carry, o_Y=total)


def registered(m: Module, columns: Sequence[Sequence[Value]], enable: ValueLike = 1) -> list[list[Value]]:
    """The same bits one cycle later, where there is `enable`. Without reset: a pipeline is flushed, not cleared."""
    after: list[list[Value]] = [[Signal(name="r", reset_less=True) for _ in column] for column in columns]
    with m.If(enable):
        for old, new in zip(columns, after, strict=True):
            m.d.sync += [target.eq(bit) for target, bit in zip(new, old, strict=True)]
    return after


def added(columns: Sequence[Sequence[ValueLike]]) -> Value:
    """One carry-propagating adder over columns of at most two bits; single low bits pass it by."""
    low = next((i for i, column in enumerate(columns) if len(column) > 1), len(columns))
    rows = [Cat(column[i] if len(column) > i else Const(0, 1) for column in columns[low:]) for i in (0, 1)]
    passed = [column[0] if column else Const(0, 1) for column in columns[:low]]
    return Cat(*passed, (rows[0] + rows[1])[: len(columns) - low])


def two_rows(m: Module, columns: Sequence[Sequence[ValueLike]]) -> tuple[Value, Value]:
    """The sum of all bits as two numbers: the tree without the adder that propagates carries."""
    return rows_of(placed(m, columns))


def rows_of(columns: Sequence[Sequence[Value]]) -> tuple[Value, Value]:
    """Columns of at most two bits as two numbers."""
    low, high = (Cat(column[i] if len(column) > i else Const(0, 1) for column in columns) for i in (0, 1))
    return low, high


def summed(m: Module, columns: Sequence[Sequence[ValueLike]], registers: int) -> Value:
    """The sum of all bits, `registers` cycles later, modulo 2 to the number of columns.

    The registers cut the tree with its final adder into stages of equal delay; where the cut would fall
    into the final adder it stands before it, where fewest bits are left.
    """
    whole = plan([len(c) for c in columns])
    ripple = CARRY_DELAY * sum(len(c) > 1 for c in whole.columns)
    stage = (whole.depth + ripple) // (registers + 1)
    for _ in range(registers):
        cut = stage if stage < plan([len(c) for c in columns]).depth else None
        columns = registered(m, placed(m, columns, until=cut))
    return added(placed(m, columns))
