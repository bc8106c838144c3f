"""Engines that run by the clock on the wall: requests come when somebody asks, and tokens come out when they are
due."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from math import inf
from typing import NamedTuple

from .book import Book
from .deploy import Deployed
from .engine import Engine
from .request import Request
from .routing import load

Tell = Callable[[int, int], None]  # the number of a request, and of the token that it has: 1 or its last


class _Due(NamedTuple):
    at_s: float
    order: int
    number: int
    token: int


class _Telling(Book):
    """Remembers first and last tokens until they are due, and nothing else."""

    def __init__(self, due: list[_Due]) -> None:
        super().__init__(0)
        self._due, self._order = due, itertools.count()

    def first(self, request: Request, at_s: float) -> None:
        if request.todo == request.output:
            heapq.heappush(self._due, _Due(at_s, next(self._order), request.number, 1))

    def last(self, request: Request, at_s: float) -> None:
        heapq.heappush(self._due, _Due(at_s, next(self._order), request.number, request.output))

    def came(self, request: Request, engine: int) -> None: ...
    def thrown_out(self, request: Request) -> None: ...
    def found(self, request: Request, tokens: int) -> None: ...
    def run(self, run: tuple) -> None: ...


class RealTime:
    """Replicas of one kind, with a thread of their own between `start` and `stop`."""

    def __init__(self, deployed: Deployed, replicas: int, tell: Tell) -> None:
        self._due: list[_Due] = []
        book, self._tell = _Telling(self._due), tell
        self._engines = [
            Engine(deployed.times, deployed.limits, book, i) for i in range(replicas * deployed.how.stages)
        ]
        self._asked: list[Request] = []
        self._changed = threading.Condition()
        self._running = True
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._work, name="engines", daemon=True)

    def start(self) -> None:
        self._began = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._running = False
            self._changed.notify()
        self._thread.join()

    @property
    def now_s(self) -> float:
        return time.monotonic() - self._began

    def ask(self, number: int, prompt: int, output: int) -> None:
        """From any thread."""
        with self._changed:
            self._asked.append(Request(number, self.now_s, prompt, output))
            self._changed.notify()

    def _work(self) -> None:
        while True:
            with self._changed:
                wait = self._until() - self.now_s
                if self._running and not self._asked and wait > 0:
                    self._changed.wait(None if wait == inf else wait)
                if not self._running:
                    return
                asked, self._asked = self._asked, []
            self._turn(asked)

    def _until(self) -> float:
        """When the next token is due, or an engine is to be looked at."""
        due = self._due[0].at_s if self._due else inf
        return min(due, *(engine.wake_s() for engine in self._engines))

    def _turn(self, asked: list[Request]) -> None:
        for request in asked:
            engine = min(self._engines, key=lambda e: load(e, request.arrival_s))
            engine.advance(request.arrival_s)
            engine.add(request, request.arrival_s)
        now = self.now_s
        for engine in self._engines:
            engine.advance(now)
        while self._due and self._due[0].at_s <= now:
            due = heapq.heappop(self._due)
            self._tell(due.number, due.token)
