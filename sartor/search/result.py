"""How chips serve, what bounds them, and what pricing them gives; numbers or arrays [designs]."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..formulas.phase import Phase


@dataclass(frozen=True)
class Deployment:
    """How chips serve: `tensor_parallel` x `stages` chips a replica, `batch` slots a stage, and the share `load`
    of a replica's capacity that the day's peak brings."""

    tensor_parallel: Any = 1
    stages: Any = 1
    batch: Any = 1
    load: Any = 0.7

    @property
    def chips(self) -> Any:
        return self.tensor_parallel * self.stages


@dataclass(frozen=True)
class Budget:
    """Limits on one chip, and on a replica. None: no limit. `margin`: what is estimated must stay below its limit by
    this share."""

    power_w: float | None = None
    die_mm2: float | None = None
    unit_usd: float | None = None
    chips: int | None = None
    system_power_w: float | None = None
    batch: int | None = None
    margin: float = 0.0

    @property
    def exact(self) -> Budget:
        """The limits themselves."""
        return replace(self, margin=0.0)

    @property
    def built(self) -> Budget:
        """For a chip that is there: what it is and draws is known, so that only the SLO keeps the margin."""
        room = 1 - self.margin
        known = ("power_w", "die_mm2", "unit_usd", "system_power_w")
        return replace(self, **{n: getattr(self, n) / room for n in known if getattr(self, n) is not None})


@dataclass
class Result:
    """Figures of designs at work; floats or arrays [designs]."""

    usd_per_mtoken: Any  # per million output tokens, prompts included
    j_per_token: Any  # chip and memory, per output token, idle time included
    latency_s: Any  # mean request
    ttft_s: Any  # at the SLO's percentile
    tpot_s: Any
    tokens_per_s: Any  # output tokens of one replica at the day's peak
    requests_per_s: Any
    power_w: Any  # of one busy chip and its memory
    chip_usd: Any
    usd_per_s: Any
    prefill_s: Any
    decode_s: Any
    weight_bytes: Any  # on one chip
    cache_bytes: Any  # on one chip
    kl: Any = None  # nats, where quality is an axis
    violations: dict[str, Any] = field(default_factory=dict)  # value / limit; above 1 breaks it
    phases: dict[str, Phase] = field(default_factory=dict)

    @property
    def feasible(self) -> Any:
        return self.worst_violation <= 1

    @property
    def worst_violation(self) -> Any:
        worst: Any = 0.0
        for ratio in self.violations.values():
            worst = np.maximum(worst, ratio)
        return worst
