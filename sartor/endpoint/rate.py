"""Tokens a second of late, by two clocks."""

from __future__ import annotations

import threading
import time
from collections import deque

WINDOW_S = 10.0


class Rate:
    """Counts of the last `WINDOW_S`; added to in one thread and asked in another."""

    def __init__(self) -> None:
        self._began, self._lock = time.monotonic(), threading.Lock()
        self._passes: deque[tuple[float, int, float]] = deque()  # when, tokens, seconds on the chip

    def add(self, now: float, tokens: int, chip_s: float) -> None:
        """A pass that ended at `now`, by time.monotonic."""
        with self._lock:
            self._passes.append((now, tokens, chip_s))
            self._forget(now)

    def here(self) -> float:
        """Tokens a second by the clock of this machine, pauses included."""
        now = time.monotonic()
        tokens, _ = self._late(now)
        return tokens / max(min(WINDOW_S, now - self._began), 1e-9)

    def on_chip(self) -> float:
        """Tokens a second that the chip is busy; 0 where it was not."""
        tokens, chip_s = self._late(time.monotonic())
        return tokens / chip_s if chip_s else 0.0

    def _late(self, now: float) -> tuple[int, float]:
        with self._lock:
            self._forget(now)
            return sum(p[1] for p in self._passes), sum(p[2] for p in self._passes)

    def _forget(self, now: float) -> None:
        while self._passes and self._passes[0][0] < now - WINDOW_S:
            self._passes.popleft()
