"""The winner under every assumption's range."""

import numpy as np
import pytest

from sartor.search.uncertainty import lead, survival, swings, used_facts
from sartor.tables import table


def always(tech):
    return True


def price_of(*names):
    def price(tech):
        return sum(tech.fact("overheads", "area", name) for name in names)

    return price


def test_used_facts_are_those_asked_for():
    assert used_facts(price_of("logic_factor", "other_fraction")) == {
        "overheads.area.logic_factor", "overheads.area.other_fraction",
    }  # fmt: skip


def test_swings_by_hand():
    fact = table("overheads").fact("area", "logic_factor")
    (row,) = swings(price_of("logic_factor"), 5)
    assert row["fact"] == fact.name
    assert (row["low"], row["high"]) == pytest.approx((fact.low / fact.value - 1, fact.high / fact.value - 1))


def test_shares_sum_to_one_and_a_dominated_candidate_never_wins():
    cheap, dear = price_of("logic_factor"), price_of("logic_factor", "sram_factor")
    found = survival({"cheap": cheap, "dear": dear}, "cheap", always, seed=1)
    assert found.wins == {"cheap": 1.0, "dear": 0.0}
    fact = table("overheads").fact("area", "logic_factor")
    low, mid, high = found.band["cheap"]
    assert fact.low < low < mid < high < fact.high
    assert mid == pytest.approx(fact.value, rel=0.02)


def test_a_candidate_without_a_price_is_left_out():
    found = survival(
        {"known": price_of("logic_factor"), "unknown": lambda tech: np.nan}, "known", always, seed=1
    )
    assert list(found.wins) == ["known"]


def test_the_same_seed_gives_the_same_draws():
    a, b = (survival({"x": price_of("logic_factor")}, "x", always, seed=3).band for _ in range(2))
    assert a == b != survival({"x": price_of("logic_factor")}, "x", always, seed=4).band


def test_limits_are_kept_in_the_share_of_draws_that_keep_them():
    # The fact's value is the median of its draws: half of them are below it.
    value = table("overheads").fact("area", "logic_factor").value
    price = price_of("logic_factor")
    found = survival({"x": price}, "x", lambda tech: price(tech) <= value, seed=1)
    assert found.keeps == pytest.approx(0.5, abs=0.06)


def test_a_lead_must_exceed_both_errors_together():
    # 30 % and 40 %, as logarithms, are 50 % together: a factor of 1.65.
    errors = {"a": 0.3, "b": 0.4, "c": 0.0}
    near = lead({"a": 1.0, "b": 1.6, "c": 9.0}, errors)
    assert (near.chip, near.over, near.factor) == ("a", "b", 1.6) and not near.beyond
    assert near.error == pytest.approx(np.exp(0.5) - 1)
    assert lead({"a": 1.0, "b": 1.7}, errors).beyond
    assert lead({"a": 1.0, "b": np.nan}, errors) is None


def test_what_two_estimates_share_does_not_change_who_wins():
    prices = {"cheap": lambda tech: 1.0, "dear": lambda tech: 1.2}
    errors = {"cheap": 0.3, "dear": 0.3}
    likeness = (lambda a, b: 0.0, lambda a, b: 0.9, lambda a, b: 1.0)
    wins = [survival(prices, "cheap", always, 1, errors=errors, alike=one).wins["cheap"] for one in likeness]
    assert wins[0] < wins[1] < wins[2] == 1.0
    # All the same: both bands are as wide as before, and the cheaper stays so.
    assert lead({"a": 1.0, "b": 1.1}, {"a": 0.3, "b": 0.3}, lambda a, b: 1.0).beyond


def test_the_error_of_an_estimate_widens_its_band_and_lets_the_next_win():
    prices = {"cheap": lambda tech: 1.0, "dear": lambda tech: 1.2}
    sure = survival(prices, "cheap", always, seed=1)
    assert sure.wins == {"cheap": 1.0, "dear": 0.0}
    # Four in five within a factor of exp(0.2): the 10 and 90 % quantiles of one, and a tie is not far.
    found = survival(prices, "cheap", always, seed=1, errors={"cheap": 0.2, "dear": 0.2})
    assert found.band["cheap"] == pytest.approx((np.exp(-0.2), 1.0, np.exp(0.2)), rel=0.08)  # 400 draws
    assert 0.7 < found.wins["cheap"] < 0.9
