"""What the chip runs in a pass: a chunk of one prompt, or the next token of each of several sequences."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..compiler.binary import Binary
from ..compiler.together import Sequence, Together
from .costs import Costs
from .machine import Machine
from .sampling import adjusted, pick, scored
from .stream import PS, Piece, Stream

LOG = logging.getLogger("sartor.endpoint")
Ended = tuple[Stream, str]  # who, and why


@dataclass(frozen=True)
class Pass:
    """One pass as it was: how many `sequences`, whether each got a token, and its seconds and joules on the chip."""

    decode: bool
    sequences: int
    seconds: float
    joules: float


class Told(Protocol):
    """Told of each pass, and of each token before its stream is."""

    def passed(self, done: Pass) -> None: ...

    def token(self, stream: Stream) -> None: ...


class Passes:
    """One core with its memory, in which every stream that runs has a place. `chip_ps`: the chip's clock, all
    passes so far in whole picoseconds."""

    def __init__(self, binary: Binary, machine: Machine, costs: Costs, told: Told) -> None:
        self.binary, self.machine, self.costs, self._told = binary, machine, costs, told
        self._together = Together(binary, machine)
        self.count, self.chip_ps = 0, 0

    def admit(self, stream: Stream) -> None:
        """It takes a place, and its turn behind those who have waited longer."""
        stream.sequence, stream.turn = self._together.admit(stream.prompt, stream.most), self.count

    def leave(self, stream: Stream) -> None:
        """Its place is free."""
        if stream.sequence is not None:
            self._together.leave(stream.sequence)
            stream.sequence = None

    def run(self, streams: list[Stream]) -> Iterator[Ended]:
        """One pass, of whoever has waited longest for one; where that is a token, of all who wait for theirs, up to the
        core's columns. So a long prompt does not hold up the tokens of others, nor they it: between two of a stream's
        passes every other stream has at most one. Who ends with it is given."""
        first = min(streams, key=lambda s: s.turn)
        if not _sequence(first).is_fed:
            self._prefill(first)
            return
        waiting = sorted((s for s in streams if _sequence(s).is_fed), key=lambda s: s.turn)
        yield from self._decode(waiting[: self.binary.program.together])

    def _prefill(self, stream: Stream) -> None:
        one = _sequence(stream)
        cost = self.costs.prefill(one.position)
        self._together.feed(one)
        self._done([stream], False, *cost)

    def _decode(self, streams: list[Stream]) -> Iterator[Ended]:
        sequences = [_sequence(s) for s in streams]
        cost = self.costs.decode([one.position for one in sequences])
        now = time.monotonic()
        for s in streams:
            s.decoding = s.decoding or now
        best = self._together.step(sequences)
        self._done(streams, True, *cost)
        logits = self.machine.logits
        for column, stream in enumerate(streams):
            try:
                row = None if logits is None else logits[column, : self.binary.vocabulary]
                why = self._next(stream, best[column], row)
            except Exception:  # of one answer's text: the others have their tokens
                LOG.exception("a token could not be given")
                why = "error"
            if why:
                yield stream, why

    def _done(self, streams: list[Stream], decode: bool, seconds: float, joules: float) -> None:
        """A pass as it was estimated; its time as the machine found it, where that tells."""
        took = self.machine.seconds
        done = Pass(decode, len(streams), seconds if took is None else took, joules)
        self.count, self.chip_ps = self.count + 1, self.chip_ps + round(done.seconds * PS)
        self._told.passed(done)
        for stream in streams:
            stream.turn = self.count
            stream.on_chip.add(done.decode, done.sequences, done.seconds, done.joules, self.chip_ps)

    def _next(self, stream: Stream, best: int, logits: np.ndarray | None) -> str | None:
        """Gives the stream its next token: `best`, or by the logits of the pass; why it ends with it."""
        token = best
        if logits is not None:
            asked = adjusted(_allowed(logits, stream), stream.sampling, stream.prompt, stream.tokens)
            token = pick(asked, stream.sampling, stream.rng)
        _sequence(stream).token = token
        stream.tokens.append(token)
        stream.last = time.monotonic()
        if len(stream.tokens) == 1:
            stream.first, stream.on_chip.first_s = stream.last, stream.on_chip.last_s
        self._told.token(stream)
        ended = token in stream.ends
        text = "" if ended else stream.text.push(token)
        stream.emit(Piece(token, text, None if logits is None else scored(logits, token, stream.sampling)))
        if ended or stream.text.stopped:
            return "stop"
        return "length" if len(stream.tokens) >= stream.most else None


def _allowed(logits: np.ndarray, stream: Stream) -> np.ndarray:
    """`logits` [vocabulary] without the tokens that would end `stream` too early."""
    if len(stream.tokens) >= stream.least or not stream.ends:
        return logits
    logits = logits.copy()
    logits[list(stream.ends)] = -np.inf
    return logits


def _sequence(stream: Stream) -> Sequence:
    assert stream.sequence is not None  # who runs has a place
    return stream.sequence
