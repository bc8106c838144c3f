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
    """What is known while it runs. `text`: prompt and answer so far; `cycles`: of the pass that runs."""

    text: str
    tokens: int
    of: int
    cycles: int
    total_cycles: int
    seconds_per_token: float | None


Watch = Callable[[Progress], None]


class Job:
    """What is run: it is checked before anything long begins."""

    def __init__(self, chip: Chip, core: Core, weights: Weights, prompt: str, tokens: int, text: Any) -> None:
        self.chip, self.core, self.weights, self.prompt, self.text = chip, core, weights, prompt, text
        self.ids: list[int] = text.encode(prompt)
        self.tokens = tokens
        self.placed = place(core, weights)
        self.context = self.placed.memory.context
        self._check()
        self.positions = [len(self.ids) - 1 + i for i in range(tokens)]
        self.estimated = [self._cycles(position) for position in self.positions]

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
                f"{self.weights.model} with a context of {self.context} needs {size / 1e6:.0f} MB of memory, "
                f"{(size - capacity) / 1e6:.0f} MB more than {self.chip.name} has (a smaller model, or more memory)"
            )

    def _cycles(self, position: int) -> float:
        """The estimate of one decode pass with `position` tokens in the cache."""
        step = estimate(self.chip, self.weights.model, "decode", 1, max(position, 1))
        return float(step["latency_s"] * self.chip.clock_hz)


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

    def token(self, token: Any) -> None:
        self._ids.append(token.rtl)
        self._total += token.cycles
        self._seconds.append(token.seconds)
        self._text = said(self._job, self._ids)
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


def said(job: Job, ids: list[int]) -> str:
    """Prompt and answer; a character that is not whole yet is left out."""
    return job.prompt + str(job.text.decode(ids)).rstrip("\ufffd")
