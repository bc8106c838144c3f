"""What one pass of a phase costs on one replica: the common result of every family's estimate."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class OperatorTime:
    """One operator in all its layers: times are what each resource needs; `latency_s` is what it takes."""

    name: str
    latency_s: Any
    compute_s: Any
    memory_s: Any
    vector_s: Any
    network_s: Any
    dram_bytes: Any
    macs: Any

    @property
    def bound(self) -> str:
        """The resource that takes longest; for single designs."""
        parts = {
            "compute": self.compute_s,
            "memory": self.memory_s,
            "vector": self.vector_s,
            "network": self.network_s,
        }
        return max(parts, key=lambda k: float(parts[k]))


@dataclass
class Phase:
    """Sums over operators; floats or arrays [designs]. Energy is dynamic, of all chips of the replica."""

    latency_s: Any = 0.0
    dram_bytes: Any = 0.0  # all chips
    energy_j: dict[str, Any] = field(default_factory=dict)
    operators: list[OperatorTime] = field(default_factory=list)
    keep: bool = False  # keep the operators: for single designs, not for millions

    def add(self, op: OperatorTime, chips: Any) -> None:
        self.latency_s = self.latency_s + op.latency_s
        self.dram_bytes = self.dram_bytes + op.dram_bytes * chips
        if self.keep:
            self.operators.append(op)

    @property
    def dynamic_j(self) -> Any:
        return sum(self.energy_j.values())
