"""How many replicas a traffic needs, what its day looks like, and what happens when one is lost."""

from __future__ import annotations

from dataclasses import replace
from math import ceil, inf

import numpy as np
import pytest
from clusters import ROOM, kind, traffic
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_times import PlainTimes
from pytest import approx

from sartor.api import find_chip, fleet
from sartor.errors import InputError
from sartor.search.economy import Economy
from sartor.serve import sizing
from sartor.serve.day import DAY_S, at_least, day
from sartor.serve.deploy import How, deploy
from sartor.serve.fleet import WORSE, Ask, Sized, cheapest, sized, ways
from sartor.serve.fleet_day import day_of
from sartor.serve.sizing import fewest, most_per_s, share_kept
from sartor.workload.find import find_model
from sartor.workload.traffic import Pieces, Slo
from sartor.workload.workload import workload

ONE = replace(ROOM, max_seqs=1)


def steady(count: int = 400):
    """A request a second, of one token: the server of one place is busy for a second with each."""
    return traffic([(float(i), 1, 1) for i in range(count)])


def bursts(count: int = 40):
    """Two at a time, a pair a second, of four tokens."""
    return traffic([(float(i // 2), 3, 4) for i in range(count)])


def test_a_replica_bears_what_it_serves() -> None:
    # A request takes 1 s and may wait 2 s: at 1 a second none waits; beyond, the queue grows until the last of 400
    # waits 2 s: 5 % may miss, so that 380 come in 378 s.
    rate = most_per_s(kind(limits=ONE), steady(), Slo(2.0, 1.0, 95.0), 400)
    assert 1.0 <= rate <= 400 / 397 * 1.06


def test_who_is_slower_than_the_limit_bears_nothing() -> None:
    assert most_per_s(kind(PlainTimes(3.0), ONE), steady(), Slo(2.0, 1.0, 95.0), 100) == 0


def test_who_bears_all_that_is_simulated_at_once_has_a_rate() -> None:
    assert most_per_s(kind(PlainTimes(1e-3)), steady(4), Slo(2.0, 1.0, 95.0)) >= 1e6


@pytest.mark.parametrize("guess", [1, 4, 30])
def test_the_fewest_replicas_by_hand(guess: float) -> None:
    # Ten requests in two seconds, each a second of work: five replicas are just enough, from whichever guess.
    asked = traffic([(i // 5 * 1.001, 1, 1) for i in range(600)])
    found = fewest(kind(limits=ONE), asked, Slo(1.5, 1.0, 95.0), guess)
    assert found == 5
    assert share_kept(kind(limits=ONE), 4, asked, Slo(1.5, 1.0, 95.0)) < 0.95


def test_no_number_of_replicas_is_enough() -> None:
    limits = Slo(0.5, 1.0, 95.0)  # a prompt alone takes a second
    slow = kind(limits=ONE)
    slow.chip = type("Chip", (), {"name": "slow"})
    with pytest.raises(InputError, match="slow: not even"):
        fewest(slow, traffic([(0.0, 1, 1)]), limits, 1)


@given(st.floats(1.0, 50.0), st.floats(0.5, 1.0), st.integers(100, 5000))
@settings(max_examples=40, deadline=None)
def test_a_day_has_its_peak_and_its_mean(peak: float, duty: float, most: int) -> None:
    made, hour_s = day(steady(100), peak, duty, most)
    length = 24 * hour_s
    assert length == approx(min(DAY_S, most / (peak * duty)))
    assert len(made) == approx(length * peak * duty, abs=1.01)
    assert (np.diff(made.arrival_s) >= 0).all() and made.arrival_s[-1] <= length * (1 + 1e-9)
    noon = ((made.arrival_s > 11 * hour_s) & (made.arrival_s < 13 * hour_s)).sum() / (2 * hour_s)
    night = (made.arrival_s < hour_s).sum() + (made.arrival_s > 23 * hour_s).sum()
    assert noon == approx(peak, rel=0.15, abs=3 / hour_s)
    assert night / (2 * hour_s) == approx(peak * (2 * duty - 1), rel=0.2, abs=0.05 * peak + 3 / hour_s)


def test_a_day_repeats_prompts_but_not_what_they_share() -> None:
    asked = traffic([(0.0, 8, 1), (1.0, 8, 1)], pieces=Pieces(np.array([0, 1, 2]), np.array([7, 7]), 8))
    made, _ = day(asked, 1.0, 1.0, 6)
    assert made.pieces is not None
    assert made.pieces.starts.tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert made.pieces.ids.tolist() == [7, 7, 15, 15, 23, 23]


def test_a_short_trace_comes_again() -> None:
    asked = traffic([(0.0, 8, 1), (1.0, 9, 2), (4.0, 7, 3)])
    made = at_least(asked, 7)  # a round takes 4 s and the mean gap of 2 s
    assert made.arrival_s.tolist() == [0, 1, 4, 6, 7, 10, 12] and made.prompt_tokens.tolist() == [8, 9, 7, 8, 9, 7, 8]
    assert at_least(asked, 3) is asked
    known = replace(asked, priority=np.array([2, 0, 1]), batch=np.array([1.0, 2.0, 3.0]))  # a request keeps what is its
    made = at_least(known, 5)
    assert made.priority.tolist() == [2, 0, 1, 2, 0] and made.batch.tolist() == [1, 2, 3, 1, 2]


USD = st.sampled_from([0.5, 1.0, 1.7, 2.0, 9.0])
PRICED = st.tuples(st.floats(0.02, 4.0), st.floats(0.0, 0.3), st.integers(1, 8), USD)


def all_simulated(groups, ask):
    """What `sized` finds where every deployment is simulated to the end."""
    best = None
    for group in groups:
        each = [most_per_s(d, ask.traffic, ask.slo) for d in group]
        costs = [(d.usd * ceil(ask.peak_per_s / e) if e else inf, e, d) for d, e in zip(group, each, strict=True)]
        first = min(costs, key=lambda t: t[0], default=(inf, 0, None))
        if first[0] == inf:
            continue
        if best is not None and first[0] > best[0] * WORSE:
            break
        best = first if best is None else min(best, first, key=lambda t: t[0])
    return best


@given(st.lists(st.lists(PRICED, max_size=3), min_size=1, max_size=4), st.floats(0.3, 40.0))
@settings(max_examples=25, deadline=None)
def test_what_is_given_up_early_would_not_have_won(drawn, peak_per_s) -> None:
    groups = [[kind(PlainTimes(fixed, token), replace(ROOM, max_seqs=n)) for fixed, token, n, _ in g] for g in drawn]
    for group, those in zip(groups, drawn, strict=True):
        for deployed, (*_, usd) in zip(group, those, strict=True):
            deployed.usd = usd
    ask = Ask(bursts(), peak_per_s, Slo(2.0, 1.0, 90.0), Economy(), ["bf16"], ["bf16"])
    counts = (2**i for i in range(len(groups)))
    of = dict(zip(counts, groups, strict=True))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("sartor.serve.fleet._usd_per_s", lambda deployed, economy: deployed.usd)
        patched.setattr("sartor.serve.fleet.ways", lambda chip, work, ask, count: of.get(count, []))
        patched.setattr("sartor.serve.fleet.fewest", lambda *given: 1)
        expected = all_simulated(groups, ask)
        if expected is None:
            with pytest.raises(AttributeError):  # of the chip that is not there, when it is named
                sized(None, None, ask)
            return
        found = sized(None, None, ask)
    assert found.deployed is expected[2] and found.each_per_s == expected[1]


def test_one_replica_less_wins(monkeypatch) -> None:
    monkeypatch.setattr("sartor.serve.fleet._usd_per_s", lambda deployed, economy: 1.0)
    slo, slower, faster = Slo(2.0, 1.0, 90.0), kind(PlainTimes(0.21)), kind(PlainTimes(0.2))
    each = [most_per_s(d, bursts(120), slo) for d in (slower, faster)]
    assert each[0] < each[1] * 0.99
    peak_per_s = 3 * each[1] * 0.995  # three of the faster, four of the slower
    ask = Ask(bursts(120), peak_per_s, slo, Economy(), ["bf16"], ["bf16"])
    found = cheapest([slower, faster], ask, inf)
    assert found == (3.0, each[1], faster)
    assert cheapest([slower, faster], ask, 3.0) == found and cheapest([slower, faster], ask, 2.9) is None


def test_who_cannot_win_is_simulated_once(monkeypatch) -> None:
    counted: list[float] = []
    whole = sizing.share_kept
    monkeypatch.setattr(sizing, "share_kept", lambda d, *given: counted.append(d.times.fixed) or whole(d, *given))
    monkeypatch.setattr("sartor.serve.fleet._usd_per_s", lambda deployed, economy: 1.0)
    ask = Ask(bursts(120), 40.0, Slo(2.0, 1.0, 90.0), Economy(), ["bf16"], ["bf16"])
    fast, slow = kind(PlainTimes(0.1)), kind(PlainTimes(0.9))
    found = cheapest([fast, slow, slow, kind(PlainTimes(0.1))], ask, inf)
    assert found is not None and found[2] is fast
    assert counted.count(0.9) == 2 and counted.count(0.1) > 8


def test_what_has_no_fleet_says_why() -> None:
    with pytest.raises(InputError, match=r"^hailo-10h: no way to deploy it .* for llama-3\.1-70b"):
        fleet(["hailo-10h"], "llama-3.1-70b", "chat", 1.0, against=[])


def test_a_replica_serves_no_more_at_once_than_it_may() -> None:
    slo = Slo(2.0, 0.05)
    ask = Ask(steady(), 1.0, slo, Economy(), ["bf16"], ["fp8-e4m3"], batch=4)
    work = workload(find_model("llama-3.2-1b"), ask.traffic.demand(95.0), slo)
    assert [(d.how.max_seqs, d.how.batch_tokens) for d in ways(find_chip("l4"), work, ask, 1)] == [(4, 2048), (4, 512)]


@pytest.mark.parametrize(("name", "known"), [("tpu-v6e", False), ("l4", True)])
def test_joules_of_a_chip_whose_power_is_not_published_are_not_known(name: str, known: bool) -> None:
    """What it draws while it rests is missing: a day of it would beat chips of which all is known."""
    slo = Slo(2.0, 0.05)
    ask = Ask(steady(20), 1.0, slo, Economy(), ["bf16"], ["fp8-e4m3"], day_requests=20)
    work = workload(find_model("llama-3.2-1b"), ask.traffic.demand(95.0), slo)
    one = day_of(Sized(deploy(find_chip(name), work, How("bf16", "fp8-e4m3", 1)), 1, 1.0), ask)
    figures = [one[name] for name in ("mean_w", "peak_w", "energy_j", "j_per_token")]
    figures += [hour["power_w"] for hour in one["hours"]]
    assert {figure is not None for figure in figures} == {known}
    assert one["usd_per_day"]["vendor" if known else "rental"] > 0


def test_a_day_that_cannot_be() -> None:
    with pytest.raises(InputError, match=r"duty = 0\.3 must be from 0.5 to 1"):
        day(steady(), 1.0, 0.3, 100)


@pytest.mark.slow
def test_fleets_of_real_chips() -> None:
    found = fleet(["rngd"], "llama-3.1-8b", "chat", 40.0, against=["h100-sxm"], weights=["bf16", "fp8-e4m3"],
                  requests=2000, day_requests=20_000)  # fmt: skip
    rows = {row["chip"]: row for row in found["fleets"]}
    assert set(rows) == {"rngd", "h100-sxm"} and found["best_gpu"] == "h100-sxm"
    for row in rows.values():
        # As many as the rate needs, and not many more.
        assert 40 / row["each_per_s"] * 0.8 <= row["replicas"] <= 40 / row["each_per_s"] * 1.3 + 1
        hours = row["day"]["hours"]
        assert len(hours) == 24 and max(h["requests_per_s"] for h in hours) == approx(40, rel=0.25)
        assert np.mean([h["power_w"] for h in hours]) == approx(row["day"]["mean_w"], rel=0.02)
        assert row["day"]["share"] > 0.94
        lost = row["failure"]
        assert lost["share"] <= lost["share_with_spare"] and lost["share_with_spare"] > 0.94
    assert rows["rngd"]["each_per_s"] < rows["h100-sxm"]["each_per_s"]
