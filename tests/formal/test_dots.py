"""Dot products as they are built and as they are simulated are the sums of products: for all codes and values."""

from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Assert, Assume, Module, Signal, signed
from polynomials import Polynomial, Word, modulo, netlist, product, total
from prove import Free, bounded, broken, needs_solver

from sartor.families.tensor.core import GROUP, HALF, Core
from sartor.families.tensor.rtl import dots, packed_dots
from sartor.rtl import dot

needs_solver()

CORES = {bits: Core(rows=4, columns=2, multiplier_bits=bits) for bits in (4, 8)}
EIGHT = pytest.param(8, marks=pytest.mark.slow)


def number(port: str, at: int, bits: int, negative: bool = False) -> Polynomial:
    """The number in `bits` bits of a port from bit `at`; `negative`: two's complement."""
    weights = [1 << i for i in range(bits)]
    if negative:
        weights[-1] *= -1
    return total(*((w, {frozenset({f"{port}[{at + i}]"}): 1}) for i, w in enumerate(weights)))


def sum_of_products(core: Core, half: int, codes: str = "codes", row: int = 0, column: int = 0) -> Polynomial:
    """By hand (docs/hardware.md): 4-bit codes are low nibbles, then high ones; values 0-15, then 16-31."""
    bits, lanes = core.multiplier_bits, HALF if core.multiplier_bits == 4 else GROUP
    pairs = (
        (number(codes, 8 * GROUP * bits // 8 * row + 8 * i + 4 * half, bits),
         number("values", 8 * (GROUP * column + HALF * half + i), 8, negative=True))
        for i in range(lanes)
    )  # fmt: skip
    return total(*((1, product(code, value)) for code, value in pairs))


def block(core: Core, made: Any, structural: bool) -> tuple[Polynomial, Polynomial]:
    """What the netlist says, and what it should: 16 times the high nibbles for 8-bit codes."""
    high: Polynomial = {}
    if core.multiplier_bits == 4:
        weight = total((1, {frozenset(): 1}), (15, {frozenset({"code8[0]"}): 1}))
        high = product(weight, sum_of_products(core, 1))
    want = total((1, sum_of_products(core, 0)), (1, high))
    found = netlist(made(core, structural))
    both = total((1, found.word("dot").value), (1, found.word("more").value))
    return modulo(both, dots.S_BITS), modulo(want, dots.S_BITS)


@pytest.mark.parametrize("bits", [4, EIGHT])
@pytest.mark.parametrize("structural", [True, False], ids=["carry-save", "products"])
def test_a_block_is_its_sum_of_products(bits: int, structural: bool) -> None:
    found, want = block(CORES[bits], dots.BlockDot, structural)
    assert found == want


@pytest.mark.parametrize("bits, rows", [(4, 2), (4, 4), (8, 2)])
def test_packed_rows_are_their_sums_side_by_side(bits: int, rows: int) -> None:
    core = Core(rows=rows, columns=2, multiplier_bits=bits)
    packed, field_bits = netlist(packed_dots.PackedDots(core)), packed_dots.PACK_BITS // rows
    for column in range(core.columns):
        for half in range(1 if bits == 8 else 2):
            sums = [sum_of_products(core, half, row=row, column=column) for row in range(rows)]
            limit = (1 << field_bits - 1) - 1  # one less than the field holds: a borrow has room
            assert all(Word(s, 2).within(-limit, limit) for s in sums)
            found = packed.word(f"total_{column}_{half}_0").value
            want = total(*((1 << field_bits * row, s) for row, s in enumerate(sums)))
            assert modulo(found, packed_dots.PACK_BITS) == modulo(want, packed_dots.PACK_BITS)


def fields_are_sums(function: Any, rows: int, m: Module, free: Free) -> None:
    """Sums side by side come out again, whatever they are."""
    bits = packed_dots.PACK_BITS // rows
    side_by_side = Signal(packed_dots.PACK_BITS)
    sums = [free(f"sum{row}", bits).as_signed() for row in range(rows)]
    least = -(1 << bits - 1) + 1
    m.d.comb += side_by_side.eq(sum(one << bits * row for row, one in enumerate(sums)))
    for row, one in enumerate(sums):
        found = Signal(signed(bits + 2), name=f"found{row}")
        m.d.comb += [found.eq(function(side_by_side, row, bits)), Assume(one >= least), Assert(found == one)]


@pytest.mark.parametrize("rows", [2, 4])
def test_fields_are_the_sums(rows: int, tmp_path: Path) -> None:
    assert not bounded(lambda m, free: fields_are_sums(packed_dots.field, rows, m, free), tmp_path, 1)


@pytest.mark.parametrize("old, new", [(" + total[row * bits - 1]", ""), ("[:bits].as_signed()", "[:bits]")])
def test_a_planted_bug_in_the_fields_is_refuted(old: str, new: str, tmp_path: Path) -> None:
    wrong = broken(packed_dots.field, old, new)
    assert "Assert failed" in bounded(lambda m, free: fields_are_sums(wrong, 4, m, free), tmp_path, 1)


@pytest.mark.parametrize(
    "old, new",
    [
        ("sums[1] << 4", "sums[1] << 3"),  # the high nibbles' weight
        ("codes[2 * bits * i + bits * h :]", "codes[2 * bits * i + bits * (1 - h) :]"),  # nibbles swapped
        ("for half in (values.low, values.high)", "for half in (values.high, values.low)"),
    ],
)
def test_a_planted_bug_is_another_polynomial(old: str, new: str) -> None:
    found, want = block(CORES[4], broken(dots.BlockDot, old, new), structural=False)
    assert found != want


@pytest.mark.parametrize(
    "old, new",
    [
        ("~product if (j == sign) != (i == code_sign) else product", "product"),  # the sign's weight
        ("constant = -len(codes) * (2 **", "constant = len(codes) * (2 **"),
        ("range(len(value))", "range(len(value) - 1)"),  # no sign
    ],
)
def test_a_bug_in_the_tree_is_no_sum_of_products(old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dot, "bit_products", broken(dot.bit_products, old, new))
    try:
        found, want = block(CORES[4], dots.BlockDot, structural=True)
    except ValueError as refused:
        assert "may overflow" in str(refused)
    else:
        assert found != want
