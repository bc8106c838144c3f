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
from ..compiler.session import chunk_at
from ..families.tensor.golden_batch import Batch, Run
from ..families.tensor.golden_state import State
from .costs import Costs
from .sampling import pick, scored
from .stream import Finished, OnChip, Piece, Stream

LOG = logging.getLogger("sartor.endpoint")


PROMPTS = 8  # of which a chunk is computed before those that decode have their next token


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
        self._batch = Batch(binary.core, binary.program.instructions, binary.program.constants)
        self._wake = threading.Condition()
        self._closed = False
        self._turns = 0
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
        stream.admitted, stream.turn = time.monotonic(), self._turns
        stream.memory = self._memory()
        self.running.append(stream)

    def _turn(self) -> None:
        for stream in [s for s in self.running if s.cancelled]:
            self._leave(stream, stream.cancelled)
        prompts = [s for s in self.running if s.fed < len(s.prompt) - 1]
        if prompts:
            # Whoever has waited longest for a chunk: a long prompt does not hold up short ones, nor they it.
            self._prefill(sorted(prompts, key=lambda s: s.turn)[:PROMPTS])
        decoding = [s for s in self.running if s.fed >= len(s.prompt) - 1]
        if decoding:
            self._decode(decoding)

    def _prefill(self, streams: list[Stream]) -> None:
        """A chunk of each."""
        jobs = [(s, s.fed, chunk_at(s.prompt, s.fed, self.binary.core.columns)) for s in streams]
        self._pass(self.binary.program.prefill, jobs)
        self._turns += 1
        for stream, start, chunk in jobs:
            stream.fed, stream.turn = min(start + len(chunk), len(stream.prompt) - 1), self._turns
            _add(stream.on_chip, *self.costs.prefill(start), prompt=True)

    def _decode(self, streams: list[Stream]) -> None:
        jobs = []
        for s in streams:
            s.decoding = s.decoding or time.monotonic()
            s.position = len(s.prompt) - 1 + len(s.tokens)
            jobs.append((s, s.position, [s.tokens[-1] if s.tokens else s.prompt[-1]]))
        logits = self._pass(self.binary.program.decode, jobs).logits
        assert logits is not None
        for stream, row in zip(streams, logits[:, : self.binary.vocabulary], strict=True):
            _add(stream.on_chip, *self.costs.decode(stream.position))
            self._token(stream, row)

    def _pass(self, entry: int, jobs: list[tuple[Stream, int, list[int]]]) -> State:
        return self._batch.run(entry, [
            Run(s.memory, at, [self.binary.row(t) for t in ids]) for s, at, ids in jobs if s.memory is not None
        ])  # fmt: skip

    def _token(self, stream: Stream, logits: np.ndarray) -> None:
        """The next token by the logits of the pass."""
        if len(stream.tokens) < stream.least and stream.ends:
            logits = logits.copy()
            logits[list(stream.ends)] = -np.inf
        token = pick(logits, stream.sampling, stream.rng)
        stream.tokens.append(token)
        stream.last = time.monotonic()
        if len(stream.tokens) == 1:
            stream.first, stream.on_chip.first_s = stream.last, stream.on_chip.seconds
        self._watcher.token(stream)
        ended = token in stream.ends
        text = "" if ended else stream.text.push(token)
        stream.emit(Piece(token, text, scored(logits, token, stream.sampling)))
        if ended or stream.text.stopped:
            self._leave(stream, "stop")
        elif len(stream.tokens) >= stream.most:
            self._leave(stream, "length")

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


def _add(total: OnChip, seconds: float, joules: float, prompt: bool = False) -> None:
    total.passes += 1
    total.energy_j += joules
    if prompt:
        total.prefill_s += seconds
    else:
        total.decode_s += seconds
