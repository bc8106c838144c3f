"""The verdict: like with like, and the bad news first."""

from __future__ import annotations

from sartor.report.verdict import against, buyers_price, verdict, wins


def keys(report):
    return [key.removeprefix("verdict.") for key, _ in verdict(report)]


def alone(report):
    """Without the cloud, which is cheaper for this study."""
    report["headline"]["shared"] = None
    report["comparison"] = [s for s in report["comparison"] if not s["shared"]]
    return report


def test_a_plain_win(report):
    alone(report)
    assert wins(report)
    assert keys(report) == [
        "in_service", "cheaper_at_price", "cheaper_at_cost", "energy_won", "none_fits", "survives", "slack", "slower",
    ]  # fmt: skip


def test_a_cheaper_cloud_comes_first(report):
    assert keys(report)[0] == "shared_cheaper" and not wins(report)


def test_a_cheaper_gpu_comes_first(report):
    alone(report)["headline"]["cheaper_at_price"] = 0.5
    first, blanks = verdict(report)[0]
    assert first == "verdict.dearer_at_price"
    assert blanks["ratio"] == "2.00"  # half the price: twice as much


def test_less_energy_elsewhere_comes_first(report):
    alone(report)["comparison"][2]["j_per_token"] = 1e-6
    assert keys(report)[0] == "energy_lost"


def test_a_rival_that_misses_a_limit_does_not_win_on_energy(report):
    missed = next(s for s in alone(report)["comparison"] if not s["feasible"])
    missed["j_per_token"] = 1e-6
    assert "energy_won" in keys(report)


def test_a_win_that_does_not_survive_comes_first(report):
    alone(report)["headline"]["wins"] = 0.79
    assert keys(report)[0] == "fragile"
    report["headline"]["wins"] = 0.8
    assert "survives" in keys(report)


def test_what_lost_is_not_called_a_win(report):
    alone(report)["headline"] |= {"wins": 0.44, "cheaper_at_cost": 0.9}
    assert "seldom" in keys(report) and "fragile" not in keys(report) and not wins(report)


def test_an_interrupted_search_is_said(report):
    alone(report)["search"]["interrupted"] = True
    assert keys(report)[0] == "interrupted" and against(verdict(report)[0])


def test_a_buyer_takes_the_cheaper_of_buying_and_renting():
    assert buyers_price({"usd_per_mtoken": {"vendor": 2.0, "rental": 1.5}}) == (1.5, "rental")
    assert buyers_price({"usd_per_mtoken": {"vendor": None, "rental": float("nan")}}) is None


def test_a_rival_within_the_power_budget_silences_the_sentence(report):
    alone(report)["comparison"][1]["power_w"] = 1.9
    assert "none_fits" not in keys(report)
    report["comparison"][1]["power_w"] = 2.1
    (blanks,) = (b for k, b in verdict(report) if k == "verdict.none_fits")
    assert blanks["rival"] == report["comparison"][1]["name"]


def test_the_share_of_draws_that_keep_the_limits_is_said(report):
    assert dict(verdict(report))["verdict.slack"] == {"share": "51 %"}
