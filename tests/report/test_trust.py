"""The errors in a report: every record held out is there, the plots hold every point, the lead is judged."""

import math

import pytest

from sartor.report.html import menu
from sartor.report.sections import survival, trust
from sartor.report.standings import with_leads
from sartor.report.trusted import trusted
from sartor.validation.record import on_record


@pytest.fixture(scope="module")
def found():
    return trusted()


def test_every_error_that_no_figure_was_fitted_to_is_in_the_report(found):
    rows = {(kind, row["rows"], row["group"]) for kind, one in found.items() for row in one["rows"]}
    judged = {kind for kind, which, _ in on_record() if which != "fitted"}
    assert rows == {key for key, one in on_record().items() if one.rows != "fitted" or one.kind not in judged}
    assert all(one["missing"] for one in found.values())


def test_what_is_asked_most_stands_on_top_with_its_error_on_record(report, found):
    page = trust.html({**report, "trust": found})
    record = on_record()["serving", "held_out", "ttft"]
    line = page[page.index("TTFT under load") :].split("</tr>")[0]
    assert f"{record.n:,}" in line and f"{100 * record.median:.0f} %" in line and f"{100 * record.p90:.0f} %" in line
    assert page.index("TTFT under load") < page.index("<circle")
    assert len([one for kind in found.values() for one in kind["glance"]]) > 20


def test_the_points_are_those_that_the_errors_are_of(found):
    points = [p["ratio"] for p in found["gpu"]["points"] if p["group"] == "decode"]
    one = on_record()["gpu", "held_out", "decode"]
    assert len(points) == one.n
    assert max(abs(ratio - 1) for ratio in points) == pytest.approx(one.worst, abs=2e-3)


def test_the_page_plots_every_point_and_says_what_is_not_covered(report, found):
    assert trust.html(report) == "" and "#trust" not in menu(report)  # made before errors were in it
    page = trust.html({**report, "trust": found})
    assert page.count("<circle") == sum(len(one["points"]) for one in found.values())
    assert page.count("<svg") == len({(kind, p["group"]) for kind, one in found.items() for p in one["points"]})
    assert "GB200" in page and "#trust" in menu({**report, "trust": found})


@pytest.mark.parametrize(("beyond", "word"), [(True, "beyond the error"), (False, "NOT beyond the error")])
def test_whether_the_winner_is_better_beyond_the_error(report, beyond, word):
    lead = {"chip": "mine", "over": "theirs", "factor": 1.5, "error": 0.4, "beyond": beyond, "unmeasured": ["theirs"]}
    report["survival"]["lead"] = lead
    page = survival.html(report)
    assert word in page and "Never measured" in page and "1.40" in page


def row(name, usd, log=0.1, feasible=True, rental=None, line=("tensor", "")):
    prices = {"cost": 0.1, "vendor": usd, "rental": rental}
    missed = {"log": log, "measured": log < 0.3, "line": line}
    return {"name": name, "usd_per_mtoken": prices, "feasible": feasible, "missed": missed}


def test_a_comparison_says_of_each_lead_whether_it_is_beyond_the_errors():
    # 0.1 and 0.1 together: a factor of 1.15. What a buyer pays is the cheaper of price and rent.
    rows = with_leads([row("b", 1.1), row("a", 3.0, rental=1.0), row("x", 0.5, feasible=False), row("c", 1.9, 0.36)])
    leads = {r["name"]: r["lead"] for r in rows}
    assert (leads["a"]["over"], leads["a"]["beyond"]) == ("b", False)
    assert (leads["b"]["over"], leads["b"]["beyond"], leads["b"]["unmeasured"]) == ("c", True, ["c"])
    assert leads["c"] is None and leads["x"] is None


def test_what_is_wrong_with_both_alike_does_not_blur_the_lead():
    # 0.2 and 0.2 of one generation of GPUs, 0.7 of it the same: 0.155 together, a factor of 1.17; apart 1.33.
    for line, other, beyond in (("hopper", "hopper", True), ("hopper", "ada", False)):
        rows = with_leads([row("a", 1.0, 0.2, line=("gpu", line)), row("b", 1.2, 0.2, line=("gpu", other))])
        assert rows[0]["lead"]["beyond"] is beyond
    ours = with_leads([row("a", 1.0, 0.2, line=("tensor", "")), row("b", 1.2, 0.2, line=("tensor", ""))])
    assert ours[0]["lead"]["error"] == pytest.approx(math.exp(0.2 * 2**0.5) - 1)


def test_a_plot_stands_under_its_errors_and_has_a_few_ticks_with_units():
    measured = zip((0.02, 0.2, 2, 20), (1.1, 0.98, 1, 1.3), strict=True)
    points = [{"group": "decode energy", "measured": m, "ratio": r} for m, r in measured]
    page = trust.html({"trust": {"gpu": {"rows": [], "points": points, "missing": []}}})
    assert "off by 6.0 % (median), 24 % (90th percentile)" in page  # of 0, 2, 10, 30 %
    assert all(f">{tick}<" in page for tick in ("100 mJ", "1 J", "10 J")) and ">10 mJ<" not in page
    near = [{**p, "group": "area", "measured": m} for p, m in zip(points, (80, 350), strict=False)]
    page = trust.html({"trust": {"area": {"rows": [], "points": near, "missing": []}}})
    assert ">80 mm²<" in page and ">350 mm²<" in page  # no two powers of ten: both ends
