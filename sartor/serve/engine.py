"""One engine: its scheduler's steps, and when each of them ends.

While nothing but decoding happens, all steps up to the next event are taken at once (`_run`): the time of a simulation
grows with its requests, not with their tokens.
"""

from __future__ import annotations

from math import ceil, inf, sqrt

from .book import Book
from .limits import Limits
from .request import Request
from .scheduler import Scheduler
from .times import Line, StepTimes


class Engine(Scheduler):
    """`ready`: when the next step is put together: when the results of the step before are there, or, with steps
    ahead, when that step begins. `end`: of the last step."""

    def __init__(self, times: StepTimes, limits: Limits, book: Book, number: int = 0) -> None:
        super().__init__(limits, book, times.wants_spread)
        self.times, self.number = times, number
        self.ready = self.end = 0.0

    def add(self, request: Request, now_s: float) -> None:
        """`request` arrives; the engine must have been advanced to `now_s`."""
        if not self.running and not self.waiting:
            self.ready = max(self.ready, now_s)
        self.book.came(request, self.number)
        self.waiting.add(request)

    def advance(self, until_s: float) -> None:
        """Put together every step whose time comes before `until_s`."""
        while self.ready < until_s:
            if self.leaving:
                self.release(self.ready)
            if self.partial or (self.waiting and self.admissible()):
                self._form()
            elif self.decoders.n:
                self._run(until_s)
            elif self.leaving and self.waiting:
                self.ready = max(self.end, self.leaving[0].last_s)
            else:
                self.ready = max(self.ready, self.end)
                return

    def wake_s(self) -> float:
        """When, at the latest, it must be looked at again: nobody gets a last token, no prompt is computed, no place
        becomes free in steps that are put together before."""
        if not self.running and not (self.waiting and self.leaving):
            return self.ready if self.waiting else inf
        if self.partial or self.leaving or not self.decoders.n or (self.waiting and self.admissible()):
            return self.ready
        line = self.times.line(self.decoders.n, self.decoders.context(self.step), self.decoders.spread(self.step))
        steps = min(self.decoders.next_end() - self.step + 1, line.steps)
        before = self.decoders.steps_within(self.step, steps, self.cache.free) - 1 - self.limits.ahead
        if before < 0:
            return self.ready
        return max(self.ready, self.end) + before * (line.s + line.s_more * (before - 1) / 2)

    def _form(self) -> None:
        """One step, put together from what there is."""
        batch = self.compose()
        if batch is None:
            self.ready = self.end
            return
        seconds, joules = self.times.step(batch.chunks, batch.n, batch.context, batch.spread)
        if batch.moved:
            seconds += batch.moved * (self.limits.swap_s or 0.0)
        start = max(self.ready, self.end)
        self.log(start, start + seconds, 1, batch.prompt_tokens, joules)
        self.spend(1, start, start + seconds)
        self.commit(batch.work, self.end)

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
        self.log(start, end, limit, 0, (line.j + line.j_more * before / 2) * limit)
        self.spend(limit, last, end)

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

    def log(self, start: float, end: float, steps: int, prompt_tokens: int, joules: float) -> None:
        cache = self.cache
        self.book.run(
            (self.number, start, end, steps, self.decoders.n, prompt_tokens, len(self.running), len(self.waiting),
             cache.blocks - cache.free, joules)
        )  # fmt: skip

    def spend(self, steps: int, start: float, end: float) -> None:
        """Time passes: `steps` steps, the last from `start` to `end`."""
        self.end = end
        self.ready = start if self.limits.ahead else end
        self.passed(steps, end)

    def abandon(self, now_s: float) -> tuple[list[Request], int]:
        """All requests that have not had their last token by `now_s`, as they were then, and how many of them had been
        told as finished. The engine is of no use after.

        A token counts if its step was over by then: of the steps that were put together, the last two may not be.
        """
        late = (self.end > now_s) + (self.limits.ahead and self.ready > now_s)
        early = [request for request in self.leaving if request.last_s > now_s]
        for request in self.running:
            if request.finish >= 0:
                request.todo = min(request.finish - self.step + 1 + late, request.output)
        for request in early:
            request.todo = min(late, request.output)
        lost = [*self.running, *early, *self.waiting]
        for request in lost:
            request.start_again()
        return lost, len(early)
