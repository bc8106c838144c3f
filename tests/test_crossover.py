"""docs/formats-silicon.md: current, and what it says of tables is what was measured."""

import importlib.util
from pathlib import Path

import pytest
from pytest import approx

from sartor.tables import table

ROOT = Path(__file__).parents[1]
pytest.importorskip("vl_convert", reason="needs vl-convert-python")
_spec = importlib.util.spec_from_file_location("crossover", ROOT / "docs" / "crossover.py")
crossover = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(crossover)


def test_a_ratio_by_hand() -> None:
    # 10 for the reads and 80 for the tables of 8 rows are 20: twice the 10 of multipliers.
    rows = {("x", "lut 2"): {"a": 10.0}, ("x", "lut tables"): {"a": 80.0}, ("x", "mac 2"): {"a": 10.0}}
    assert crossover.ratio(rows, "x", "a", 2, 8) == 2


def test_page_and_picture_are_current() -> None:
    page = crossover.pages()[crossover.PAGE]
    assert crossover.PAGE.read_text(encoding="utf-8") == page, "run: python docs/crossover.py"
    assert crossover.PICTURE.exists()


def test_there_is_no_crossover() -> None:
    """The page says so of area and energy, for all bits, even of a table that is free."""
    found = crossover.measured()
    libraries = {library for library, _ in found}
    assert libraries == set(crossover.NAMES)
    for library in libraries:
        for figure in crossover.FIGURES:
            for bits in crossover.bits_of(found, library):
                assert crossover.ratio(found, library, figure, bits, 10**9) > 1


def test_the_estimate_prices_tables_as_measured() -> None:
    """macs.csv, `lut`: two planes, 8 rows to a table, against 4-bit multipliers; from a free table to four planes."""
    rows, macs = crossover.measured(), table("macs")
    for quantity, figure in (("area", "area_um2"), ("energy", "energy_j")):
        part = {name: rows["asap7", name][figure] for name in ("lut 2", "lut 4", "lut tables", "mac 4")}
        each = macs.fact("int4", quantity).value / part["mac 4"]
        found = macs.fact("lut", quantity)
        assert found.value == approx(each * (part["lut 2"] + part["lut tables"] / 8), rel=0.02)
        assert found.low == approx(each * part["lut 2"], rel=0.02)
        assert found.high == approx(each * (part["lut 4"] + part["lut tables"] / 8), rel=0.03)
