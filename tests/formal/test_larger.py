"""The larger of two numbers, from the highest bit down, is the larger one: for all of the length that marks have."""

from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Assert, Module, Mux, Value
from prove import Free, bounded, broken, needs_solver

from sartor.rtl.larger import larger, largest

needs_solver()

BITS = 12


def is_larger(function: Any, m: Module, free: Free) -> None:
    a, b = free("a", BITS), free("b", BITS)
    m.d.comb += Assert(function(m, a, b) == Mux(a > b, a, b))


def is_largest(function: Any, m: Module, free: Free) -> None:
    """An odd number of them: one waits for the others. It is one of them, and none is larger."""
    numbers = [free(f"x{i}", 4) for i in range(5)]
    found: Value = function(m, list(numbers))
    m.d.comb += [Assert(x <= found) for x in numbers]
    equal = [x == found for x in numbers]
    m.d.comb += Assert(equal[0] | equal[1] | equal[2] | equal[3] | equal[4])


def test_the_larger_of_any_two(tmp_path: Path) -> None:
    assert not bounded(lambda m, free: is_larger(larger, m, free), tmp_path, 1)


def test_the_largest_of_five(tmp_path: Path) -> None:
    assert not bounded(lambda m, free: is_largest(largest, m, free), tmp_path, 1)


@pytest.mark.parametrize(
    "old, new",
    [
        ("b[i] & ~a_was)\n        m.d.comb += [a_is", "b[i])\n        m.d.comb += [a_is"),  # bits of the smaller one
        ("a_was | a[i] & ~b[i] & ~b_was", "a_was | a[i] & ~b[i]"),  # it was known to be the other one
        ("reversed(range(len(a)))", "range(len(a))"),  # the lowest bit decides
    ],
)
def test_a_planted_bug_is_refuted(old: str, new: str, tmp_path: Path) -> None:
    wrong = broken(larger, old, new)
    assert "Assert failed" in bounded(lambda m, free: is_larger(wrong, m, free), tmp_path, 1)
