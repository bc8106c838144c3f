"""Whatever is asked of it, the engine does what a scheduler does that looks at every step."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_times import Asked, PlainTimes, run
from pytest import approx
from reference import Reference

from sartor.serve.limits import Limits

numbers = st.floats(0.0, 1.0).map(lambda x: round(x, 6))
times = st.builds(
    PlainTimes, fixed=st.floats(0.3, 2.0), token=numbers, request=numbers, context=numbers.map(lambda x: x / 100)
)


@st.composite
def some_limits(draw: st.DrawFn) -> Limits:
    seqs = draw(st.integers(1, 8))
    return Limits(
        blocks=draw(st.integers(16, 60)), max_seqs=seqs, batch_tokens=seqs + draw(st.integers(0, 40)),
        block_tokens=draw(st.integers(1, 8)), ahead=draw(st.integers(0, 1)), prefix_cache=draw(st.booleans()),
    )  # fmt: skip


@st.composite
def some_traffic(draw: st.DrawFn, limits: Limits) -> list[Asked]:
    """Requests that fit in the cache, with gaps from none to long."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    count, gap = draw(st.integers(1, 25)), draw(st.sampled_from([0.0, 0.7, 5.0, 40.0]))
    most = limits.tokens
    arrivals = np.cumsum(rng.exponential(gap, count)) if gap else np.zeros(count)
    prompts = rng.integers(1, max(min(most // 2, 60), 2), count)
    outputs = [int(rng.integers(1, max(min(most - p, 50), 2))) for p in prompts]
    return list(zip(arrivals.tolist(), prompts.tolist(), outputs, strict=True))


@st.composite
def cases(draw: st.DrawFn) -> tuple[PlainTimes, Limits, list[Asked]]:
    limits = draw(some_limits())
    return draw(times), limits, draw(some_traffic(limits))


@given(cases())
@settings(max_examples=150, deadline=None)
def test_as_a_scheduler_that_looks_at_every_step(case: tuple[PlainTimes, Limits, list[Asked]]) -> None:
    how, limits, asked = case
    book, engine = run(asked, how, limits)
    slow = Reference(how, limits).run(asked)
    columns = book.columns()
    assert columns["first_s"].tolist() == approx([slow.first[i] for i in range(len(asked))], rel=1e-9)
    assert columns["last_s"].tolist() == approx([slow.last[i] for i in range(len(asked))], rel=1e-9)
    assert columns["preempted"].sum() == slow.preempted
    assert engine.step == slow.steps


@given(cases())
@settings(max_examples=60, deadline=None)
def test_nothing_is_lost_and_the_cache_is_never_too_full(case: tuple[PlainTimes, Limits, list[Asked]]) -> None:
    how, limits, asked = case
    book, engine = run(asked, how, limits, keep_s=float("inf"))
    columns = book.columns()
    assert np.isfinite(columns["last_s"]).all()
    assert all(0 <= r.used_blocks <= limits.blocks and r.running <= limits.max_seqs for r in book.kept)
    assert (engine.cache.free, len(engine.waiting), len(engine.running)) == (limits.blocks, 0, 0)
    assert (columns["first_s"] > [a for a, _, _ in asked]).all() and (columns["last_s"] >= columns["first_s"]).all()
    # Every prompt is computed once, and what was pre-empted is computed again but for what was found.
    computed, found = sum(r.prompt_tokens for r in book.kept), int(columns["cached_tokens"].sum())
    prompts = sum(p for _, p, _ in asked)
    assert computed == prompts if not columns["preempted"].any() else computed + found > prompts


@given(cases())
@settings(max_examples=60, deadline=None)
def test_first_come_first_served(case: tuple[PlainTimes, Limits, list[Asked]]) -> None:
    """Nobody gets a first token before somebody who came earlier, unless that one was thrown out."""
    how, limits, asked = case
    columns = run(asked, how, limits)[0].columns()
    stayed = columns["first_s"][columns["preempted"] == 0]
    assert (np.diff(stayed) >= 0).all()


@given(cases())
@settings(max_examples=60, deadline=None)
def test_it_works_as_long_as_there_is_work(case: tuple[PlainTimes, Limits, list[Asked]]) -> None:
    """It rests only while nobody who has come is waiting for a token."""
    how, limits, asked = case
    book, _ = run(asked, how, limits, keep_s=float("inf"))
    last = book.columns()["last_s"]
    for before, after in pairwise(book.kept):
        assert after.start_s >= before.end_s
        if after.start_s > before.end_s:
            assert all(a >= after.start_s or last[i] <= before.end_s for i, (a, _, _) in enumerate(asked))


@given(cases())
@settings(max_examples=60, deadline=None)
def test_each_second_adds_up(case: tuple[PlainTimes, Limits, list[Asked]]) -> None:
    """Sums over the seconds are sums over the runs, however long or short these are."""
    how, limits, asked = case
    book, engine = run(asked, how, limits, keep_s=float("inf"))
    seconds, runs = book.seconds(engine.end), book.kept
    assert seconds["busy"].sum() == approx(sum(r.end_s - r.start_s for r in runs))
    assert seconds["steps"].sum() == approx(engine.step)
    assert seconds["energy_j"].sum() == approx(2 * sum(r.end_s - r.start_s for r in runs))
    assert seconds["busy"].max() <= 1 + 1e-9
    for second in (0, len(seconds["busy"]) // 2):
        inside = sum(max(0.0, min(r.end_s, second + 1) - max(r.start_s, second)) for r in runs)
        assert seconds["busy"][second] == approx(inside, abs=1e-9)
