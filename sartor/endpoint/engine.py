"""Runs streams on the golden model in a thread of its own: one chunk of a prompt, then one token for everybody."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

import numpy as np

from ..compiler.binary import Binary
from .costs import Costs
from .passes import Passes
from .stream import Finished, Stream

LOG = logging.getLogger("sartor.endpoint")


class Watcher(Protocol):
    """Told of everything that is counted, in the engine's thread."""

    def token(self, stream: Stream) -> None: ...

    def finished(self, stream: Stream) -> None: ...


class Full(Exception):
    """No room to wait."""


class Draining(Exception):
    """No more requests are taken."""


class Engine:
    """`memory`: a fresh memory image [bytes] of the compiled network, whose cache a stream may write.
    `streams` run at once, `waiting` more may wait."""

    def __init__(
        self, binary: Binary, memory: Callable[[], np.ndarray], costs: Costs, watcher: Watcher,
        streams: int = 8, waiting: int = 64,
    ) -> None:  # fmt: skip
        self.binary, self.costs, self._memory, self._watcher = binary, costs, memory, watcher
        self.streams, self.most_waiting = streams, waiting
        self.running: list[Stream] = []
        self.waiting: deque[Stream] = deque()
        self.draining = False
        self._passes = Passes(binary, costs, watcher.token)
        self._wake = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="golden", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, stream: Stream) -> None:
        """Raises Draining or Full; else `stream` gets its events, the last one Finished."""
        with self._wake:
            if self.draining or self._closed:
                raise Draining
            if len(self.waiting) >= self.most_waiting:
                raise Full
            self.waiting.append(stream)
            self._wake.notify()

    def cancel(self, stream: Stream, why: str = "abort") -> None:
        """Its slot is free before the next pass."""
        with self._wake:
            stream.cancelled = stream.cancelled or why
            if stream not in self.waiting:
                return
            self.waiting.remove(stream)
        self._finish(stream, why)

    def drain(self) -> None:
        """Take no more requests and refuse those that wait; those that run go on."""
        with self._wake:
            self.draining = True
            refused = list(self.waiting)
        for stream in refused:
            self.cancel(stream, "draining")

    @property
    def idle(self) -> bool:
        with self._wake:
            return not self.running and not self.waiting

    def give_up(self) -> None:
        """Refuse what waits, end what runs before the next pass."""
        self.drain()
        with self._wake:
            for stream in self.running:
                stream.cancelled = stream.cancelled or "draining"

    def close(self, seconds: float = 60.0) -> None:
        """Give up, end the thread."""
        self.give_up()
        with self._wake:
            self._closed = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(seconds)

    @property
    def cache_use(self) -> float:
        """Of the places in all caches, the share that is taken."""
        return sum(s.held for s in list(self.running)) / (self.streams * self.binary.memory.context)

    def _run(self) -> None:
        while self._ready():
            try:
                self._turn()
            except Exception:  # a fault must not stop the service: who runs is told, the next ones go on
                LOG.exception("a pass of the golden model failed")  # where; no request's text
                self._fail()

    def _ready(self) -> bool:
        """Waits for work and admits it; False at the end."""
        with self._wake:
            while not (self.running or self.waiting or self._closed):
                self._wake.wait()
            while self.waiting and len(self.running) < self.streams:
                self._admit(self.waiting.popleft())
            return bool(self.running) or not self._closed

    def _admit(self, stream: Stream) -> None:
        stream.admitted, stream.turn = time.monotonic(), self._passes.turns
        stream.memory = self._memory()
        self.running.append(stream)

    def _turn(self) -> None:
        for stream in [s for s in self.running if s.cancelled]:
            self._leave(stream, stream.cancelled)
        for stream, reason in self._passes.turn(list(self.running)):
            self._leave(stream, reason)

    def _leave(self, stream: Stream, reason: str) -> None:
        with self._wake:
            self.running.remove(stream)
        stream.memory = None  # free for others
        self._finish(stream, reason)

    def _finish(self, stream: Stream, reason: str) -> None:
        stream.reason = reason
        self._watcher.finished(stream)
        stream.emit(Finished(reason, stream.text.end()))

    def _fail(self) -> None:
        for stream in list(self.running):
            self._leave(stream, "error")
