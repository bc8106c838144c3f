"""docs/formats-silicon.md: current, and what it says of tables is what was measured."""

import importlib
import itertools
import sys
from pathlib import Path

import pytest
from pytest import approx

ROOT = Path(__file__).parents[1]
pytest.importorskip("vl_convert", reason="needs vl-convert-python")
sys.path.insert(0, str(ROOT / "docs"))
crossover = importlib.import_module("crossover")


def test_a_ratio_by_hand() -> None:
    # 10 for the reads and 80 for the tables of 8 rows are 20: twice the 10 of multipliers.
    rows = {("x", "lut 2"): {"a": 10.0}, ("x", "lut tables"): {"a": 80.0}, ("x", "mac 2"): {"a": 10.0}}
    assert crossover.ratio(rows, "x", "a", 2, 8) == 2


def test_binary16_by_hand() -> None:
    # Two planes: reads of 10 each and 80 / 8 of tables are 30, half of two planes' adders of 30, all of multipliers.
    figures = {"reads": 10.0, "tables": 80.0, "plane": 30.0, "mac": 30.0}
    rows = {("x", f"half {name}"): {"a": value} for name, value in figures.items()}
    assert crossover.half_ratio(rows, "x", "a", 2, 8, "plane") == 0.5
    assert crossover.half_ratio(rows, "x", "a", 2, 8, "mac") == 1


def test_the_memory_makes_engines_alike() -> None:
    for memory in crossover.MEMORIES:
        found = [crossover.batch_ratio(memory, columns) for columns in crossover.COLUMNS]
        assert all(1 < few < many for few, many in itertools.pairwise(found))


def test_page_and_pictures_are_current() -> None:
    page = crossover.pages()[crossover.PAGE]
    assert crossover.PAGE.read_text(encoding="utf-8") == page, "run: python docs/crossover.py"
    assert all(path.exists() for path in crossover.pages())


def test_integers_cross_over_in_area_of_small_tables() -> None:
    """The page says so of up to 64 rows to a table, for all bits of weights, activations and tables: on sky130hd of two
    values, at 24 bits of three, on ASAP7 of two at 24 bits and four planes; never in energy."""
    found = crossover.measured()
    assert {library for library, _ in found} == set(crossover.NAMES)
    below = {
        (library, figure, a, mu, bits)
        for library, figure, a, mu in itertools.product(
            crossover.NAMES, crossover.FIGURES, crossover.ACTIVATIONS, crossover.WIDTHS
        )
        for bits in crossover.bits_of(found, library, a, mu)
        if crossover.ratio(found, library, figure, bits, 64, a, mu) < 1
    }
    sky130 = {("sky130", "area_um2", a, mu, bits) for a, mu in ((8, 2), (16, 2), (24, 2), (24, 3)) for bits in (1, 4)}
    assert below == sky130 | {("asap7", "area_um2", 24, 2, 4)}
    for bits, rows, a in ((1, 20, 8), (4, 6, 8), (1, 9, 24), (4, 3, 24)):
        few, enough = (crossover.ratio(found, "sky130", "area_um2", bits, n, a, 2) for n in (rows - 1, rows))
        assert enough < 1 < few


@pytest.mark.parametrize("library, figure, reads, rows", [
    ("asap7", "area_um2", 5, 6), ("asap7", "energy_j", 6, 4),
    ("sky130", "area_um2", 5, 4), ("sky130", "energy_j", 6, 9),
])  # fmt: skip
def test_there_is_one_of_binary16(library: str, figure: str, reads: int, rows: int) -> None:
    """As the page says: against adders from so many reads to a table; against multipliers by 2 rows with a plane, with
    four by so many."""
    found = crossover.measured()
    by = {(bits, shared, against): crossover.half_ratio(found, library, figure, bits, shared, against)
          for bits in (1, 4) for shared in range(1, 10) for against in ("plane", "mac")}  # fmt: skip
    assert by[1, reads, "plane"] < 1 < by[1, reads - 1, "plane"]
    assert by[1, 2, "mac"] < 1 < by[1, 1, "mac"]
    assert by[4, rows, "mac"] < 1 < by[4, rows - 1, "mac"]


def test_a_sum_of_parts_by_hand() -> None:
    # 50 less multipliers of 20, and reads of four planes, 16, and of a fifth, (16 - 4) / 3.
    rows = {("x", name): {"a": value} for name, value in (("u", 50.0), ("m", 20.0), ("lut 1", 4.0), ("lut 4", 16.0))}
    assert crossover.sum_of_parts(rows, "x", "a", "u", "m", 5) == 50


def test_parts_and_wholes_agree() -> None:
    """Of dot units by table, mapped whole in both libraries: within 5 %."""
    rows = crossover.measured()
    for library, unit, figure in itertools.product(crossover.NAMES, crossover.UNITS, crossover.FIGURES):
        whole = rows[library, f"{unit[0]} lut"][figure]
        assert whole == approx(crossover.sum_of_parts(rows, library, figure, *unit), rel=0.05)
