"""What the golden model computes in a turn: a chunk of waiting prompts, then a token for everybody who decodes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np

from ..compiler.binary import Binary
from ..compiler.session import chunk_at
from ..families.tensor.golden_batch import Batch, Run
from ..families.tensor.golden_state import State
from .costs import Costs
from .sampling import pick, scored
from .stream import OnChip, Piece, Stream

PROMPTS = 8  # of which a chunk is computed before those that decode have their next token
Ended = tuple[Stream, str]  # who, and why


class Passes:
    """`token` is told of every token, before its stream is. `turns`: chunks of prompts so far."""

    def __init__(self, binary: Binary, costs: Costs, token: Callable[[Stream], None]) -> None:
        self.binary, self.costs, self._told = binary, costs, token
        self.turns = 0
        self._batch = Batch(binary.core, binary.program.instructions, binary.program.constants)

    def turn(self, streams: list[Stream]) -> Iterator[Ended]:
        """One turn of those that run; who ends is given at once."""
        prompts = [s for s in streams if s.fed < len(s.prompt) - 1]
        if prompts:
            # Whoever has waited longest for a chunk: a long prompt does not hold up short ones, nor they it.
            self._prefill(sorted(prompts, key=lambda s: s.turn)[:PROMPTS])
        decoding = [s for s in streams if s.fed >= len(s.prompt) - 1]
        if decoding:
            yield from self._decode(decoding)

    def _prefill(self, streams: list[Stream]) -> None:
        """A chunk of each."""
        jobs = [(s, s.fed, chunk_at(s.prompt, s.fed, self.binary.core.columns)) for s in streams]
        self._pass(self.binary.program.prefill, jobs)
        self.turns += 1
        for stream, start, chunk in jobs:
            stream.fed, stream.turn = min(start + len(chunk), len(stream.prompt) - 1), self.turns
            _add(stream.on_chip, *self.costs.prefill(start), prompt=True)

    def _decode(self, streams: list[Stream]) -> Iterator[Ended]:
        jobs = []
        for s in streams:
            s.decoding = s.decoding or time.monotonic()
            s.position = len(s.prompt) - 1 + len(s.tokens)
            jobs.append((s, s.position, [s.tokens[-1] if s.tokens else s.prompt[-1]]))
        logits = self._pass(self.binary.program.decode, jobs).logits
        assert logits is not None
        for stream, row in zip(streams, logits[:, 0, : self.binary.vocabulary], strict=True):
            _add(stream.on_chip, *self.costs.decode(stream.position))
            if why := self._next(stream, row):
                yield stream, why

    def _pass(self, entry: int, jobs: list[tuple[Stream, int, list[int]]]) -> State:
        return self._batch.run(entry, [
            Run(s.memory, at, [self.binary.row(t) for t in ids]) for s, at, ids in jobs if s.memory is not None
        ])  # fmt: skip

    def _next(self, stream: Stream, logits: np.ndarray) -> str | None:
        """Gives the stream its next token by the logits of the pass; why it ends with it."""
        if len(stream.tokens) < stream.least and stream.ends:
            logits = logits.copy()
            logits[list(stream.ends)] = -np.inf
        token = pick(logits, stream.sampling, stream.rng)
        stream.tokens.append(token)
        stream.last = time.monotonic()
        if len(stream.tokens) == 1:
            stream.first, stream.on_chip.first_s = stream.last, stream.on_chip.seconds
        self._told(stream)
        ended = token in stream.ends
        text = "" if ended else stream.text.push(token)
        stream.emit(Piece(token, text, scored(logits, token, stream.sampling)))
        if ended or stream.text.stopped:
            return "stop"
        return "length" if len(stream.tokens) >= stream.most else None


def _add(total: OnChip, seconds: float, joules: float, prompt: bool = False) -> None:
    total.passes += 1
    total.energy_j += joules
    if prompt:
        total.prefill_s += seconds
    else:
        total.decode_s += seconds
