# amaranth: UnusedElaboratable=no
"""Dot products: the two elaborations are one function, for all inputs where that can be proven."""

import itertools

import pytest
from equivalence import prove_equal
from hypothesis import given
from hypothesis import strategies as st

from sartor.errors import InputError
from sartor.rtl.csa_plan import CARRY_DELAY, MIXED_DELAY, SUM_DELAY, Plan, levels, plan
from sartor.rtl.dot import DotProduct, total_bits

pytest.importorskip("pyosys", reason="needs Yosys: pip install pyosys")


@pytest.mark.parametrize(
    ("lanes", "code_bits", "value_bits", "registers"),
    [(1, 1, 2, 0), (1, 8, 4, 0), (2, 2, 3, 1), (3, 2, 3, 2), (5, 1, 4, 1), (7, 1, 2, 2), (2, 3, 3, 2)],
)
def test_the_tree_is_the_sum_of_products(lanes: int, code_bits: int, value_bits: int, registers: int) -> None:
    plain, tree = (
        DotProduct(
            lanes=lanes, code_bits=code_bits, value_bits=value_bits, registers=registers, structural=s
        )
        for s in (False, True)
    )  # fmt: skip
    assert "SUCCESS" in prove_equal(plain, tree, plain.latency)


def test_a_wrong_constant_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    tree = DotProduct(lanes=2, code_bits=2, value_bits=3, structural=True)
    monkeypatch.setattr(tree, "columns", lambda: [[*c, *c[:1]] for c in DotProduct.columns(tree)])
    with pytest.raises(Exception, match="proof did fail"):
        prove_equal(DotProduct(lanes=2, code_bits=2, value_bits=3), tree, tree.latency)


def test_width_by_hand() -> None:
    # 32 * 15 * -128 = -61440 needs 17 bits signed; 32 * 255 * -128 = -1044480 needs 21.
    assert (total_bits(32, 4, 8), total_bits(32, 8, 8)) == (17, 21)
    # One lane of one bit: 0 or the value itself.
    assert total_bits(1, 1, 8) == 8


@given(st.lists(st.integers(0, 40), min_size=1, max_size=12))
def test_a_plan_keeps_the_sum(heights: list[int]) -> None:
    keeps_the_sum(heights, plan(heights), 2)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=12), st.integers(2, 5))
def test_levels_keep_the_sum(heights: list[int], most: int) -> None:
    keeps_the_sum(heights, levels(heights, most), most)


def keeps_the_sum(heights: list[int], drawn: Plan, most: int) -> None:
    """Every adder turns bits of weight w into one of w and one of 2 w: the plan replayed with ones."""
    numbers = itertools.count()
    value = {next(numbers): 1 for height in heights for _ in range(height)}
    for adder in drawn.adders:
        ones = sum(value.pop(i) for i in adder.inputs)
        value[adder.sum], value[adder.carry] = ones & 1, ones >> 1
    left = sum(value.pop(b.number) << weight for weight, column in enumerate(drawn.columns) for b in column)
    total = sum(height << weight for weight, height in enumerate(heights))
    assert left % 2 ** len(heights) == total % 2 ** len(heights)
    assert all(len(column) <= most for column in drawn.columns)


def test_as_many_full_adders_as_bits_to_remove() -> None:
    # 32 lanes of 4 x 8 bits and 2 constants: 1026 bits, of which 24 are left. 1002 full adders remove one
    # each; the 6 half adders of the low columns none; carries beyond bit 16 do not occur here.
    tree = DotProduct(structural=True)
    drawn = plan([len(c) for c in tree.columns()])
    halves = sum(len(a.inputs) == 2 for a in drawn.adders)
    bits = sum(len(c) for c in drawn.columns)
    assert len(drawn.adders) - halves == 32 * 4 * 8 + 2 - bits


@pytest.mark.parametrize("wrong", [{"registers": 3}, {"registers": -1}, {"lanes": 0}, {"value_bits": 1}])
def test_sizes_out_of_range_are_named(wrong: dict[str, int]) -> None:
    ((name, value),) = wrong.items()
    with pytest.raises(InputError, match=f"dot product: .*{name} = {value}"):
        DotProduct(**wrong)  # type: ignore[arg-type]


def test_no_carry_ripples_through_levels() -> None:
    # 32 numbers of 27 bits: 28, 19, 13, 9, 6, 4, then 3 and 2 are eight adders one behind the other, of 5 units each;
    # a few meet bits that went through one adder more, which are inverted.
    whole = [32] * 27 + [1] * 4
    kept = levels(whole, 4)
    rest = levels([len(column) for column in kept.columns])
    assert kept.depth <= 6 * SUM_DELAY + 2 * MIXED_DELAY and rest.depth <= 2 * SUM_DELAY + MIXED_DELAY
    assert plan([3, *[2] * 30]).depth > 30 * CARRY_DELAY > levels([3, *[2] * 30]).depth == SUM_DELAY
