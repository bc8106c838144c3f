"""docs/codesign.md and the table of all formats: current, and what they say is what was measured."""

import importlib
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytest.importorskip("vl_convert", reason="needs vl-convert-python")
sys.path.insert(0, str(ROOT / "docs"))
mixed, formats_table, cloud = (importlib.import_module(name) for name in ("mixed", "formats_table", "cloud"))
FOUND = mixed.json.loads(mixed.FOUND.read_text(encoding="utf-8"))


def test_the_page_is_current() -> None:
    page = mixed.pages(FOUND)[mixed.PAGE]
    assert mixed.PAGE.read_text(encoding="utf-8") == page, "run: python docs/mixed.py"
    assert mixed.PICTURE.exists()


def test_sums_over_parts_are_near_what_was_measured_together() -> None:
    errors = [abs(said / kl - 1) for _, said, kl in mixed.mixes()]
    assert len(errors) >= 6 and max(errors) < 0.15
    assert min(kl for _, _, kl in mixed.mixes()) < 0.01 < 0.5 < max(kl for _, _, kl in mixed.mixes())


def test_formats_between_the_ends_are_beaten() -> None:
    """All but MXFP6, of which the page says so."""
    names = [u["format"] for u in FOUND["uniform"]]
    for axis in mixed.AXES:
        beaten = {u["format"] for u in FOUND["uniform"] if mixed.beaten(FOUND, u, axis)}
        assert beaten >= {"mxint8", "int4-g32-asym", "int4-g32", "int4-g64"} and "mxfp6-e2m3" not in beaten
        assert beaten.isdisjoint((names[0], names[-1]))
    for u in FOUND["uniform"]:
        if (m := mixed.beaten(FOUND, u, "usd_per_mtoken")) is not None:
            assert m["kl"] < u["kl"] and m["usd_per_mtoken"] < u["usd_per_mtoken"] and len(set(m["mix"].values())) > 1


def test_a_row_of_the_table_by_hand() -> None:
    # A block of 32 multiply-adds with multipliers of 4 bits has 469.2 um2 of cells; a plane is a product: 3 x 49.38 fJ.
    assert formats_table.cells("int4-g32") == (pytest.approx(469.2 / 32), pytest.approx(49.38e-15), True)
    assert formats_table.cells("bcq3-g64")[1] == pytest.approx(3 * 49.38e-15)
    assert not formats_table.cells("bf16")[2]
    row = next(r for r in formats_table.rows() if r[0] == "`int4-g32`")
    assert row[1:5] == ("4.5", "0.575", "38.46", "0.283") and row[5:7] == ("14.7", "49")


def test_a_claim_by_hand() -> None:
    point = {"memory": "LPDDR", "weights": "bcq2-g128", "batch": 1, "context": 1024}
    points = [{**point, "factor": 8.5}, {**point, "batch": 8, "factor": 7.9}, {**point, "batch": 32, "factor": None}]
    claim = {"text": "An eighth", "factor": 8, "chip": "a100", "weights": "bf16", "cache": "bf16", "source": "press"}
    said = cloud.claim({**claim, "points": points})
    assert "8x holds at 1 of 2 points" in said
    assert "| `bcq2-g128`, LPDDR | **8.5** | 7.9 | does not fit |" in said
