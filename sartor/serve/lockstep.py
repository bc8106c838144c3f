"""Engines that step together: ranks whose tokens meet at the experts of every block.

A step of the group takes as long as its slowest rank, for all wait for each other; a rank without work runs along with
one token. Steps are not skipped: the ranks' batches change one at a time.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from .engine import Engine
from .layer_times import LayerTimes
from .request import Request
from .scheduler import Batch

_IDLE = Batch([], [], 1, 1, (1, 1))


@dataclass(frozen=True)
class Shared:
    """What the ranks do together: `expert_s` [tokens of all ranks], `exchange_s` [tokens of the fullest rank].
    `graphs`: captured sizes: where all batches fit, all ranks run as the fullest one."""

    expert_s: Sequence[float]
    exchange_s: Sequence[float]
    graphs: tuple[int, ...]


class LockStep:
    """A group of engines with one clock, that of the first."""

    def __init__(self, engines: list[Engine], shared: Shared) -> None:
        self.engines, self.shared = engines, shared

    def add(self, request: Request, now_s: float) -> None:
        """To the rank with the least to do."""
        if all(not e.running and not e.waiting for e in self.engines):
            for engine in self.engines:
                engine.ready = max(engine.ready, now_s)
        engine = min(self.engines, key=lambda e: 4 * len(e.waiting) + len(e.running))
        engine.book.engine[request.number] = engine.number
        engine.waiting.add(request)

    def advance(self, until_s: float) -> None:
        lead = self.engines[0]
        while lead.ready < until_s:
            for engine in self.engines:
                engine.release(lead.ready)
            batches = [engine.compose() for engine in self.engines]
            if any(batches):
                self._step(batches)
            elif any(engine.leaving for engine in self.engines):
                for engine in self.engines:
                    engine.ready = lead.end
            else:
                return

    def _step(self, batches: list[Batch | None]) -> None:
        start = max(self.engines[0].ready, self.engines[0].end)
        end = start + self._seconds([batch or _IDLE for batch in batches])
        for engine, batch in zip(self.engines, batches, strict=True):
            if batch is not None:
                engine.log(start, end, 1, batch.prompt_tokens, 0.0)
            engine.spend(1, start, end)
            engine.commit(batch.work if batch else [], end)

    def _seconds(self, batches: list[Batch]) -> float:
        shared = self.shared
        fullest = max(batch.tokens for batch in batches)
        own = max(_times(e).step(b.chunks, b.n, b.context, b.spread)[0]
                  for e, b in zip(self.engines, batches, strict=True))  # fmt: skip
        if shared.graphs and fullest <= shared.graphs[-1]:
            padded = shared.graphs[bisect_left(shared.graphs, fullest)]
            return own + shared.expert_s[padded * len(batches)] + shared.exchange_s[padded]
        return own + shared.expert_s[sum(b.tokens for b in batches)] + shared.exchange_s[fullest]


def _times(engine: Engine) -> LayerTimes:
    assert isinstance(engine.times, LayerTimes)
    return engine.times
