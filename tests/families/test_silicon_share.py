"""On record: all but the tile is less than half of a core, for every kind of weights, at the corners of the bounds; of
four corners a little more, which decision 0014 names.
"""

import csv
import sys
from pathlib import Path

import pytest
from pytest import approx

from sartor.families.tensor.core import BOUNDS, MACS_OF, most_beside
from sartor.formats.hardware import decoded
from sartor.tables import data_text

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
OVER = {("int4-g32", "2"): 0.506, ("int3-g32", "2"): 0.512, ("int2-g32", "2"): 0.507, ("int3-g32", "16"): 0.501}
SIZES = ("rows", "lanes", "columns", "vector_lanes", "port_bytes")
ROWS = list(csv.DictReader(data_text("measured/silicon_share.csv").splitlines()))


@pytest.mark.parametrize("row", ROWS, ids=[f"{r['format']} {r['rows']}x{r['lanes']}x{r['columns']}" for r in ROWS])
def test_less_than_half(row: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """By today's table of areas, which is that of the record."""
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
    import silicon_share

    size = {name: int(row[name]) for name in SIZES}
    ratios = float(row["unit_ratio"]), float(row["decoder_ratio"])
    assert silicon_share.share(size, int(row["multiplier_bits"]), *ratios) == approx(float(row["share"]), abs=2e-4)
    most = OVER.get((row["format"], row["rows"]), 0.5)
    assert most - 0.001 < float(row["share"]) < most if most > 0.5 else float(row["share"]) < 0.5


def test_the_record_is_of_the_widest_cores_and_of_all_kinds() -> None:
    for row in ROWS:
        macs, planes = int(row["rows"]) * int(row["lanes"]) * int(row["columns"]), row["format"].startswith("bcq")
        widest = {name: min(most_beside(name, macs, planes), BOUNDS[name][1]) for name in MACS_OF}
        assert {name: int(row[name]) for name in MACS_OF} == widest
    assert {int(r["rows"]) * int(r["lanes"]) * int(r["columns"]) for r in ROWS} == {1024, 2048}
    known = {(c.element, c.scale) for name, c in decoded().items() if name in {r["format"] for r in ROWS}}
    # Shared scales, minima and fewer planes need no more than these.
    assert {c.element for c in decoded().values()} == {element for element, _ in known}
