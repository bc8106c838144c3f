"""Requests that decode: each gives one token a step, so that sums over them follow from the step's number.

A request that decodes has `base` + k tokens in the cache before step k. So the sum of all contexts, the blocks that
step k needs and the step in which each request ends are known without looking at any of them: a run of steps costs as
much as one.
"""

from __future__ import annotations

import heapq

from .request import Request


class Decoders:
    """Counts and sums of the requests that decode in the next step."""

    def __init__(self, block_tokens: int, spread: bool = False) -> None:
        self.n = 0
        self._base = 0
        # Requests by the step, modulo the size of a block, in which they need a new block.
        self._turns = [0] * block_tokens
        self._block_tokens = block_tokens
        self._ends: list[tuple[int, int, Request]] = []
        # The shortest and the longest context, where the steps' times depend on them.
        self._extremes: tuple[list, list] | None = ([], []) if spread else None

    def add(self, request: Request, step: int) -> None:
        """`request` gave a token in `step`, when its target was in the cache; it decodes from the next one on."""
        base = request.base = request.target - step - 1
        request.finish = step + request.todo - 1
        self.n += 1
        self._base += base
        self._turns[-base % self._block_tokens] += 1
        heapq.heappush(self._ends, (request.finish, request.order, request))
        if self._extremes:
            for heap, key in zip(self._extremes, (base, -base), strict=True):
                heapq.heappush(heap, (key, request.finish, request.order, request))

    def remove(self, request: Request) -> None:
        self.n -= 1
        self._base -= request.base
        self._turns[-request.base % self._block_tokens] -= 1
        request.finish = -1

    def context(self, step: int) -> int:
        """Tokens of all of them in the cache before `step`."""
        return self._base + self.n * step

    def spread(self, step: int) -> tuple[int, int]:
        """The shortest and the longest context before `step`."""
        if not self.n or not self._extremes:
            return 0, 0
        for heap in self._extremes:
            while heap[0][3].finish != heap[0][1]:  # it was removed
                heapq.heappop(heap)
        low, high = (heap[0][3].base + step for heap in self._extremes)
        return low, high

    def need(self, step: int) -> int:
        """New blocks that `step` takes."""
        return self._turns[step % self._block_tokens]

    def need_of(self, step: int, steps: int) -> int:
        """New blocks that `steps` steps from `step` on take."""
        whole, rest = divmod(steps, self._block_tokens)
        first = step % self._block_tokens
        turns = self._turns[first : first + rest] + self._turns[: max(first + rest - self._block_tokens, 0)]
        return whole * self.n + sum(turns)

    def steps_within(self, step: int, steps: int, free: int) -> int:
        """How many of `steps` steps from `step` on fit in `free` blocks."""
        if self.n * (steps // self._block_tokens + 1) <= free:
            return steps
        done = min(free // self.n * self._block_tokens, steps) if self.n else steps
        free -= self.need_of(step, done)
        while done < steps and self.need(step + done) <= free:
            free -= self.need(step + done)
            done += 1
        return done

    def next_end(self) -> int:
        """The step in which the first of them gives its last token."""
        ends = self._ends
        while ends[0][2].finish != ends[0][0]:  # it was removed
            heapq.heappop(ends)
        return ends[0][0]

    def ended(self, step: int) -> list[Request]:
        """Those that gave their last token in `step`; they are removed."""
        gone = []
        ends = self._ends
        while ends and ends[0][0] <= step:
            finish, _, request = heapq.heappop(ends)
            if request.finish == finish:
                self.remove(request)
                gone.append(request)
        return gone
