"""docs/codesign.md and the table of all formats: current, and what they say is what was measured."""

import importlib
import sys
from pathlib import Path

import pytest

from sartor.formats.hardware import decoded

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
    """In dollars and in joules: only the truest and the smallest of the list are not, which no mix can be beyond."""
    uniform = FOUND["uniform"]
    assert len(uniform) == 8 and uniform == sorted(uniform, key=lambda u: u["kl"])
    for axis in mixed.AXES:
        assert uniform[-1][axis] == min(u[axis] for u in uniform)
        for u in uniform:
            m = mixed.beaten(FOUND, u, axis)
            assert (m is None) == (u in (uniform[0], uniform[-1])), u["format"]
            if m is not None:
                assert m["kl"] <= 0.95 * u["kl"] and m[axis] < u[axis] and len(set(m["mix"].values())) > 1


@pytest.mark.parametrize(
    ("mix", "uniform"),
    [("mxfp6-e2m3,attn_v=int8-g32,attn_o=int4-g32,embedding=mxfp6-e2m3", "mxfp6-e2m3"),
     ("mxfp6-e2m3,attn_v=int8-g32,attn_o=int4-g32-asym,embedding=mxfp6-e2m3", "mxfp6-e2m3"),
     ("int4-g64,attn_v=mxint8,embedding=int4-g32-asym", "int4-g32-asym"),
     ("int4-g64,attn_q=int3-g32,attn_k=int3-g32,attn_v=mxfp6-e2m3,embedding=int4-g64", "int4-g32")],
)  # fmt: skip
def test_a_mix_measured_as_a_whole_harms_less_than_the_format_it_beats(mix: str, uniform: str) -> None:
    kl = {name: measured for name, _, measured in mixed.mixes()}
    assert kl[mix] < kl[f"{uniform},embedding={uniform}"]


def test_a_row_of_the_table_by_hand() -> None:
    # A block of 32 multiply-adds with multipliers of 4 bits has 469.2 um2 of cells; a plane is a product: 3 x 49.38 fJ.
    assert formats_table.cells("int4-g32") == (pytest.approx(469.2 / 32), pytest.approx(49.38e-15), True)
    assert formats_table.cells("bcq3-g64")[1] == pytest.approx(3 * 49.38e-15)
    assert not formats_table.cells("bf16")[2]
    row = next(r for r in formats_table.rows() if r[0] == "`int4-g32`")
    assert row[1:5] == ("4.5", "0.575", "38.46", "0.283") and row[5:7] == ("14.7", "49")


def test_speeds_that_were_not_counted_are_estimated_as_well_as_those_that_were() -> None:
    counted = {name: row["cycles"] for name, row in formats_table._speeds().items()}
    assert len(counted) >= 12
    for name, cycles in counted.items():
        assert formats_table.estimated_cycles(name) == pytest.approx(cycles, rel=0.001), name
    rows = {row[0].split("`")[1]: row[-2:] for row in formats_table.rows()}
    assert all(all(rows[name]) for name in decoded()) and rows["bf16"] == ("", "")
    assert rows["int4-g32"] == rows["q4_0"] and rows["int3-g32"][0].startswith("~2.4")


def test_every_format_that_can_be_written_is_measured() -> None:
    assert {row[0] for row in formats_table.rows() if not (row[2] and row[3])} == {"`q4_k`", "`q6_k`"}


def test_a_claim_by_hand() -> None:
    point = {"memory": "LPDDR", "weights": "bcq2-g128", "batch": 1, "context": 1024}
    points = [{**point, "factor": 8.5}, {**point, "batch": 8, "factor": 7.9}, {**point, "batch": 32, "factor": None}]
    claim = {"text": "An eighth", "factor": 8, "chip": "a100", "weights": "bf16", "cache": "bf16", "source": "press"}
    said = cloud.claim({**claim, "points": points})
    assert "8x holds at 1 of 2 points" in said
    assert "| `bcq2-g128`, LPDDR | **8.5** | 7.9 | does not fit |" in said
