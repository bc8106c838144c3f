"""Who goes first, who goes out, and where what was computed goes."""

from __future__ import annotations

from dataclasses import replace

from clusters import ROOM
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_times import PlainTimes, run
from test_engine_laws import cases

from sartor.serve.book import Book
from sartor.serve.engine import Engine
from sartor.serve.limits import Limits
from sartor.serve.request import Request


def by_priority(asked, limits: Limits):
    """`asked`: arrival, prompt, output, priority."""
    book = Book(len(asked))
    engine = Engine(PlainTimes(1.0), replace(limits, policy="priority"), book)
    for i, (at, prompt, output, priority) in enumerate(asked):
        engine.advance(at)
        engine.add(Request(i, at, prompt, output, priority=priority), at)
    engine.advance(float("inf"))
    return book.columns()


def test_the_more_urgent_goes_first() -> None:
    one = replace(ROOM, max_seqs=1)
    last = by_priority([(0.0, 1, 2, 5), (0.5, 1, 2, 5), (0.6, 1, 2, 1)], one)["last_s"]
    assert last.tolist() == [2.0, 6.0, 4.0]


def test_the_least_urgent_is_thrown_out() -> None:
    # As in the engine's test, but it is the first one that may wait.
    tight = Limits(blocks=4, block_tokens=2, max_seqs=2, batch_tokens=8, ahead=0)
    columns = by_priority([(0.0, 2, 5, 7), (0.0, 2, 5, 1)], tight)
    assert columns["preempted"].tolist() == [1, 0]
    assert columns["last_s"].tolist() == [7.0, 5.0]


@given(cases(), st.lists(st.integers(0, 2), min_size=25, max_size=25))
@settings(max_examples=60, deadline=None)
def test_nobody_is_forgotten(case, priorities) -> None:
    _, limits, asked = case
    columns = by_priority([(*a, p) for a, p in zip(asked, priorities, strict=False)], limits)
    assert (columns["last_s"] >= columns["first_s"]).all()


def test_moved_to_the_host_by_hand() -> None:
    # The second one goes out before step 4 with 4 tokens in the cache and comes back when the first is done: out and in
    # again at 0.1 s each. It lacks its tokens 4 and 5: a step each.
    tight = Limits(blocks=4, block_tokens=2, max_seqs=2, batch_tokens=8, ahead=0, swap_s=0.1)
    columns = run([(0.0, 2, 5), (0.0, 2, 5)], PlainTimes(1.0), tight)[0].columns()
    assert columns["preempted"].tolist() == [0, 1]
    assert columns["last_s"].round(9).tolist() == [5.4, 7.8]


@given(cases(), st.floats(0.0, 0.01))
@settings(max_examples=60, deadline=None)
def test_what_was_moved_is_not_computed_again(case, swap_s: float) -> None:
    how, limits, asked = case
    book, engine = run(asked, how, replace(limits, swap_s=swap_s), keep_s=float("inf"))
    # A token that comes back computes itself: one a return; the rest is prompts.
    computed, returns = sum(r.prompt_tokens for r in book.kept), int(book.columns()["preempted"].sum())
    assert sum(p for _, p, _ in asked) <= computed <= sum(p for _, p, _ in asked) + returns
    assert engine.cache.free == limits.blocks
