"""The winner under every assumption's range."""

import numpy as np
import pytest

from sartor.search.uncertainty import survival, swings, used_facts
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
