"""docs/codesign.md and the table of all formats: current, and what they say is what was measured."""

import importlib
import sys
from pathlib import Path

import pytest

from sartor.formats.hardware import decoded
from sartor.formats.parts import PARTS

ROOT = Path(__file__).parents[1]
pytest.importorskip("vl_convert", reason="needs vl-convert-python")
sys.path.insert(0, str(ROOT / "docs"))
mixed, mixed_found, mixed_search, formats_table, cloud = (
    importlib.import_module(name) for name in ("mixed", "mixed_found", "mixed_search", "formats_table", "cloud")
)
FOUND = mixed.json.loads(mixed.FOUND.read_text(encoding="utf-8"))


def test_the_page_is_current() -> None:
    page = mixed.pages(FOUND)[mixed.PAGE]
    assert mixed.PAGE.read_text(encoding="utf-8") == page, "run: python docs/mixed.py"
    assert mixed.PICTURE.exists()


@pytest.mark.parametrize(("kind", "worst"), [("plain", 0.15)])
def test_sums_over_parts_are_near_what_was_measured_together(kind: str, worst: float) -> None:
    rows = mixed.mixes(mixed.KINDS[kind])
    errors = [abs(said / kl - 1) for _, said, kl in rows if kl < 1]
    assert len(errors) >= 6 and max(errors) < worst
    assert min(kl for _, _, kl in rows) < 0.01 < 0.5 < max(kl for _, _, kl in rows)


@pytest.mark.parametrize(
    ("kind", "standing"), [("plain", ["int8-g32", "int3-g64"]), ("calibrated", ["int8-g32", "int4-g64"])]
)
def test_formats_between_the_ends_are_beaten(kind: str, standing: list[str]) -> None:
    """In dollars and in joules: all but the truest and the smallest of the list, which no mix is beyond. Measured as
    wholes, too."""
    uniform, calibrated = FOUND[kind]["uniform"], mixed.KINDS[kind]
    assert sorted(u["format"] for u in uniform) == sorted(mixed_search.names(calibrated))
    assert uniform == sorted(uniform, key=lambda u: u["kl"])
    for axis in mixed.AXES:
        for u in uniform:
            m = mixed.beaten(FOUND[kind], u, axis, calibrated)
            assert (m is None) == (u["format"] in standing), u["format"]
            if m is None:
                continue
            assert m[axis] < u[axis] and len(set(m["mix"].values())) > 1
            mine, its = (mixed.whole(mix, calibrated) for mix in (m["mix"], dict.fromkeys(PARTS, u["format"])))
            assert mine is not None and its is not None and mine < its, u["format"]


def test_a_mix_that_harms_more_than_its_sum_gives_way() -> None:
    # Values in MXINT8 beside MXFP6: 0.0610 nats as a whole, where MXFP6 has 0.0586 and the sum promised less.
    same = dict.fromkeys(PARTS, "mxfp6-e2m3")
    worse, better = ({**same, "attn_v": values, "attn_o": "int4-g32"} for values in ("mxint8", "int8-g32"))
    mixes = [{"mix": mix, "kl": 0.06, "j_per_token": 1.0 + i} for i, mix in enumerate((worse, better))]
    uniform = {"format": "mxfp6-e2m3", "kl": 0.07, "j_per_token": 3.0}
    assert mixed.whole(worse, False) > mixed.whole(same, False) > mixed.whole(better, False)
    assert mixed.beaten({"mixes": mixes}, uniform, "j_per_token", False)["mix"] == better


def test_what_weights_say_of_a_mix() -> None:
    # Calibrated where that was measured and harms less; the embedding never is.
    mix = {**dict.fromkeys(PARTS, "mxfp6-e2m3"), "attn_v": "int8-g32"}
    assert mixed_found.weights_of(mix, False) == "mxfp6-e2m3,attn_v=int8-g32,embedding=mxfp6-e2m3"
    assert mixed_found.weights_of(mix, True).startswith("mxfp6-e2m3-gptq,attn_v=int8-g32")
    assert mixed_found.weights_of(mix, True).endswith(",embedding=mxfp6-e2m3")


def test_a_row_of_the_table_by_hand() -> None:
    # A block of 32 multiply-adds with multipliers of 4 bits has 570.2 um2 of cells, its minimum's part among them; a
    # plane is a product: 3 x 49.22 fJ.
    assert formats_table.cells("int4-g32") == (pytest.approx(570.2e-6 / 32), pytest.approx(49.22e-15))
    assert formats_table.cells("bcq3-g64")[1] == pytest.approx(3 * 49.22e-15)
    assert formats_table.ours("int4-g32") and not formats_table.ours("bf16")
    row = next(r for r in formats_table.rows() if r[0] == "`int4-g32`")
    assert row[1:5] == ("4.5", "0.575", "38.46", "0.283") and row[5:7] == ("17.8", "49")


def test_speeds_that_were_not_counted_are_estimated_as_well_as_those_that_were() -> None:
    counted = {name: row["cycles"] for name, row in formats_table.speeds().items()}
    assert len(counted) >= 12
    for name, cycles in counted.items():
        assert formats_table.estimated_cycles(name) == pytest.approx(cycles, rel=0.002), name
    rows = {row[0].split("`")[1]: row[-2:] for row in formats_table.rows()}
    assert all(all(rows[name]) for name in decoded()) and rows["bf16"] == ("", "")
    assert rows["int4-g32"] == rows["q4_0"] and rows["int3-g32"][0].startswith("~2.4")


def test_every_format_that_can_be_written_is_measured() -> None:
    missing = {row[0] for row in formats_table.rows() if not (row[2] and row[3])}
    assert missing == {"`q4_k`", "`q6_k`"}, "run: python benchmarks/quality.py --write --only FORMAT"


def test_a_claim_by_hand() -> None:
    point = {"memory": "LPDDR", "weights": "bcq2-g128", "batch": 1, "context": 1024}
    points = [{**point, "factor": 8.5}, {**point, "batch": 8, "factor": 7.9}, {**point, "batch": 32, "factor": None}]
    claim = {"text": "An eighth", "factor": 8, "chip": "a100", "weights": "bf16", "cache": "bf16", "source": "press"}
    said = cloud.claim({**claim, "points": points})
    assert "8x holds at 1 of 2 points" in said
    assert "| `bcq2-g128`, LPDDR | **8.5** | 7.9 | does not fit |" in said
