"""Families `gpu` and `npu`: chips that exist, operator by operator, from their data sheet and the figures of their
generation (gpu.csv). docs/model.md has the formulas in words, `sartor validate gpu` their errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...formulas.phase import OperatorTime, Phase
from ...workload.gemm import Gemm
from ...workload.operators import Attention, Lookup, Operators, Recurrence, Vector
from ...workload.step import Step
from .attention import attention
from .kernels import bound_by_second, overlapped_s
from .machine import ACTIVATION_BYTES
from .matrices import gemm, recurrence
from .network import Network
from .power import clock
from .run import Cost, Run, Served

LIMIT = "power limit"  # the operator that stands for what a lower clock costs


@dataclass(frozen=True)
class Replica(Served):
    """Chips that serve, as the rest of the house asks them."""

    def phase(self, operators: Operators, step: Step, keep: bool = False, energy: bool = True) -> Phase:
        """One pass over `operators`; `keep` the times of each for the explanation."""
        return PhaseEstimate(Run(self, step, operators.phase == "decode"), keep).of(operators)

    def hop_s(self, n_bytes: Any) -> Any:
        """What one stage sends the next: `n_bytes` of activations."""
        return Network(self.machine, self.chips, Step(0, 0, 0)).hop_s(n_bytes)


def vector(run: Run, op: Vector) -> Cost:
    """Element-wise passes."""
    if op.name not in run.passes.known:
        return Cost()
    summed_s = run.network.over_heads_s(op, run.passes.one_s(0.0))
    return Cost(beside_s=run.passes.vector_s(op), network_s=summed_s, near_bytes=run.passes.moved_bytes(op))


def lookup(run: Run, op: Lookup) -> Cost:
    """Rows of a table; that of the embedding stands for what begins a step."""
    n_bytes = op.elements_read(run.step) * ACTIVATION_BYTES
    start_s = run.machine.gen("step_overhead") * (op.name == "embedding")
    return Cost(beside_s=start_s, dram_bytes=n_bytes / run.chips)


COSTS = {Gemm: gemm, Attention: attention, Recurrence: recurrence, Lookup: lookup, Vector: vector}


class PhaseEstimate:
    """Adds up the operators of one pass, and keeps the power limit."""

    def __init__(self, run: Run, keep: bool = False) -> None:
        self.run, self.machine, self.chips = run, run.machine, run.chips
        self.phase = Phase(keep=keep)
        self.all = Cost()  # bytes and joules of all operators
        self.core_s: Any = 0.0  # that the clock of the cores bounds
        self.busy_s: Any = 0.0  # in which all cores have work, be it waiting for the memory

    def of(self, operators: Operators) -> Phase:
        """Seconds and joules of one pass over `operators`."""
        for op in operators.all:
            self._add(op.name, COSTS[type(op)](self.run, op))  # type: ignore[operator]
        m, chip, phase = self.machine, self.machine.chip, self.phase
        active_w = (chip.tdp_w or 0.0) * m.gen("active_fraction")
        phase.energy_j = {
            "compute": self.all.compute_j + self.busy_s * self.chips * active_w,
            "memory": phase.dram_bytes * m.j_per_byte + self.all.near_bytes * self.chips * m.gen("j_per_near_byte"),
            "network": self.all.link_bytes * m.tech.fact("links", chip.link.kind, "energy"),
        }
        if self.run.served.setting.sustained:
            self._throttle()
        return phase

    def _add(self, name: str, cost: Cost) -> None:
        busy = overlapped_s(cost.memory_s, cost.compute_s)
        latency_s = busy + cost.beside_s + cost.network_s
        times = (latency_s, cost.compute_s, cost.memory_s, cost.beside_s, cost.network_s)
        self.phase.add(OperatorTime(name, *times, cost.dram_bytes, cost.macs), self.chips)
        self.core_s = self.core_s + busy * bound_by_second(cost.memory_s, cost.compute_s)
        self.busy_s = self.busy_s + busy
        self.all.compute_j = self.all.compute_j + cost.compute_j
        self.all.near_bytes = self.all.near_bytes + cost.near_bytes
        self.all.link_bytes = self.all.link_bytes + cost.link_bytes

    def _throttle(self) -> None:
        """The clock of the cores falls until the chip draws no more than its power limit."""
        chip, gen, phase = self.machine.chip, self.machine.gen, self.phase
        if chip.tdp_w is None:
            return
        working_w = chip.tdp_w * (gen("power_limit") - gen("idle_fraction"))
        device_j = phase.dram_bytes * self.machine.device_j_per_byte
        core_j = (phase.dynamic_j - device_j) / self.chips
        core_s = np.minimum(self.core_s, phase.latency_s)
        share = clock(core_j, device_j / self.chips, core_s, phase.latency_s - core_s, working_w)
        phase.energy_j["compute"] = phase.energy_j["compute"] * share
        phase.energy_j["memory"] = device_j + (phase.energy_j["memory"] - device_j) * share
        lost_s = core_s * (1 / share - 1)
        phase.add(OperatorTime(LIMIT, lost_s, lost_s, 0.0, 0.0, 0.0, 0.0, 0.0), self.chips)
