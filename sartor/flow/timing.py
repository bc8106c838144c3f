"""What a timing analysis says: the slowest path, cell by cell."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One cell of the critical path: the arc into `net`, its delay, and the arrival after it."""

    component: str
    instance: str
    cell: str
    net: int
    rising: bool
    delay_s: float
    arrival_s: float


@dataclass(frozen=True)
class Timing:
    """The slowest path of a netlist. `critical_s` is the shortest clock period that it allows."""

    critical_s: float
    slack_s: float
    period_s: float
    path: tuple[Step, ...]
    ends_at: str

    @property
    def fmax_hz(self) -> float:
        return 1.0 / self.critical_s

    def by_component(self) -> dict[str, float]:
        """Seconds of the critical path in each component."""
        found: dict[str, float] = {}
        for step in self.path:
            found[step.component] = found.get(step.component, 0.0) + step.delay_s
        return found
