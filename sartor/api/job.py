"""What a verification runs, checked before anything long begins; and what it tells while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..chip.spec import Chip
from ..errors import InputError
from ..families.tensor.core import Core
from .estimate import estimate
from .generate import place
from .networks import Weights


@dataclass(frozen=True)
class Progress:
    """What is known while it runs. `text`: prompt and answer so far, of the first sequence; `cycles`: of the pass that
    runs."""

    text: str
    tokens: int
    of: int
    cycles: int
    total_cycles: int
    seconds_per_token: float | None


Watch = Callable[[Progress], None]


class Job:
    """What is run: it is checked before anything long begins. Of a `batch`, each sequence begins with the prompt less
    the last tokens, one more of them than the one before: all are at positions of their own."""

    def __init__(
        self, chip: Chip, core: Core, weights: Weights, prompt: str, tokens: int, text: Any, batch: int = 1
    ) -> None:
        self.chip, self.core, self.weights, self.prompt, self.text = chip, core, weights, prompt, text
        self.ids: list[int] = text.encode(prompt)
        self.tokens, self.batch = tokens, batch
        self.prompts = [self.ids[: len(self.ids) - i % len(self.ids)] for i in range(batch)]
        self.placed = place(core, weights, sequences=batch)
        self.context = self.placed.memory.context
        self._check_batch()
        self._check()
        self.estimated = [self._cycles(i) for i in range(tokens)]

    def _check_batch(self) -> None:
        if not 1 <= self.batch <= self.placed.program.together:
            raise InputError(
                f"a batch of {self.batch} is not what {self.chip.name} decodes in a step: 1 to "
                f"{self.placed.program.together}, of {self.core.columns} columns of its tile"
            )

    def _check(self) -> None:
        need = len(self.ids) + self.tokens - 1
        if need > self.context:
            raise InputError(
                f"a prompt of {len(self.ids)} tokens and {self.tokens} more need {need} places in the KV cache, but "
                f"{self.chip.name} has {self.context} for {self.weights.model} (a shorter prompt or fewer tokens)"
            )
        size, capacity = self.placed.memory.nbytes, self.chip.memory.capacity_bytes
        if size > capacity:
            raise InputError(
                f"{self.weights.model} with {self._contexts()} needs {size / 1e6:.0f} MB of memory, "
                f"{(size - capacity) / 1e6:.0f} MB more than {self.chip.name} has (a smaller model, or more memory)"
            )

    def _contexts(self) -> str:
        each = f"a context of {self.context}"
        return each if self.batch == 1 else f"{each} for each of {self.batch} sequences"

    def _cycles(self, done: int) -> float:
        """The estimate of the decode step after `done` others: the mean of one with all sequences at the position of
        each, since each has its own share of the attention."""
        positions = [max(len(prompt) - 1 + done, 1) for prompt in self.prompts]
        known = {at: estimate(self.chip, self.weights.model, "decode", self.batch, at) for at in set(positions)}
        return sum(float(known[at]["latency_s"]) for at in positions) / self.batch * self.chip.clock_hz


class Shown:
    """Tells `watch` after each token and while a pass runs."""

    def __init__(self, job: Job, watch: Watch) -> None:
        self._job, self._watch = job, watch
        self._ids: list[int] = []
        self._total = 0
        self._seconds: list[float] = []
        self._text = job.prompt

    def cycles(self, now: int) -> None:
        self._tell(now)

    def step(self, step: Any) -> None:
        self._ids.append(step.rtl[0])
        self._total += step.cycles
        self._seconds.append(step.seconds)
        self._text = said(self._job, self._job.ids, self._ids)
        self._tell(0)

    def _tell(self, now: int) -> None:
        each = mean_s(self._seconds) if self._seconds else None
        self._watch(Progress(self._text, len(self._ids), self._job.tokens, now, self._total, each))


def mean_s(seconds: list[float]) -> float:
    """Of a token; the first one, which the prompt's passes come before, counts only if it is alone.

    >>> mean_s([9.0, 2.0, 4.0]), mean_s([9.0])
    (3.0, 9.0)
    """
    later = seconds[1:] or seconds
    return sum(later) / len(later)


def said(job: Job, prompt: list[int], ids: list[int]) -> str:
    """Prompt and answer."""
    return (job.prompt if prompt == job.ids else str(job.text.decode(prompt))) + answer(job, ids)


def answer(job: Job, ids: list[int]) -> str:
    """A character that is not whole yet is left out."""
    return str(job.text.decode(ids)).rstrip("\ufffd")
