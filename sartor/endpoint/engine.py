"""Runs streams on the chip's golden model, or its RTL, in a thread of its own: who comes joins before the next pass."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import Protocol

from ..compiler.binary import Binary
from .costs import Costs
from .machine import Machine
from .passes import Passes, Told
from .stream import Finished, Stream

LOG = logging.getLogger("sartor.endpoint")


class Watcher(Told, Protocol):
    """Told of everything that is counted; of passes and tokens in the engine's thread."""

    def finished(self, stream: Stream) -> None: ...

    def turned_away(self) -> None: ...


class Full(Exception):
    """No room to wait."""


class Draining(Exception):
    """No more requests are taken."""


class Engine:
    """Streams in the places of the compiled network's memory, which is written; `waiting` more may wait for one."""

    def __init__(
        self, binary: Binary, machine: Machine, costs: Costs, watcher: Watcher, waiting: int = 64
    ) -> None:
        self.binary, self.costs, self._watcher = binary, costs, watcher
        self.gives_logits = machine.gives_logits
        self.streams, self.most_waiting = binary.memory.sequences, waiting
        self.running: list[Stream] = []
        self.waiting: deque[Stream] = deque()
        self.draining = False
        self._passes = Passes(binary, machine, costs, watcher)
        self._wake = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="chip", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, stream: Stream) -> None:
        """Raises Draining or Full; else `stream` gets its events, the last one Finished."""
        with self._wake:
            if self.draining or self._closed:
                raise Draining
            if len(self.running) + len(self.waiting) >= self.streams + self.most_waiting:
                self._watcher.turned_away()
                raise Full
            stream.on_chip.arrived_ps = self._passes.chip_ps
            self.waiting.append(stream)
            self._wake.notify()

    def cancel(self, stream: Stream, why: str = "abort") -> None:
        """Its place is free before the next pass."""
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
    def alive(self) -> bool:
        return self._thread.is_alive()

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
        there = [s.sequence for s in list(self.running)]  # looked at once: in its own thread the engine takes it away
        held = sum(one.position for one in there if one)
        return held / (self.streams * self.binary.memory.context)

    def _run(self) -> None:
        while self._has_work():
            try:
                self._turn()
            except Exception:  # a fault must not stop the service: who runs is told, the next ones go on
                LOG.exception("a pass failed")  # where; no request's text
                self._fail()

    def _has_work(self) -> bool:
        """Waits for it; False at the end."""
        with self._wake:
            while not (self.running or self.waiting or self._closed):
                self._wake.wait()
            return bool(self.running or self.waiting)

    def _turn(self) -> None:
        """A pass, of those who are there now."""
        self._dismiss()
        self._admit()
        if self.running:
            for stream, reason in self._passes.run(list(self.running)):
                self._leave(stream, reason)

    def _dismiss(self) -> None:
        """Who was given up leaves."""
        for stream in [s for s in self.running if s.cancelled]:
            self._leave(stream, stream.cancelled)

    def _admit(self) -> None:
        """Who has waited longest takes a free place."""
        with self._wake:
            while self.waiting and len(self.running) < self.streams:
                stream = self.waiting.popleft()
                stream.admitted = time.monotonic()
                self.running.append(stream)
                try:
                    self._passes.admit(stream)
                except Exception:  # what the door should have refused: nobody else is held up
                    LOG.exception("a request could not be admitted")
                    self._leave(stream, "error")

    def _leave(self, stream: Stream, reason: str) -> None:
        with self._wake:
            self.running.remove(stream)
        self._passes.leave(stream)
        self._finish(stream, reason)

    def _finish(self, stream: Stream, reason: str) -> None:
        """Whatever fails here, who asked is told, and the others go on."""
        try:
            rest = stream.text.end()
        except Exception:
            LOG.exception("an answer could not be ended")
            rest, reason = "", "error"
        stream.reason = reason
        try:
            self._watcher.finished(stream)
        except Exception:
            LOG.exception("an end could not be counted")
        stream.emit(Finished(reason, rest))

    def _fail(self) -> None:
        for stream in list(self.running):
            self._leave(stream, "error")
