"""Numbers by table: every code of every table, and no gate where a table says nothing."""

import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from amaranth.sim import Simulator, SimulatorContext
from hypothesis import given
from hypothesis import strategies as st

from sartor.rtl.look_up import look_up


def looked_up(numbers: list[int], width: int) -> list[int]:
    """Of each code."""
    m, code, out = Module(), Signal((len(numbers) - 1).bit_length()), Signal(width)
    m.d.comb += out.eq(look_up(numbers, code, width))
    simulator, found = Simulator(m), []

    async def every_code(context: SimulatorContext) -> None:
        for i in range(len(numbers)):
            context.set(code, i)
            await context.delay(1e-9)
            found.append(context.get(out))

    simulator.add_testbench(every_code)
    simulator.run()
    return found


@given(st.integers(1, 5).flatmap(lambda bits: st.lists(st.integers(-32, 31), min_size=1 << bits, max_size=1 << bits)))
def test_any_table(numbers: list[int]) -> None:
    assert looked_up(numbers, 6) == [n & 63 for n in numbers]


def test_what_is_constant_has_no_gate() -> None:
    # 1 or -1: the lowest bit is 1, the others are the inverted code; and a table of one number.
    assert repr(look_up([3, 3], Signal(1), 2)) == "(cat (const 1'd1) (const 1'd1))"
    assert "(m " not in repr(look_up([-1, 1], Signal(1), 5))


def test_a_table_has_a_number_for_every_code() -> None:
    with pytest.raises(AssertionError, match="3 numbers of 2 bits"):
        look_up(np.array([1, 2, 3]), Signal(2), 4)
