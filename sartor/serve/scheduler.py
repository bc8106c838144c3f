"""Which requests the next step takes: vLLM's scheduler.

A step takes a token of every request that decodes, then what is left of prompts under way, then prompts that wait, as
long as tokens, places and blocks of the cache last.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from .book import Book
from .decoders import Decoders
from .limits import Limits
from .prefix import cache
from .request import Request
from .times import Chunk, Spread
from .waiting import waiting

Work = list[tuple[Request, int, int]]  # a request, tokens of its prompt, and those it has in the cache


class Batch(NamedTuple):
    """What a step does. `n` requests decode, with `context` tokens in the cache together."""

    work: Work
    chunks: Sequence[Chunk]
    n: int
    context: int
    spread: Spread
    moved: int = 0  # tokens whose cache went to the host's memory or came back

    @property
    def prompt_tokens(self) -> int:
        return sum(tokens for _, tokens, _ in self.work)

    @property
    def tokens(self) -> int:
        return self.n + sum(tokens for tokens, _ in self.chunks)


class Scheduler:
    """Requests that wait, run and leave, and the blocks that they hold. It knows steps by their number, not their time.
    """

    def __init__(self, limits: Limits, book: Book, spread: bool = False) -> None:
        self.limits, self.book = limits, book
        self.cache = cache(limits.blocks, limits.block_tokens, limits.prefix_cache, limits.piece_tokens)
        self.waiting = waiting(limits.policy)
        self.running: dict[Request, None] = {}  # in order of admission
        self.partial: list[Request] = []  # of them, those whose prompt is under way
        self.leaving: deque[Request] = deque()  # had their last token, but the scheduler does not know yet
        self.decoders = Decoders(limits.block_tokens, spread)
        self.step = 0
        self._admitted = 0
        self.finished: Callable[[Request, float], None] | None = None  # told who has had the last token, and when
        self._evicted = False  # somebody, in this step
        self._moved = 0  # tokens to or from the host's memory, in this step

    def release(self, now_s: float) -> None:
        """Blocks and places of those whose last token came by `now_s`."""
        while self.leaving and self.leaving[0].last_s <= now_s:
            self.cache.give(self.leaving.popleft())

    def admissible(self) -> bool:
        """Whether the first that waits may come in: the whole of its prompt must fit."""
        if len(self.running) + len(self.leaving) >= self.limits.max_seqs:
            return False
        return self.cache.room(self.waiting.first)

    def compose(self) -> Batch | None:
        """The next step; None where nothing can be done before others leave."""
        step, decoders = self.step, self.decoders
        self._evicted, self._moved = False, 0
        while decoders.need(step) > self.cache.free:
            self._preempt(self.waiting.victim(self.running))
        n, context, spread = decoders.n, decoders.context(step), decoders.spread(step)
        self.cache.take(decoders.need(step))
        work: Work = []
        budget = self._continue(work, self.limits.batch_tokens - n)
        if not self._evicted:  # else those who come in would push out those who went out
            self._admit(work, budget)
        chunks: list[Chunk] = []
        for _, tokens, before in work:
            if tokens == 1 and before:  # a token with a context is no different from one of a request that decodes
                n, context = n + 1, context + before
            else:
                chunks.append((tokens, before))
        return Batch(work, chunks, n, context, spread, self._moved) if n or work else None

    def _preempt(self, request: Request) -> None:
        """Throw `request` out; what it has computed is computed again, unless it is found in the cache."""
        del self.running[request]
        if request.finish < 0:
            self.partial.remove(request)
            tokens = request.target - request.left
        else:
            tokens = request.base + self.step
            request.todo = request.finish - self.step + 1
            request.target = tokens + 1
            request.blocks = self.limits.blocks_for(tokens)
            self.decoders.remove(request)
        request.given = 0
        self._evicted = True
        self._put_away(request, tokens)
        request.left = request.target
        self.book.thrown_out(request)
        self.waiting.put_back(request)

    def _put_away(self, request: Request, tokens: int) -> None:
        if self.limits.swap_s is None:
            self.cache.keep(request, tokens)
        else:
            self.cache.give(request)
            request.away = tokens
            self._moved += tokens

    def _continue(self, work: Work, budget: int) -> int:
        """Prompts under way, in order; the tokens that are left for others."""
        for request in list(self.partial):
            if budget and request in self.running:
                budget -= self._compute(request, budget, work)
        return budget

    def _admit(self, work: Work, budget: int) -> None:
        """Prompts that wait, the first ones first; who does not fit holds up those behind."""
        while budget and self.waiting and self.admissible():
            request = self.waiting.pop()
            found = self.cache.reclaim(request)
            self.book.found(request, found)
            found = max(found, request.given, request.away)
            self._moved, request.away = self._moved + request.away, 0
            request.left = request.target - found
            request.order = self._admitted
            self._admitted += 1
            self.running[request] = None
            self.partial.append(request)
            budget -= self._compute(request, budget, work)

    def _compute(self, request: Request, budget: int, work: Work) -> int:
        """Take a chunk of `request` into the step; its tokens."""
        tokens = min(request.left, budget, self.limits.chunk_tokens or budget)
        context = request.target - request.left
        need = self.limits.blocks_for(context + tokens) - request.blocks
        while need > self.cache.free:
            victim = self.waiting.victim(self.running)
            self._preempt(victim)
            if victim is request:
                return 0
        self.cache.take(need)
        request.blocks += need
        if request.hashes:
            self.cache.computed(request, context + tokens)
        work.append((request, tokens, context))
        return tokens

    def commit(self, work: Work, end_s: float) -> None:
        """Prompts that the step which ends at `end_s` has computed: whose target is reached gets a token."""
        for request, tokens, _ in work:
            request.left -= tokens
            if not request.left:
                self.partial.remove(request)
                self._token(request, end_s)

    def _token(self, request: Request, at_s: float) -> None:
        self.book.first(request, at_s)
        if request.todo == 1:
            self._finish(request, at_s)
        else:
            self.decoders.add(request, self.step - 1)

    def _finish(self, request: Request, at_s: float) -> None:
        del self.running[request]
        request.last_s = at_s
        request.blocks = self.limits.blocks_for(request.prompt + request.output - 1)
        self.book.last(request, at_s)
        self.leaving.append(request)
        if self.finished:
            self.finished(request, at_s)

    def passed(self, steps: int, end_s: float) -> None:
        """`steps` steps are through, the last at `end_s`: who had the last token leaves."""
        self.step += steps
        for request in self.decoders.ended(self.step - 1):
            self._finish(request, end_s)
