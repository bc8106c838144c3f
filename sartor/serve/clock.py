"""Things that are to happen, in order of their time; among equals, in the order in which they were told."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from math import inf

Action = Callable[[float], None]


class Clock:
    """`at`: do something at a time. Nothing happens by itself: whoever runs the cluster asks for what is next."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Action]] = []
        self._told = 0
        self.now_s = 0.0

    def at(self, time_s: float, action: Action) -> None:
        self._told += 1
        heapq.heappush(self._heap, (time_s, self._told, action))

    @property
    def next_s(self) -> float:
        return self._heap[0][0] if self._heap else inf

    def happen(self) -> None:
        """The next thing."""
        time_s, _, action = heapq.heappop(self._heap)
        self.now_s = time_s
        action(time_s)
