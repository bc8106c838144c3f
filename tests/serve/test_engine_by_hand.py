"""The engine on cases that one can follow with a pencil."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from plain_times import PlainTimes, run
from pytest import approx

from sartor.errors import InputError
from sartor.serve.limits import Limits

ROOM = Limits(blocks=1000, max_seqs=8, batch_tokens=64, ahead=0)


def times_of(asked, how, limits):
    columns = run(asked, how, limits)[0].columns()
    return columns["first_s"].tolist(), columns["last_s"].tolist()


def test_one_request() -> None:
    # A prompt in one step of 1 s, then three more tokens in a step each.
    assert times_of([(5.0, 10, 4)], PlainTimes(1.0), ROOM) == ([6.0], [9.0])


def test_a_long_prompt_is_cut() -> None:
    # 150 tokens in steps of at most 64: 64 + 64 + 22 tokens take 64 + 64 + 22 s, and a second each.
    assert times_of([(0.0, 150, 1)], PlainTimes(1.0, token=1.0), ROOM) == ([153.0], [153.0])


def test_who_decodes_goes_on_beside_a_prompt() -> None:
    # The second comes while the first decodes: its prompt shares a step of 1 s + 20 x 0.1 s with a token of the first.
    first, last = times_of([(0.0, 1, 4), (1.5, 20, 1)], PlainTimes(1.0, token=0.1), ROOM)
    # 0 to 1.1 s the first prompt; 1.1 to 2.1 a token; 2.1 to 5.1 a token and the second prompt; then the last.
    assert (first, last) == (approx([1.1, 5.1]), approx([6.1, 5.1]))


def test_a_step_is_put_together_while_the_one_before_runs() -> None:
    # The first prompt runs to 1 s, the step after it is put together at once; who comes at 0.5 s is in the step that
    # is put together at 1 s and runs from 2 to 3 s.
    ahead = Limits(blocks=1000, max_seqs=8, batch_tokens=64, ahead=1)
    assert times_of([(0.0, 1, 9), (0.5, 1, 1)], PlainTimes(1.0), ahead)[0] == [1.0, 3.0]
    assert times_of([(0.0, 1, 9), (0.5, 1, 1)], PlainTimes(1.0), ROOM)[0] == [1.0, 2.0]


def test_places_are_few() -> None:
    # One place: the second waits until the first is done.
    one = Limits(blocks=1000, max_seqs=1, batch_tokens=64, ahead=0)
    assert times_of([(0.0, 1, 3), (0.0, 1, 2)], PlainTimes(1.0), one) == ([1.0, 4.0], [3.0, 5.0])


def test_the_last_one_in_is_thrown_out() -> None:
    # Four blocks of 2 tokens. Both prompts take one; after two more steps each holds two blocks, and the next token
    # needs a third: the second goes, and comes back when the first is done, with what it had left in the cache.
    tight = Limits(blocks=4, block_tokens=2, max_seqs=2, batch_tokens=8, ahead=0)
    book, _ = run([(0.0, 2, 5), (0.0, 2, 5)], PlainTimes(1.0), tight)
    columns = book.columns()
    # Step 1 both prompts, steps 2 and 3 a token each: both have 4 tokens in the cache. Step 4 takes a block more: only
    # the first one goes on, to its fifth token in step 5. The second needs 5 tokens in the cache for its fourth: step
    # 6.
    assert columns["preempted"].tolist() == [0, 1]
    assert columns["last_s"].tolist() == [5.0, 7.0]


def test_single_servers_queue_as_theory_says() -> None:
    """M/D/1: the mean wait is rho s / (2 (1 - rho)). Source: Pollaczek and Khinchine."""
    rng, rho, count = np.random.default_rng(7), 0.7, 60_000
    arrivals = np.cumsum(rng.exponential(1 / rho, count))
    one = Limits(blocks=10, max_seqs=1, batch_tokens=64, ahead=0)
    columns = run([(float(t), 1, 1) for t in arrivals], PlainTimes(1.0), one)[0].columns()
    wait = (columns["first_s"] - arrivals - 1.0).mean()
    assert wait == approx(rho / (2 * (1 - rho)), rel=0.05)


def test_time_grows_with_requests_not_with_tokens() -> None:
    """A thousand tokens more cost no more runs of steps."""
    room = replace(ROOM, blocks=10**6)
    short, long = (run([(0.0, 5, n)] * 8, PlainTimes(1.0), room, 1e9)[0].kept for n in (50, 5000))
    assert len(short) == len(long)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"blocks": 0}, "blocks = 0 must be at least 1"),
        ({"batch_tokens": 4}, "batch_tokens = 4 is below max_seqs = 256"),
        ({"ahead": 2}, "ahead = 2 must be 0 or 1"),
    ],
)
def test_limits_that_cannot_be(wrong: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Limits(**{"blocks": 10, **wrong})
