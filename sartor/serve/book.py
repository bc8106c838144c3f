"""What is written down while the cluster runs: each request's times, each second's sums, and, where asked for, every
run of steps."""

from __future__ import annotations

from array import array
from typing import NamedTuple

import numpy as np

from .request import Request
from .series import Series, sums_of

NEVER = float("nan")
_BATCH = 1 << 16  # runs that are summed up at once


class Run(NamedTuple):
    """Equal steps one after the other, of one engine. Times in seconds; the counts as at its beginning."""

    engine: int
    start_s: float
    end_s: float
    steps: int
    decoding: int
    prompt_tokens: int  # computed in them
    running: int
    waiting: int
    used_blocks: int
    energy_j: float


class Book:
    """Columns [requests]: a request that never got a token, or never its last, has NaN there. `keep_s`: runs that begin
    before are kept, for a timeline."""

    def __init__(self, requests: int, width_s: float = 1.0, keep_s: float = 0.0) -> None:
        self.first_s = array("d", [NEVER]) * requests
        self.last_s = array("d", [NEVER]) * requests
        self.preempted = array("i", [0]) * requests
        self.cached_tokens = array("i", [0]) * requests
        self.engine = array("i", [-1]) * requests
        self.pool_of: list[int] = []  # of each engine
        self.width_s = width_s
        self._series: dict[int, Series] = {}  # of each pool
        self.kept: list[Run] = []
        self._keep_s = keep_s
        self._runs: list[tuple] = []

    def came(self, request: Request, engine: int) -> None:
        self.engine[request.number] = engine

    def thrown_out(self, request: Request) -> None:
        self.preempted[request.number] += 1

    def found(self, request: Request, tokens: int) -> None:
        """Of its prompt, in the cache."""
        self.cached_tokens[request.number] += tokens

    def first(self, request: Request, at_s: float) -> None:
        """The first token came out; that of a request which was pre-empted or moved came before."""
        if request.todo == request.output:
            self.first_s[request.number] = at_s

    def last(self, request: Request, at_s: float) -> None:
        self.last_s[request.number] = at_s

    def run(self, run: tuple) -> None:
        self._runs.append(run)
        if run[1] < self._keep_s:
            self.kept.append(Run(*run))
        if len(self._runs) == _BATCH:
            self._sum_up()

    def _sum_up(self) -> None:
        if not self._runs:
            return
        engine, start, end, sums = sums_of(self._runs)
        pools = np.array(self.pool_of or [0])[engine]
        for pool in np.unique(pools).tolist():
            own = pools == pool
            series = self._series.setdefault(pool, Series(self.width_s))
            series.add(start[own], end[own], sums[:, own])
        self._runs.clear()

    def seconds(self, until_s: float, pool: int = 0) -> dict[str, np.ndarray]:
        """Each second's sums and averages of a pool, all [seconds]."""
        self._sum_up()
        return self._series.setdefault(pool, Series(self.width_s)).columns(until_s)

    def columns(self) -> dict[str, np.ndarray]:
        names = ("first_s", "last_s", "preempted", "cached_tokens", "engine")
        return {name: np.frombuffer(getattr(self, name), dtype=getattr(self, name).typecode) for name in names}
