"""Family `tensor`: what the operators of a phase add up to: cycles and bytes of one core, seconds on links, joules."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable
from typing import Any

from ...formulas.phase import OperatorTime, Phase
from ...workload.operators import Lookup, Operators
from ...workload.step import Step
from ...workload.vectors import QUANTIZE
from .placement import Placement, crossing_bytes


class Sums:
    """Operators come one by one; `keep` the times of each; without `energy` the latency alone."""

    def __init__(self, replica: Placement, operators: Operators, step: Step, keep: bool, energy: bool) -> None:
        self.replica, self.machine, self.chips = replica, replica.machine, replica.chips
        self.operators, self.step, self.energy = operators, step, energy
        self._phase = Phase(keep=keep)
        # Cycles and bytes of one core by how often both come in a layer, seconds on links.
        self._of_core: dict[int, tuple[Any, Any, Any]] = {}
        self._network: Any = 0.0

    def phase(self) -> Phase:
        """All that was added."""
        d, sums = self.machine.designs, list(self._of_core.values())
        self._phase.latency_s = _sum(taken * times for times, taken, _ in sums) / d.clock_hz + self._network
        if self.energy:
            self._phase.dram_bytes = _sum(moved * times for times, _, moved in sums) * (d.cores * self.chips)
            self._phase.energy_j = self._energy_j()
        return self._phase

    def add(
        self, op: Any, taken: Any, parts: tuple[Any, Any, Any, Any], times: Any = 1, network_s: Any = None
    ) -> None:
        """Close an operator of some layers: cycles taken, those of tile, vector unit and memory, and bytes of one
        core, `times` in each."""
        layers = getattr(op, "count", 1)
        found = self._of_core.get(id(times))
        all_taken, all_moved = taken * layers, parts[3] * layers if self.energy else 0.0
        if found:
            all_taken, all_moved = found[1] + all_taken, found[2] + all_moved
        self._of_core[id(times)] = times, all_taken, all_moved
        if network_s is not None:
            self._network = self._network + network_s * layers
        if self._phase.keep:
            n = times * layers
            self._keep(op, [p * n for p in (taken, *parts)], 0.0 if network_s is None else network_s * layers)

    def _keep(self, op: Any, sums: list[Any], waited_s: Any) -> None:
        """For people: an operator of all layers; see `add`."""
        d = self.machine.designs
        taken_s, busy_s, vector_s, memory_s = (cycles_ / d.clock_hz for cycles_ in sums[:4])
        macs = 0 if isinstance(op, Lookup) else op.macs(self.step)
        spent = taken_s + waited_s, busy_s, memory_s, vector_s, waited_s
        self._phase.operators.append(OperatorTime(op.name, *spent, sums[4] * d.cores, macs))

    def _energy_j(self) -> dict[str, Any]:
        """Dynamic energy of all chips, by part."""
        m, one = self.machine, Step(1, self.step.tokens, self.step.context)
        vector_ops = sum(op.lane_ops(one) for op in self.operators.vectors)
        batch, repeated = self.step.batch, self.replica.repeated(self.operators.gemms, one)
        return {
            "compute": (self.operators.macs(one) + repeated) * batch * m.mac_j,
            "vector": (vector_ops * m.vector_j + quantized(self.operators, one) * m.number_j) * batch,
            "memory": self._phase.dram_bytes * m.dram_j_per_byte,
            "scratchpad": self._phase.dram_bytes * m.sram_j_per_byte,
            "decoder": self._phase.dram_bytes * m.decode_j_per_byte,
            "network": crossing_bytes(self.operators.gemms, one, self.chips) * batch * m.link_j_per_byte,
        }


def quantized(operators: Operators, step: Step) -> Any:
    """Numbers that become codes: those that enter GEMMs, and keys and values."""
    entering = sum(op.lane_ops(step) for op in operators.vectors if op.name == "quantize") / QUANTIZE
    return entering + sum(op.cache_elements_written(step) for op in operators.attentions)


def _sum(parts: Iterable[Any]) -> Any:
    """Of arrays, without a zero before the first."""
    return functools.reduce(operator.add, parts)
