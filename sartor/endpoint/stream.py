"""One request as it runs: its place on the chip, its tokens, and what they cost there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ..compiler.together import Sequence
from .sampling import Sampling, Scored
from .text import Text

PS = 1e12  # picoseconds of a second


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
    """What a request took on the chip, by the chip's own clock, which runs while passes run. `prefill_s` and `decode_s`
    are of the passes that it had a part in; `share_s` and `energy_j` its share of them, by the sequences in each;
    `first_s` and `last_s` from its arrival to a token, the passes of others among them."""

    arrived_ps: int = 0
    prefill_s: float = 0.0
    decode_s: float = 0.0
    share_s: float = 0.0
    energy_j: float = 0.0
    first_s: float = 0.0
    last_s: float = 0.0
    passes: int = 0
    decodes: int = 0
    shares: float = 0.0  # of its decode passes, by the sequences in each

    def add(self, decode: bool, sequences: int, seconds: float, joules: float, now_ps: int) -> None:
        """A pass of so many sequences, this one among them, that ended when the chip's clock was `now_ps`."""
        self.passes += 1
        self.share_s += seconds / sequences
        self.energy_j += joules / sequences
        self.last_s = (now_ps - self.arrived_ps) / PS
        if decode:
            self.decode_s += seconds
            self.decodes, self.shares = self.decodes + 1, self.shares + 1 / sequences
        else:
            self.prefill_s += seconds

    @property
    def batch(self) -> float | None:
        """Sequences in a decode pass of it: tokens over its share of passes, so that those of all requests add up to
        the passes that there were. None before the first.

        >>> OnChip(decodes=2, shares=1 / 2 + 1).batch  # one pass with another, one alone
        1.3333333333333333
        """
        return self.decodes / self.shares if self.decodes else None


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
    name: str = ""  # of the request
    tokens: list[int] = field(default_factory=list)
    sequence: Sequence | None = None  # while it has a place
    turn: int = 0  # passes that there had been when it last had one
    on_chip: OnChip = field(default_factory=OnChip)
    cancelled: str = ""  # why
    arrived: float = field(default_factory=time.monotonic)
    admitted: float = 0.0
    decoding: float = 0.0
    first: float = 0.0
    last: float = 0.0
    reason: str = ""

    @property
    def chosen_by_host(self) -> bool:
        """Whether its tokens may be others than the chip's own."""
        return self.sampling.chooses or bool(self.least and self.ends)
