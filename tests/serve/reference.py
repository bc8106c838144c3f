"""vLLM's scheduler, first come first served, written down step by step and request by request: the oracle of the
engine, which skips most steps."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass

from plain_times import Asked, PlainTimes

from sartor.serve.limits import Limits


@dataclass(eq=False)
class Slow:
    """A request. `sent`: its tokens that come out of steps put together so far."""

    number: int
    arrival: float
    prompt: int
    output: int
    computed: int = 0
    sent: int = 0
    blocks: int = 0

    @property
    def known(self) -> int:
        """Tokens that must be in the cache before the next one comes out."""
        return self.prompt + self.sent

    @property
    def over(self) -> bool:
        return self.sent == self.output


class Reference:
    """`first`, `last`: times by request."""

    def __init__(self, times: PlainTimes, limits: Limits) -> None:
        self.times, self.limits = times, limits
        self.first: dict[int, float] = {}
        self.last: dict[int, float] = {}
        self.preempted = self.steps = 0
        self.waiting: deque[Slow] = deque()
        self.running: list[Slow] = []
        self.flying: deque[float] = deque()  # ends of steps whose results are not known
        self.free, self.order = limits.blocks, OrderedDict()
        self.now = self.end = 0.0

    def run(self, asked: Sequence[Asked]) -> Reference:
        coming = deque(Slow(i, *a) for i, a in enumerate(asked))
        while True:
            self._results()
            while coming and coming[0].arrival <= self.now:
                self.waiting.append(coming.popleft())
            formed = len(self.flying) <= self.limits.ahead and self._form()
            if formed and len(self.flying) <= self.limits.ahead:
                continue
            if self.flying:
                self.now = self.flying[0]
            elif coming:
                self.now = coming[0].arrival
            else:
                return self

    def _results(self) -> None:
        """Steps that are over by now; who had the last token leaves."""
        while self.flying and self.flying[0] <= self.now:
            self.flying.popleft()
        for r in [r for r in self.running if r.over and self.last[r.number] <= self.now]:
            self.running.remove(r)
            self._back(object(), r.blocks)

    def _form(self) -> bool:
        """Put the next step together; whether there was anything to do."""
        self.budget, self.evicted = self.limits.batch_tokens, False
        work = []
        for r in list(self.running):
            if r in self.running and not r.over and self.budget:
                self._take(r, work)
        while not self.evicted and self.waiting and self.budget and self._may_enter():
            r = self.waiting.popleft()
            r.computed = self._found(r) * self.limits.block_tokens
            self.running.append(r)
            self._take(r, work)
        if work:
            self._go(work)
        return bool(work)

    def _may_enter(self) -> bool:
        fits = self.limits.blocks_for(self.waiting[0].known) <= self.free
        return fits and len(self.running) < self.limits.max_seqs

    def _take(self, r: Slow, work: list) -> None:
        tokens = min(r.known - r.computed, self.budget)
        while (need := self.limits.blocks_for(r.computed + tokens) - r.blocks) > self.free:
            if self._evict() is r:
                return
        self._out(need)
        r.blocks += need
        self.budget -= tokens
        work.append((r, tokens, r.computed))

    def _evict(self) -> Slow:
        victim = [r for r in self.running if not r.over][-1]
        self.running.remove(victim)
        self.waiting.appendleft(victim)
        self.evicted, self.preempted = True, self.preempted + 1
        kept = victim.computed // self.limits.block_tokens if self.limits.prefix_cache else 0
        if not self.order and kept:
            self.order[object()] = self.free
        self._back(object(), victim.blocks - kept)
        self._back(victim, kept)
        victim.blocks = victim.computed = 0
        return victim

    def _found(self, r: Slow) -> int:
        """Blocks of a victim that nobody took since; the last token is computed in any case."""
        have = self.order.pop(r, 0)
        found = min(have, (r.known - 1) // self.limits.block_tokens)
        if have > found:
            self.order[object()] = have - found
        self.free -= found
        r.blocks = found
        return found

    def _back(self, key: object, count: int) -> None:
        self.free += count
        if self.order and count:
            self.order[key] = count

    def _out(self, count: int) -> None:
        self.free -= count
        while count and self.order:
            key, have = next(iter(self.order.items()))
            if have > count:
                self.order[key] = have - count
                return
            count -= have
            del self.order[key]

    def _go(self, work: list) -> None:
        decoding = [w for w in work if w[1] == 1 and w[2]]
        chunks = [w[1:] for w in work if w not in decoding]
        seconds, _ = self.times.step(chunks, len(decoding), sum(w[2] for w in decoding), (0, 0))
        self.end = max(self.now, self.end) + seconds
        self.flying.append(self.end)
        self.steps += 1
        for r, tokens, _ in work:
            r.computed += tokens
            if r.computed == r.known:
                r.sent += 1
                self.first.setdefault(r.number, self.end)
                if r.over:
                    self.last[r.number] = self.end
