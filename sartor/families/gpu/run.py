"""One pass over a model on the chips of one replica: what every kind of operator is priced with, and what it costs."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any

from ...workload.step import Step
from .machine import Machine
from .network import Network
from .passes import Passes, Setting


@dataclass(frozen=True)
class Served:
    """`chips` side by side, and the formats they serve in."""

    machine: Machine
    chips: Any
    weights: str
    cache: str
    formats: dict[str, str]
    setting: Setting = field(default_factory=Setting)
    spread: bool = False  # experts whole, some on each chip; else each chip has a part of all
    sent: bool = False  # tokens to the chips of their experts; else every chip has them all


@dataclass(frozen=True)
class Run:
    """One pass of `served` over the tokens of `step`."""

    served: Served
    step: Step
    decode: bool

    @property
    def machine(self) -> Machine:
        return self.served.machine

    @property
    def chips(self) -> Any:
        return self.served.chips

    @functools.cached_property
    def passes(self) -> Passes:
        return Passes(self.machine, self.chips, self.step, self.decode)

    @functools.cached_property
    def network(self) -> Network:
        return Network(self.machine, self.chips, self.step)


@dataclass
class Cost:
    """One operator in all its layers. Memory and arithmetic overlap; what is before and after them does not."""

    memory_s: Any = 0.0
    compute_s: Any = 0.0
    beside_s: Any = 0.0  # starts, casts, sums of parts, element-wise passes
    network_s: Any = 0.0
    dram_bytes: Any = 0.0  # a chip
    near_bytes: Any = 0.0  # that stay on the die, a chip
    link_bytes: Any = 0.0  # of all chips
    compute_j: Any = 0.0  # of all chips
    macs: Any = 0.0
