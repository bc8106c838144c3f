"""What the page says of claims, and of bits and speed."""

import re

import pytest

from sartor.report.html import page
from sartor.report.proportionality import points
from sartor.report.sections import claims, proportionality


def point(weights, batch, context, factor, chips=1):
    return {"memory": "LPDDR", "weights": weights, "batch": batch, "context": context, "factor": factor, "chips": chips}


CLAIM = {
    "text": "an eighth", "text_ko": "", "quantity": "bytes", "factor": 8.0, "chip": "a100", "weights": "bf16",
    "cache": "bf16", "source": "a press <release>",
    "points": [point("bcq2-g128", 1, 1024, 9.5), point("bcq2-g128", 1, 8192, 8.0), point("bcq2-g128", 8, 1024, 7.9, 2),
               point("bcq2-g128", 8, 8192, None)],
}  # fmt: skip


def words(html):
    return re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", html))


def test_where_a_claim_holds():
    said = words(claims._claim(CLAIM))
    assert "8.00× holds at 2 of 3 points: at most 9.50× (bcq2-g128, LPDDR, 1 × 1,024)" in said
    assert "It fails only at 8 × 1,024 (bcq2-g128 + LPDDR)." in said
    assert "7.9× / 2" in said and "does not fit" in said and "a press &lt;release&gt;" in said
    fails = {**CLAIM, "points": CLAIM["points"][2:]}
    assert "8.00× holds at none of 1 points" in words(claims._claim(fails))
    holds = {**CLAIM, "points": CLAIM["points"][:2]}
    assert "It holds at all 2 points: at least 8.00×" in words(claims._claim(holds))
    assert "Nothing could be compared" in words(claims._claim({**CLAIM, "points": CLAIM["points"][3:]}))


def test_where_a_claim_fails_between_points_that_hold():
    """A longer cache may hold where a shorter one does not."""
    points = [point("w", 128, 1024, 5.8), point("w", 128, 8192, 12.0), point("w", 1, 1024, 24.0)]
    assert "It fails only at 128 × 1,024 (w + LPDDR)." in words(claims._claim({**CLAIM, "points": points}))
    rare = [point("w", b, 1024, 9.0 if b == 8 else 1.0) for b in (1, 8, 32)]
    assert "It holds only at 8 × 1,024 (w + LPDDR)." in words(claims._claim({**CLAIM, "points": rare}))
    many = [point("w", b, c, 9.0 if c > 1024 else 1.0) for b in range(10) for c in (1024, 8192)]
    assert " only at " not in words(claims._claim({**CLAIM, "points": many}))


def test_the_section_is_there_for_studies_with_variants(report):
    assert 'id="claims"' not in page(report)
    variant = {"memory": "HBM", "weights": "int4-g128", "bits": 4.125, "kept": False}
    study = {**report["study"], "variants": {"profile": "chat", "ttft": 10.0, "tpot": 0.1}}
    said = page({**report, "study": study, "variants": [variant], "claims": [CLAIM]})
    assert 'id="claims"' in said and "no design keeps the limits" in said and "TTFT within 10.0 s" in said


def test_a_gpu_gains_less_than_its_bits_by_hand():
    # 6.544 ms in BF16 over 4.759 ms and 3.369 ms at batch 1; 6.988 over 6.287 at batch 8; 8.646 over 33.58 at 64.
    found = {(p["name"], p["batch"]): p for p in points() if p["who"] == "H100"}
    speedups = [found[key]["speedup"] for key in (("fp8", 1), ("int4", 1), ("int4", 8), ("int4", 64))]
    assert speedups == pytest.approx([1.375, 1.942, 1.111, 0.257], abs=0.002)
    assert found["fp8", 1]["promised"] == 2 and found["int4", 1]["promised"] == pytest.approx(3.88, abs=0.01)


def test_the_plot_has_every_series_in_both_languages(report):
    said = proportionality.html(report)
    assert said.count("<svg") == 2 and "H100, batch 64" in said and "H100, 배치 64" in said
    assert "of what the bits promise (int4, batch 64)" in words(said)
    assert ">Formulas, batch 16<" in said and ">RTL, 배치 4<" in said and "…" not in said


def test_more_requests_gain_less_of_the_bits():
    # Counted at 1 and 4, by the formulas at 4 and 16, with more in the caches: these do not shrink.
    share = {(p["who"], p["batch"], p["name"]): p["speedup"] / p["promised"] for p in points()}
    for name in ("int4-g128", "bcq2-g128"):
        assert share["RTL", 1, name] > share["RTL", 4, name] > share["formulas", 4, name]
        assert share["formulas", 4, name] > share["formulas", 16, name] > 0.5
