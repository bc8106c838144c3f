"""What the chips of a replica send each other in one pass: (seconds, bytes of all chips)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...tech import link
from ...workload.gemm import Gemm
from ...workload.operators import Vector
from ...workload.step import Step
from .machine import ACTIVATION_BYTES, Machine

SUM_BYTES = 4.0
Sent = tuple[Any, Any]


@dataclass(frozen=True)
class Network:
    """The links of `chips` side by side, for the tokens of `step`."""

    machine: Machine
    chips: Any
    step: Step

    def gemm(self, op: Gemm, routed: bool) -> Sent:
        """Sums of what each chip adds to a GEMM's output; `routed`: the tokens of experts go to their chips instead."""
        if np.ndim(self.chips) == 0 and self.chips == 1:
            return 0.0, 0.0
        # Every chip holds all activations and a part of each expert; what a shared expert adds is summed with them.
        if op.shard != "row" or op.name.startswith("shared"):
            return 0.0, 0.0
        if routed and op.tensor == "expert":
            return self._routed(op)
        n_bytes = self.step.rows * (op.n * ACTIVATION_BYTES)
        sent = n_bytes * (self.chips - 1) * (2.0 * op.count)
        return self._summed_s(n_bytes) * op.count, sent

    def over_heads_s(self, op: Vector, again_s: Any) -> Any:
        """Norms over heads that lie on several chips: one sum a token and part goes round, and a second pass of
        `again_s` scales."""
        several = np.minimum(self.chips - 1, 1)
        if not op.over_heads or not np.any(several):
            return 0.0
        return (several * again_s + self._summed_s(self.step.rows * SUM_BYTES)) * (op.parts * op.count)

    def hop_s(self, n_bytes: Any) -> Any:
        """What one stage sends the next: `n_bytes` of activations, each chip its share."""
        return link.hop_s(n_bytes / self.chips, self._rate, self._fact("latency"))

    def _routed(self, op: Gemm) -> Sent:
        """Each chip sends its vectors to the chips of their experts, once to each, and they come back."""
        others = (self.chips - 1) * (1 - (1 - 1 / self.chips) ** op.active)
        sent = self.step.rows / self.chips * others * (op.n * ACTIVATION_BYTES)
        once_s = self._fact("direct_start") + sent / (self._rate * self._fact("direct_efficiency"))
        return 2 * op.count * once_s, sent * self.chips * (2 * op.count)

    def _summed_s(self, n_bytes: Any) -> Any:
        """Of either way to sum over chips: what it takes to start, and the share of the link's rate that it reaches."""
        ways = (f"{way}_{what}" for way in ("direct", "spread") for what in ("start", "efficiency"))
        return link.switched_all_reduce_s(n_bytes, self.chips, self._rate, *map(self._fact, ways))

    @property
    def _rate(self) -> float:
        return max(self.machine.chip.link.bandwidth_bytes_per_s, 1.0)

    def _fact(self, quantity: str) -> Any:
        return self.machine.tech.fact("links", self.machine.chip.link.kind, quantity)
