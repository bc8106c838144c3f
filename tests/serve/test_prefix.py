"""Prompts that begin alike share their cache."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from clusters import ROOM, pool, served, traffic
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_times import PlainTimes

from sartor.serve.prefix import PrefixCache
from sartor.serve.request import Request
from sartor.serve.spec import Cluster
from sartor.workload.traffic import Pieces

PIECES = replace(ROOM, block_tokens=4, piece_tokens=8)
BY_TOKEN = PlainTimes(1e-9, token=1.0)


def sharing(*hashes: list[int]) -> Pieces:
    starts = np.cumsum([0, *map(len, hashes)])
    return Pieces(starts, np.array([h for some in hashes for h in some]), 8)


def first(asked, pieces, limits=PIECES):
    done = served(Cluster((pool(1, times=BY_TOKEN, limits=limits),)), traffic(asked, pieces=pieces))
    return done.answers.first_s.round(6).tolist(), done.book.columns()["cached_tokens"].tolist()


def test_an_equal_beginning_is_computed_once() -> None:
    # 20 tokens: two pieces of 8 and a rest of 4. The second prompt has the same two pieces: it computes 4 tokens.
    at, cached = first([(0.0, 20, 1), (100.0, 20, 1)], sharing([1, 2, 3], [1, 2, 4]))
    assert (at, cached) == ([20.0, 104.0], [0, 16])


def test_a_piece_counts_only_after_an_equal_beginning() -> None:
    at, cached = first([(0.0, 20, 1), (100.0, 20, 1)], sharing([1, 2, 3], [9, 2, 4]))
    assert (at, cached) == ([20.0, 120.0], [0, 0])


def test_the_last_token_is_always_computed() -> None:
    # The whole prompt of 16 tokens is there; the last block of 4 is computed again.
    at, cached = first([(0.0, 16, 1), (100.0, 16, 1)], sharing([1, 2], [1, 2]))
    assert (at, cached) == ([16.0, 104.0], [0, 12])


def test_what_is_in_use_is_shared_at_once() -> None:
    # The first prompt is computed at 20 s and goes on; the second comes while it is in use: room for one prompt and a
    # little is enough for both.
    tight = replace(PIECES, blocks=8)  # 32 tokens; two prompts of 20 and an answer would need 11 blocks
    at, cached = first([(0.0, 20, 9), (20.0, 20, 1)], sharing([1, 2, 3], [1, 2, 4]), tight)
    assert (at, cached) == ([20.0, 24.0], [0, 16])


def test_the_oldest_goes_first_and_the_end_before_the_beginning() -> None:
    cache = PrefixCache(6, 4, 8)
    a, b = Request(0, 0.0, 16, 1, [1, 2]), Request(1, 0.0, 8, 1, [3])
    for request in (a, b):
        cache.take(cache.reclaim(request) or request.prompt // 4)
        request.blocks = request.prompt // 4
        cache.computed(request, request.prompt)
        cache.give(request)
    cache.take(1)  # of the oldest: the second piece of the first prompt
    assert cache.hits(Request(2, 0.0, 16, 1, [1, 2])) == 1
    assert cache.hits(Request(3, 0.0, 8, 1, [3])) == 1
    cache.take(3)
    assert cache.hits(Request(2, 0.0, 16, 1, [1, 2])) == 0


@given(st.integers(0, 10**6), st.integers(20, 120), st.integers(0, 1))
@settings(max_examples=80, deadline=None)
def test_no_block_is_lost(seed: int, blocks: int, ahead: int) -> None:
    """Random prompts that share beginnings, in a cache too small for all: all are served, nothing is computed twice
    that was found, and in the end all blocks are free and nobody uses a piece."""
    rng = np.random.default_rng(seed)
    limits = replace(PIECES, blocks=blocks, max_seqs=6, ahead=ahead)
    count, most = 40, blocks * 4
    prompts = rng.integers(1, max(most // 3, 2), count)
    outputs = rng.integers(1, max(most // 4, 2), count)
    hashes = [[int(rng.integers(3)) * 1000 + i if i < 3 else seed + 1000 * (k + 5) + i for i in range(-(-p // 8))]
              for k, p in enumerate(prompts)]  # fmt: skip
    asked = list(zip(np.cumsum(rng.exponential(5.0, count)), prompts, outputs, strict=True))
    seen: list[PrefixCache] = []
    made = PrefixCache.__init__

    def init(self, *args):
        made(self, *args)
        seen.append(self)

    PrefixCache.__init__ = init  # type: ignore[method-assign]
    try:
        cluster = Cluster((pool(1, times=PlainTimes(0.5, token=0.01), limits=limits),))
        done = served(cluster, traffic(asked, pieces=sharing(*hashes)), keep_s=1e9)
    finally:
        PrefixCache.__init__ = made  # type: ignore[method-assign]
    (cache,) = seen
    assert done.answers.finished.all()
    assert all(0 <= run.used_blocks <= blocks for run in done.book.kept)
    computed, cached = sum(run.prompt_tokens for run in done.book.kept), done.book.columns()["cached_tokens"]
    assert computed + cached.sum() >= prompts.sum()
    if not done.book.columns()["preempted"].any():
        assert computed + cached.sum() == prompts.sum()
    assert cache.free == blocks and not cache._users
    assert sum(cache._order.values()) == blocks
