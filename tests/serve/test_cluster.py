"""Requests through several replicas: routed, handed on, lost and started again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from clusters import ROOM, pool, served, traffic
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_times import Asked, PlainTimes
from pytest import approx

from sartor.errors import InputError, UnknownName
from sartor.serve.cluster import Running
from sartor.serve.spec import Cluster, Faults, Scaling, Transfer

TIGHT = replace(ROOM, blocks=40, block_tokens=4, max_seqs=4, batch_tokens=24, ahead=1)


def some(seed: int, count: int, gap: float) -> list[Asked]:
    rng = np.random.default_rng(seed)
    arrivals = np.cumsum(rng.exponential(gap, count))
    prompts, outputs = (rng.integers(1, most, count).tolist() for most in (60, 40))
    return list(zip(arrivals.tolist(), prompts, outputs, strict=True))


@given(st.integers(0, 10**6), st.integers(1, 4), st.sampled_from([0.5, 3.0, 20.0]), st.integers(0, 1))
@settings(max_examples=60, deadline=None)
def test_watching_engines_changes_nothing(seed: int, replicas: int, gap: float, ahead: int) -> None:
    """Round robin needs no watching; with it, step by step or not, every token comes at the same time."""
    asked, limits = some(seed, 30, gap), replace(TIGHT, ahead=ahead)
    times = PlainTimes(1.0, token=0.013, request=0.07, context=0.0011)
    cluster = Cluster((pool(replicas, times=times, limits=limits),))
    blind, watched = served(cluster, asked), _watched(cluster, asked)
    for name in ("first_s", "last_s"):
        assert getattr(blind.answers, name).tolist() == approx(getattr(watched.answers, name).tolist(), rel=1e-9)


def _watched(cluster: Cluster, asked: list[Asked]):
    """As if somebody had to know at all times how much each engine has to do."""
    made = Running.__init__

    def init(self, *args, **how):
        made(self, *args, **how)
        self._watched = True

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Running, "__init__", init)
        return served(cluster, asked)


def test_replicas_take_turns() -> None:
    # Prompt and two more tokens, alone on an engine: 3 s each, whoever else is there.
    answers = served(Cluster((pool(2),)), [(0.0, 1, 3), (0.0, 1, 3)]).answers
    assert answers.last_s.tolist() == [3.0, 3.0]


def test_the_least_loaded_takes_it() -> None:
    # A long request on the first, a short one on the second; the third finds the second free at 3 s, round robin would
    # send it to the first.
    asked = [(0.0, 1, 20), (0.1, 1, 2), (3.0, 1, 1)]
    done = served(Cluster((pool(2),), "least-loaded"), asked)
    assert done.book.columns()["engine"].tolist() == [0, 1, 1]


def test_who_computes_a_prompt_is_not_free() -> None:
    # The first request's only token comes at 1 s; at 0.5 s its engine is busy, whatever its scheduler has already
    # planned.
    done = served(Cluster((pool(2),), "least-loaded"), [(0.0, 1, 1), (0.5, 1, 1), (0.6, 1, 1), (0.7, 1, 1)])
    assert done.book.columns()["engine"].tolist() == [0, 1, 0, 1]


def test_a_stage_is_a_stream_of_batches() -> None:
    # Two stages: two engines, each of which sees the whole pass.
    done = served(Cluster((pool(1, stages=2),)), [(0.0, 1, 3), (0.0, 1, 3)])
    assert done.book.columns()["engine"].tolist() == [0, 1]


def test_a_cache_is_handed_on_by_hand() -> None:
    # Prompt of 50 tokens: 1 s on the first pool. Its cache, 50 bytes at 10 bytes a second and 0.5 s, arrives at 6.5 s;
    # two more tokens there take 2 s.
    cluster = Cluster((pool(1, "prefill"), pool(1, "decode")), transfer=Transfer(10.0, 0.5))
    answers = served(cluster, [(0.0, 50, 3)]).answers
    assert (answers.first_s[0], answers.last_s[0]) == (1.0, 8.5)


def test_caches_leave_one_after_the_other() -> None:
    # Both prompts are done at 1 s; 20 bytes each: the second leaves when the first has left.
    cluster = Cluster((pool(1, "prefill"), pool(1, "decode")), transfer=Transfer(10.0, 0.0))
    answers = served(cluster, [(0.0, 20, 2), (0.0, 20, 2)]).answers
    assert answers.last_s.tolist() == [4.0, 6.0]


def test_a_single_token_is_not_handed_on() -> None:
    cluster = Cluster((pool(1, "prefill"), pool(1, "decode")), transfer=Transfer(1e-9, 0.0))
    assert served(cluster, [(0.0, 50, 1)]).answers.last_s.tolist() == [1.0]


@given(st.integers(0, 10**6), st.sampled_from([1.0, 8.0]))
@settings(max_examples=40, deadline=None)
def test_nothing_is_lost_between_the_pools(seed: int, gap: float) -> None:
    pools = (pool(2, "prefill", limits=TIGHT), pool(2, "decode", limits=TIGHT))
    cluster = Cluster(pools, "least-loaded", None, Transfer(100.0, 0.1))
    asked = some(seed, 30, gap)
    answers = served(cluster, asked).answers
    assert answers.finished.all() and (answers.ttft_s > 0).all()
    assert (answers.last_s >= answers.first_s).all()
    plain = sum(output - 1 for _, _, output in asked)
    assert (answers.last_s - answers.first_s).sum() >= plain * 0.999  # a token more takes a second at least


@given(st.integers(0, 10**6), st.sampled_from(["round-robin", "least-loaded", "random"]))
@settings(max_examples=60, deadline=None)
def test_failures_lose_nobody(seed: int, routing: str) -> None:
    faults = Faults(chip_mtbf_s=40.0, host_mtbf_s=90.0, chips_per_host=2, repair_s=15.0, detect_s=0.5)
    cluster = Cluster((pool(3, limits=TIGHT),), routing, faults=faults)  # type: ignore[arg-type]
    asked = some(seed, 30, 3.0)
    done, again = served(cluster, asked, seed=seed), served(cluster, asked, seed=seed)
    assert done.answers.finished.all() and (done.answers.ttft_s > 0).all()
    assert (done.answers.last_s >= done.answers.first_s).all()
    assert done.answers.last_s.tolist() == again.answers.last_s.tolist()  # the same seed, the same failures
    assert done.counts.events == again.counts.events


def test_a_failure_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    # Ten tokens, one a second. The chip fails at 4.5 s: four tokens are out. After 1 s, the other replica computes
    # prompt and four tokens in a step of 1 s, which gives the fifth, and five more: 5.5 + 1 + 5 s.
    draws = iter([4.5, 1e9, 1e9, 1e9])
    monkeypatch.setattr("sartor.serve.faults.Failures._rng", lambda *_: _Draws(draws))
    cluster = Cluster((pool(2),), faults=Faults(chip_mtbf_s=1.0, repair_s=1e6, detect_s=1.0))
    done = served(cluster, [(0.0, 5, 10)])
    assert done.answers.first_s.tolist() == [1.0]
    assert done.answers.last_s.tolist() == [11.5]
    assert done.counts.restarted == 1 and done.counts.events == [(4.5, "chip failed")]


class _Draws:
    def __init__(self, draws) -> None:
        self._draws = draws

    def exponential(self, mean: float) -> float:
        return next(self._draws)


def test_all_replicas_down_means_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    # The only one fails at 0.5 s and is back at 10.5 s; the prompt starts again then.
    monkeypatch.setattr("sartor.serve.faults.Failures._rng", lambda *_: _Draws(iter([0.5, 1e9])))
    cluster = Cluster((pool(1),), faults=Faults(chip_mtbf_s=1.0, repair_s=10.0, detect_s=0.1))
    assert served(cluster, [(0.0, 5, 2)]).answers.first_s.tolist() == [11.5]


def test_a_pool_grows_and_shrinks() -> None:
    # 40 requests at once, of 100 tokens: a target of 4 wants 10 replicas, 6 are allowed.
    scaling = Scaling(1, 6, target=4.0, period_s=5.0, boot_s=10.0, calm_s=20.0)
    asked = [(0.0, 1, 100)] * 40 + [(2000.0, 1, 1)]
    done = served(Cluster((pool(1, scaling=scaling),), "least-loaded"), asked)
    what = [event for _, event in done.counts.events]
    assert done.answers.finished.all()
    assert what.count("replica added") == 5 and what.count("replica removed") == 5
    assert done.counts.events[0] == (15.0, "replica added")  # seen at 5 s, there at 15 s
    assert 2000 < done.paid_s[0] < 6 * 2001  # those that were removed are not paid any longer


def test_who_finds_too_many_waiting_is_turned_away() -> None:
    one = replace(ROOM, max_seqs=1)
    done = served(Cluster((pool(1, limits=one),), most_waiting=2), [(0.0, 1, 50)] + [(1.5, 1, 1)] * 5)
    assert done.counts.turned_away == 3 and done.answers.finished.sum() == 3


def test_a_request_longer_than_the_cache_is_rejected() -> None:
    small = replace(ROOM, blocks=2, block_tokens=4)
    done = served(Cluster((pool(1, limits=small),)), [(0.0, 5, 3), (0.0, 5, 4)])
    assert done.counts.too_long == 1 and done.answers.finished.tolist() == [True, False]


def test_found_prompts_need_not_be_computed() -> None:
    # Half of 41 tokens is found on average: 20 of them; 21 seconds are left, and one.
    times = PlainTimes(1.0, token=1.0)
    done = served(Cluster((pool(1, times=times),)), traffic([(0.0, 41, 1)], prefix_hit=0.5))
    assert done.answers.first_s.tolist() == [22.0]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Cluster((pool(1, "decode"),)), "role both or prefill"),
        (lambda: Cluster((pool(1, "prefill"),)), "needs a pool of role decode"),
        (lambda: Cluster((pool(1),), "nearest"), "unknown routing 'nearest'"),  # type: ignore[arg-type]
        (lambda: pool(0), "replicas = 0 must be at least 1"),
        (lambda: pool(1, "both sides"), "unknown role"),
        (lambda: Faults(chip_mtbf_s=0.0), "chip_mtbf_s = 0.0 must be above 0"),
        (lambda: Scaling(3, 2, 1.0), "most = 2 must be at least 3"),
        (lambda: Scaling(1, 2, 0.0), "target = 0.0 must be above 0"),
    ],
)
def test_clusters_that_cannot_be(make, said: str) -> None:
    with pytest.raises((InputError, UnknownName), match=said):
        make()
