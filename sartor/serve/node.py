"""One replica in the cluster: its engines, whether it is there, and for how long it is paid."""

from __future__ import annotations

from dataclasses import dataclass, field

from .engine import Engine
from .spec import Pool


@dataclass(eq=False)
class Node:
    """`up`: takes requests. `since_s`: from when on it is paid, None when it is not."""

    pool: int
    kind: Pool
    engines: list[Engine] = field(default_factory=list)
    up: bool = True
    draining: bool = False
    since_s: float | None = 0.0
    paid_s: float = 0.0
    link_free_s: float = 0.0  # when the caches it sends have left it

    @property
    def takes(self) -> bool:
        return self.up and not self.draining

    @property
    def empty(self) -> bool:
        return self.requests == 0

    @property
    def requests(self) -> int:
        """Running or waiting."""
        return sum(len(engine.running) + len(engine.waiting) for engine in self.engines)

    def pay(self, now_s: float) -> None:
        """Up to now."""
        if self.since_s is not None:
            self.paid_s += now_s - self.since_s
            self.since_s = now_s

    def leave(self, now_s: float) -> None:
        """It is given back."""
        self.pay(now_s)
        self.up, self.since_s = False, None
