"""docs/formats-silicon.md: current, and what it says of tables is what was measured."""

import importlib.util
from pathlib import Path

import pytest

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
