"""Step times that one can work out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sartor.serve.book import Book
from sartor.serve.engine import Engine
from sartor.serve.limits import Limits
from sartor.serve.request import Request
from sartor.serve.times import Chunk, Line, Spread

Asked = tuple[float, int, int]  # arrival, prompt tokens, output tokens


@dataclass(frozen=True)
class PlainTimes:
    """A step takes `fixed` + `token` a prompt's token + `request` a request that decodes + `context` a cached token."""

    fixed: float = 1.0
    token: float = 0.0
    request: float = 0.0
    context: float = 0.0
    wants_spread = False

    def step(self, chunks: Sequence[Chunk], n: int, context: int, spread: Spread) -> tuple[float, float]:
        tokens = sum(c for c, _ in chunks)
        cached = sum(k for _, k in chunks)
        seconds = self.fixed + self.token * tokens + self.request * n + self.context * (context + cached)
        return seconds, 2.0 * seconds

    def line(self, n: int, context: int, spread: Spread) -> Line:
        seconds = self.fixed + self.request * n + self.context * context
        return Line(seconds, self.context * n, 2.0 * seconds, 2.0 * self.context * n, 1 << 30)


def run(
    asked: Sequence[Asked], times: PlainTimes, limits: Limits, keep_s: float = 0.0
) -> tuple[Book, Engine]:
    """The engine on `asked`, which are in order of arrival."""
    book = Book(len(asked), keep_s=keep_s)
    engine = Engine(times, limits, book)
    for i, (at, prompt, output) in enumerate(asked):
        engine.advance(at)
        engine.add(Request(i, at, prompt, output), at)
    engine.advance(float("inf"))
    engine.release(float("inf"))
    return book, engine
