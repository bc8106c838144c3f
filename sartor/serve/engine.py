"""One engine: which requests each step takes, as vLLM's scheduler does it, and when the step ends.

A step takes a token of every request that decodes, then what is left of prompts under way, then prompts that wait,
as long as tokens, places and blocks of the cache last. While nothing but decoding happens, all steps up to the next
event are taken at once (`_run`): the time of a simulation grows with its requests, not with their tokens.
"""

from __future__ import annotations

from collections import deque
from math import ceil, inf, sqrt

from .book import Book
from .cache import Cache
from .decoders import Decoders
from .limits import Limits
from .request import Request
from .times import Chunk, Line, StepTimes
from .waiting import waiting

Work = list[tuple[Request, int, int]]  # a request, tokens of its prompt, and those it has in the cache


class Engine:
    """`ready`: when the next step is put together: when the results of the step before are there, or, with steps
    ahead, when that step begins."""

    def __init__(self, times: StepTimes, limits: Limits, book: Book, number: int = 0) -> None:
        self.times, self.limits, self.book, self.number = times, limits, book, number
        self.cache = Cache(limits.blocks, limits.block_tokens, limits.prefix_cache)
        self.waiting = waiting(limits.policy)
        self.running: dict[Request, None] = {}  # in order of admission
        self.partial: list[Request] = []  # of them, those whose prompt is under way
        self.leaving: deque[Request] = deque()  # had their last token, but the scheduler does not know yet
        self.decoders = Decoders(limits.block_tokens, times.wants_spread)
        self.step = 0
        self.ready = self.end = 0.0
        self._admitted = 0
        self._evicted = False  # somebody, in this step

    def add(self, request: Request, now_s: float) -> None:
        """`request` arrives; the engine must have been advanced to `now_s`."""
        if not self.running and not self.waiting:
            self.ready = max(self.ready, now_s)
        self.book.engine[request.number] = self.number
        self.waiting.add(request)

    def advance(self, until_s: float) -> None:
        """Put together every step whose time comes before `until_s`."""
        while self.ready < until_s:
            if self.leaving:
                self._release()
            if self.partial or (self.waiting and self._admissible()):
                self._form()
            elif self.decoders.n:
                self._run(until_s)
            elif self.leaving:
                self.ready = self.end
            else:
                return

    def _release(self) -> None:
        """Blocks and places of those whose last token the scheduler has seen."""
        while self.leaving and self.leaving[0].last_s <= self.ready:
            self.cache.give(self.leaving.popleft())

    def _admissible(self) -> bool:
        """Whether the first that waits may come in: the whole of its prompt must fit."""
        if len(self.running) + len(self.leaving) >= self.limits.max_seqs:
            return False
        return self.limits.blocks_for(self.waiting.first.target) <= self.cache.free

    # --- one step, put together from what there is

    def _form(self) -> None:
        step, decoders = self.step, self.decoders
        self._evicted = False
        while decoders.need(step) > self.cache.free:
            self._preempt(self.waiting.victim(self.running))
        n, context = decoders.n, decoders.context(step)
        self.cache.take(decoders.need(step))
        work: Work = []
        budget = self._continue(work, self.limits.batch_tokens - n)
        if not self._evicted:  # else those who come in would push out those who went out
            self._admit(work, budget)
        if n or work:
            self._take(work, n, context)
        else:
            self.ready = self.end

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
        self._evicted = True
        self.cache.keep(request, tokens)
        request.left = request.target
        self.book.preempted[request.number] += 1
        self.waiting.put_back(request)

    def _continue(self, work: Work, budget: int) -> int:
        """Prompts under way, in order; the tokens that are left for others."""
        for request in list(self.partial):
            if budget and request in self.running:
                budget -= self._compute(request, budget, work)
        return budget

    def _admit(self, work: Work, budget: int) -> None:
        """Prompts that wait, the first ones first; who does not fit holds up those behind."""
        while budget and self.waiting and self._admissible():
            request = self.waiting.pop()
            found = self.cache.reclaim(request) * self.limits.block_tokens
            request.left = request.target - found
            request.order = self._admitted
            self._admitted += 1
            self.book.cached_tokens[request.number] += found
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
        work.append((request, tokens, context))
        return tokens

    def _take(self, work: Work, n: int, context: int) -> None:
        """Run the step."""
        chunks: list[Chunk] = []
        for _, tokens, before in work:
            if tokens == 1 and before:  # a token with a context is no different from one of a request that decodes
                n, context = n + 1, context + before
            else:
                chunks.append((tokens, before))
        seconds, joules = self.times.step(chunks, n, context, self.decoders.spread(self.step))
        start = max(self.ready, self.end)
        self._log(start, start + seconds, 1, sum(w[1] for w in work), joules)
        self._pass(1, start, start + seconds)
        for request, tokens, _ in work:
            request.left -= tokens
            if not request.left:
                self.partial.remove(request)
                self._token(request)

    def _token(self, request: Request) -> None:
        """The whole prompt is computed: the step gives a token of `request`."""
        self.book.first(request, self.end)
        if request.todo == 1:
            self._finish(request)
        else:
            self.decoders.add(request, self.step - 1)

    def _finish(self, request: Request) -> None:
        del self.running[request]
        request.last_s = self.end
        request.blocks = self.limits.blocks_for(request.prompt + request.output - 1)
        self.book.last(request, self.end)
        self.leaving.append(request)

    # --- many steps in which all do nothing but decode

    def _run(self, until_s: float) -> None:
        decoders, step, limit = self.decoders, self.step, 1
        line = self.times.line(decoders.n, decoders.context(step), decoders.spread(step))
        if not (self.leaving and self.waiting):  # else a place or blocks may become free after the next step
            limit = min(decoders.next_end() - step + 1, line.steps)
            limit = min(limit, self._steps_before(until_s, line))
        limit = decoders.steps_within(step, limit, self.cache.free)
        if not limit:
            return self._form()
        self.cache.take(decoders.need_of(step, limit))
        start, before = max(self.ready, self.end), limit - 1
        last = start + before * (line.s + line.s_more * (before - 1) / 2)  # when the last of them begins
        end = last + line.s + line.s_more * before
        self._log(start, end, limit, 0, (line.j + line.j_more * before / 2) * limit)
        self._pass(limit, last, end)

    def _steps_before(self, until_s: float, line: Line) -> int:
        """Steps of a run that are put together before `until_s`."""
        if until_s == inf:
            return line.steps
        ahead = self.limits.ahead
        gap = until_s - max(self.ready, self.end)
        if gap <= 0:
            return 1
        half = line.s_more / 2
        # The n-th of them begins after (n - 1) (s - half) + (n - 1)^2 half.
        first = line.s - half
        steps = gap / first if half <= 0 else (sqrt(first * first + 4 * half * gap) - first) / (2 * half)
        return ceil(steps) + ahead

    def _log(self, start: float, end: float, steps: int, prompt_tokens: int, joules: float) -> None:
        cache = self.cache
        self.book.run(
            (self.number, start, end, steps, self.decoders.n, prompt_tokens, len(self.running), len(self.waiting),
             cache.blocks - cache.free, joules)
        )  # fmt: skip

    def _pass(self, steps: int, start: float, end: float) -> None:
        """Time passes: `steps` steps, the last from `start` to `end`."""
        self.step += steps
        self.end = end
        self.ready = start if self.limits.ahead else end
        for request in self.decoders.ended(self.step - 1):
            self._finish(request)
