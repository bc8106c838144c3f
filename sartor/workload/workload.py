"""The workload: a model, how it is asked and what its users expect. One of the two waists of the house."""

from __future__ import annotations

from dataclasses import dataclass, field

from .derive import operators
from .model import Model
from .operators import Operators
from .step import Step
from .traffic import Demand, Slo


@dataclass(frozen=True)
class Workload:
    """What must be computed, per phase, and for whom. `formats`: tensor classes whose format is not the chip's
    choice (a checkpoint's embedding and head, say)."""

    model: Model
    demand: Demand
    slo: Slo
    prefill: Operators
    decode: Operators
    formats: dict[str, str] = field(default_factory=dict)

    def decode_step(self, batch: object) -> Step:
        """One decode step of `batch` sequences at the mean context of decode steps."""
        return Step(batch, 1, self.demand.decode_context_mean)

    def prefill_step(self) -> Step:
        """The prefill of a mean prompt, with the context chosen so that attention, quadratic in the prompt, has
        the mean of its MACs over the traffic: tokens x (context + tokens / 2) = E[p^2] (hit + (1 - hit) / 2) (1 - hit).
        """
        d = self.demand
        fresh = 1 - d.prefix_hit
        spread = d.prompt_square_mean / d.prompt_mean**2
        tokens = d.prompt_mean * fresh
        return Step(1, tokens, spread * d.prompt_mean * (d.prefix_hit + fresh / 2) - tokens / 2)

    def tail_prefill_step(self) -> Step:
        """The prefill of a prompt as long as the SLO's percentile."""
        d = self.demand
        return Step(1, d.prompt_tail * (1 - d.prefix_hit), d.prompt_tail * d.prefix_hit)


def workload(model: Model, demand: Demand, slo: Slo, formats: dict[str, str] | None = None) -> Workload:
    return Workload(model, demand, slo, operators(model, "prefill"), operators(model, "decode"), dict(formats or {}))
