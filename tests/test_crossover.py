"""docs/formats-silicon.md: current, and what it says of tables is what was measured."""

import importlib
import itertools
import sys
from pathlib import Path

import pytest
from pytest import approx

from sartor.tables import table

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


def test_there_is_no_crossover_of_integers() -> None:
    """The page says so of area and energy, for all bits of weights, of 8-bit activations, even of a table that is
    free."""
    found = crossover.measured()
    assert {library for library, _ in found} == set(crossover.NAMES)
    for library in crossover.NAMES:
        for figure in crossover.FIGURES:
            for bits in crossover.BITS:
                assert crossover.ratio(found, library, figure, bits, crossover.FREE) > 1
            for activations, mu in itertools.product(crossover.ACTIVATIONS, crossover.WIDTHS):
                for bits in crossover.bits_of(found, library, activations, mu):
                    assert crossover.ratio(found, library, figure, bits, crossover.FREE, activations, mu) > 1


def test_there_is_one_of_binary16() -> None:
    """As the page says: from 5 or 6 reads to a table against adders; against multipliers by 2 rows with a plane, with
    four by 6, in energy by 4."""
    found = crossover.measured()
    (library,) = crossover.libraries(found, "half tables")[:1]
    for figure, reads, rows in (("area_um2", 5, 6), ("energy_j", 6, 4)):
        by = {(bits, shared, against): crossover.half_ratio(found, library, figure, bits, shared, against)
              for bits in (1, 4) for shared in range(1, 9) for against in ("plane", "mac")}  # fmt: skip
        assert by[1, reads, "plane"] < 1 < by[1, reads - 1, "plane"]
        assert by[1, 2, "mac"] < 1 < by[1, 1, "mac"]
        assert by[4, rows, "mac"] < 1 < by[4, rows - 1, "mac"]


def test_the_estimate_prices_tables_as_measured() -> None:
    """lut.csv: a unit of a chip with tables is one with multipliers, those taken out and reads of planes put in."""
    rows, lut = crossover.measured(), table("lut")
    scale = {"area_um2": 1e-6, "energy_j": 1 / 32}
    for item, unit, mac, planes in (("int4", "unit int4", "mac 4", 4), ("fp4", "unit mxfp4", "mac 5 signed", 5),
                                    ("int8", "unit int8", "mac 8", 8)):  # fmt: skip
        for quantity, figure in (("area", "area_um2"), ("energy", "energy_j")):
            part = {name: rows["asap7", name][figure] for name in (unit, mac, "lut 1", "lut 4")}
            reads = part["lut 4"] + (planes - 4) * (part["lut 4"] - part["lut 1"]) / 3
            assert lut.fact(item, quantity).value == approx((part[unit] - part[mac] + reads) * scale[figure], rel=0.1)
            tables = rows["asap7", "lut tables"][figure] * scale[figure]
            assert lut.fact("tables", quantity).value == approx(tables, rel=0.1)
