"""An engine that computes prompts and hands their cache on."""

from __future__ import annotations

from collections.abc import Callable

from .book import Book
from .engine import Engine
from .limits import Limits
from .request import Request
from .times import StepTimes

# Told that a request's cache is ready to be sent at a time; gives the time at which it has arrived.
Send = Callable[[Request, float], float]


class PrefillEngine(Engine):
    """A request leaves with its first token; its blocks are held until its cache has arrived."""

    def __init__(self, times: StepTimes, limits: Limits, book: Book, number: int, send: Send) -> None:
        super().__init__(times, limits, book, number)
        self._send = send

    def _token(self, request: Request, at_s: float) -> None:
        if request.todo == 1:
            super()._token(request, at_s)
            return
        self.book.first(request, at_s)
        copy = _what_stays(request)
        del self.running[request]
        copy.last_s = self._send(request, at_s)
        self.leaving.append(copy)


def _what_stays(request: Request) -> Request:
    """The request goes on as it is; its blocks here are held by another."""
    copy = Request(request.number, request.arrival_s, request.prompt, request.output, request.hashes)
    copy.blocks, copy.held = request.blocks, request.held
    request.blocks = request.held = 0
    request.todo -= 1
    request.given = request.target
    request.target += 1
    return copy
