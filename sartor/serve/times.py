"""What the engine asks of whoever knows how long a step takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

Chunk = tuple[int, int]  # tokens of a prompt, and those of it that are in the cache
Spread = tuple[int, int]  # the shortest and the longest context among the requests that decode


class Line(NamedTuple):
    """Decode steps from some context on: the first takes `s` and `j`, each next one `s_more` and `j_more` more, for
    `steps` steps."""

    s: float
    s_more: float
    j: float
    j_more: float
    steps: int


class StepTimes(Protocol):
    """Seconds and joules of a step. `context`: tokens in the cache of the `n` requests that decode, all together;
    `spread` is only given to those who ask for it."""

    @property
    def wants_spread(self) -> bool: ...

    def step(self, chunks: Sequence[Chunk], n: int, context: int, spread: Spread) -> tuple[float, float]: ...

    def line(self, n: int, context: int, spread: Spread) -> Line: ...
