"""One request as it runs: its own cache, its tokens, and what they cost on the chip."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from .sampling import Sampling, Scored
from .text import Text


@dataclass(frozen=True)
class Piece:
    """One token as it is given out; the text may come with a later one."""

    token: int
    text: str
    scored: Scored | None


@dataclass(frozen=True)
class Finished:
    """The end. `reason`: stop, length, or why it was given up (abort, timeout, error). `text`: held back so far."""

    reason: str
    text: str = ""


Event = Piece | Finished


@dataclass
class OnChip:
    """Seconds and joules on the chip, one pass after the other; `first_s`: until the first token."""

    prefill_s: float = 0.0
    decode_s: float = 0.0
    energy_j: float = 0.0
    first_s: float = 0.0
    passes: int = 0

    @property
    def seconds(self) -> float:
        return self.prefill_s + self.decode_s


@dataclass(eq=False)
class Stream:
    """`emit` takes each event, called in the engine's thread. `ends`: tokens that end it, once `least` are said."""

    prompt: list[int]
    most: int
    sampling: Sampling
    text: Text
    emit: Callable[[Event], None]
    rng: np.random.Generator
    ends: frozenset[int] = frozenset()
    least: int = 0
    tokens: list[int] = field(default_factory=list)
    fed: int = 0  # tokens of the prompt in the cache
    turn: int = 0  # of the engine, when it last had a chunk
    position: int = 0
    on_chip: OnChip = field(default_factory=OnChip)
    cancelled: str = ""  # why
    memory: np.ndarray | None = None
    arrived: float = field(default_factory=time.monotonic)
    admitted: float = 0.0
    decoding: float = 0.0
    first: float = 0.0
    last: float = 0.0
    reason: str = ""

    @property
    def held(self) -> int:
        """Tokens in its cache."""
        return max(self.fed, self.position)
