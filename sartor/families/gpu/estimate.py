"""Families `gpu` and `npu`: chips that exist, priced from their data sheet and the measured efficiencies of
their generation (gpu.csv). One kernel an operator: the roofline at achieved rates, plus a
launch-and-neighbors overhead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...chip.spec import Chip
from ...errors import Unsupported
from ...formats.spec import NumberFormat, format_named
from ...formulas import roofline
from ...formulas.phase import OperatorTime, Phase
from ...tech import link
from ...tech.technology import Technology
from ...workload.operators import Attention, Gemm, Lookup, Operators, Recurrence, Step

ACTIVATION_BYTES = 2.0
STATE_BYTES = 4.0
_BYTE_BITS = 8.0
# Formats whose operands a tensor core of another name takes as they are.
_SAME_PEAK = {
    "fp16": "bf16", "bf16": "fp16", "fp8-e5m2": "fp8-e4m3", "mxfp8-e4m3": "fp8-e4m3", "mxfp4": "nvfp4",
    "mxint8": "int8", "q8_0": "int8", "int8-g32": "int8",
}  # fmt: skip


@dataclass(frozen=True)
class Machine:
    """Achieved rates of one chip; floats or arrays [draws]."""

    chip: Chip
    peak_bytes_per_s: Any
    attention_bytes_per_s: Any
    overhead_s: Any
    j_per_byte: Any
    j_per_op16: Any
    tech: Technology

    def rate(self, weights: NumberFormat) -> tuple[Any, float]:
        """Achieved ops/s with such weights, and the bits of the operands it computes in."""
        name = weights.name if weights.name in self.chip.peaks else _SAME_PEAK.get(weights.name, "")
        if name in self.chip.peaks:
            bits = format_named(name).element_bits
            return self.chip.peaks[name] * self._gen(f"compute_efficiency_{int(bits)}"), bits
        return self._weight_only()

    def _weight_only(self) -> tuple[Any, float]:
        """Weights are unpacked to the narrowest operands of 8 bits or more that the chip has."""
        for name in ("bf16", "fp16", "int8", "fp8-e4m3"):
            if name in self.chip.peaks:
                rate = self.chip.peaks[name] * self._gen("weight_only_efficiency")
                return rate, format_named(name).element_bits
        raise Unsupported(
            f"{self.chip.name}: none of its peaks {sorted(self.chip.peaks)} computes with unpacked weights"
        )

    def stream_bytes_per_s(self, element_bits: float) -> Any:
        """Achieved rate of weights with such elements: narrower ones are unpacked on the way."""
        width = 16 if element_bits > 8 else 8 if element_bits > 4 else 4
        return self.peak_bytes_per_s * self._gen(f"stream_efficiency_{width}")

    def attention_rate(self) -> Any:
        """Achieved ops/s of scores and mixes: 16-bit operands where the chip has them."""
        name = next(n for n in ("bf16", "fp16", "int8", "fp8-e4m3", *self.chip.peaks) if n in self.chip.peaks)
        return self.chip.peaks[name] * self._gen("attention_compute_efficiency")

    def _gen(self, quantity: str) -> Any:
        return self.tech.fact("gpu", self.chip.generation, quantity)


def prepare(chip: Chip, tech: Technology) -> Machine:
    """Achieved rates of `chip` under the facts of `tech`."""

    def gen(quantity: str) -> Any:
        return tech.fact("gpu", chip.generation, quantity)

    peak = chip.memory.bandwidth_bytes_per_s or chip.sram_bandwidth_bytes_per_s
    return Machine(
        chip, peak, peak * gen("attention_efficiency"), gen("op_overhead"),
        gen("j_per_byte"), gen("j_per_op"), tech,
    )  # fmt: skip


@dataclass(frozen=True)
class Replica:
    """`chips` side by side, and the formats they serve in."""

    machine: Machine
    chips: Any
    weights: str
    cache: str
    formats: dict[str, str]

    def phase(self, operators: Operators, step: Step, keep: bool = False, energy: bool = True) -> Phase:
        """One pass over `operators`; `keep` the times of each for the explanation."""
        return PhaseEstimate(self, step, keep).run(operators)

    def hop_s(self, n_bytes: Any) -> Any:
        """What one stage sends the next: `n_bytes` of activations, each chip its share."""
        own = self.machine.chip.link
        wait = self.machine.tech.fact("links", own.kind, "latency")
        return link.hop_s(n_bytes / self.chips, max(own.bandwidth_bytes_per_s, 1.0), wait)


class PhaseEstimate:
    """Walks the operators of one phase."""

    def __init__(self, replica: Replica, step: Step, keep: bool = False) -> None:
        self.replica, self.machine, self.chips, self.step = replica, replica.machine, replica.chips, step
        self.phase = Phase(keep=keep)
        self.compute_j: Any = 0.0
        self.link_bytes: Any = 0.0

    def run(self, operators: Operators) -> Phase:
        visit = {
            Gemm: self._gemm, Attention: self._attention, Recurrence: self._recurrence, Lookup: self._lookup,
        }  # fmt: skip
        for op in operators.all:
            if type(op) in visit:
                visit[type(op)](op)  # type: ignore[operator]
        link_j = self.machine.tech.fact("links", self.machine.chip.link.kind, "energy")
        self.phase.energy_j = {
            "compute": self.compute_j,
            "memory": self.phase.dram_bytes * self.machine.j_per_byte,
            "network": self.link_bytes * link_j,
        }
        self._throttle()
        return self.phase

    def _throttle(self) -> None:
        """The clock falls until the chip draws no more than its power limit: the same work takes longer."""
        chip, tech = self.machine.chip, self.machine.tech
        if chip.tdp_w is None:
            return
        limit_w = chip.tdp_w * tech.fact("overheads", "power", "tdp_overshoot")
        working_w = limit_w - chip.tdp_w * tech.fact("gpu", chip.generation, "idle_fraction")
        least_s = self.phase.dynamic_j / (self.chips * working_w)
        lost_s = np.maximum(least_s - self.phase.latency_s, 0.0)
        self.phase.add(OperatorTime("power limit", lost_s, lost_s, 0.0, 0.0, 0.0, 0.0, 0.0), self.chips)

    def _gemm(self, op: Gemm) -> None:
        m = self.machine
        form = format_named(self.replica.formats.get(op.tensor, self.replica.weights))
        rate, operand_bits = m.rate(form)
        matrices = op.matrices(self.step) if op.experts > 1 else 1.0
        ops = 2 * op.macs(self.step) / self.chips
        rows = op.rows(self.step) * op.experts
        weight_bytes = matrices * op.k * op.n * form.bits() / _BYTE_BITS
        moved = (weight_bytes + rows * (op.k + op.n) * ACTIVATION_BYTES) * op.count / self.chips
        memory_s = moved / m.stream_bytes_per_s(form.element_bits)
        self._finish(op, ops / rate, memory_s, self._network_s(op), moved, op.macs(self.step))
        self.compute_j = self.compute_j + ops * self.chips * m.j_per_op16 * (operand_bits / 16)

    def _network_s(self, op: Gemm) -> Any:
        chip = self.machine.chip
        if np.ndim(self.chips) == 0 and self.chips == 1:
            return 0.0
        rate = max(chip.link.bandwidth_bytes_per_s, 1.0)
        wait = self.machine.tech.fact("links", chip.link.kind, "latency")
        if op.tensor == "expert":
            width = op.k if op.shard == "column" else op.n
            n_bytes = self.step.rows * (op.active * width * ACTIVATION_BYTES) / self.chips
            seconds, crossings = link.all_to_all_s(n_bytes, self.chips, rate, wait), 1.0
        elif op.shard == "row":
            n_bytes = self.step.rows * (op.n * ACTIVATION_BYTES)
            seconds, crossings = link.all_reduce_s(n_bytes, self.chips, rate, wait), 2.0
        else:
            return 0.0
        self.link_bytes = self.link_bytes + n_bytes * (self.chips - 1) * (crossings * op.count)
        return seconds * op.count

    def _attention(self, op: Attention) -> None:
        m, step = self.machine, self.step
        element = format_named(self.replica.cache).bits(op.key_dim) / _BYTE_BITS
        split = np.minimum(self.chips, op.kv_heads)
        ops = 2 * op.macs(step) / self.chips
        # Flash attention keeps scores on the chip; the cache passes once.
        moved = (op.cache_elements_read(step) + 2 * op.cache_elements_written(step)) * element / split
        self._finish(op, ops / m.attention_rate(), moved / m.attention_bytes_per_s, 0.0, moved, op.macs(step))
        self.compute_j = self.compute_j + ops * self.chips * m.j_per_op16

    def _recurrence(self, op: Recurrence) -> None:
        moved = 2 * op.state_elements(self.step.batch) * STATE_BYTES / self.chips
        ops = 2 * op.macs(self.step) / self.chips
        memory_s = moved / self.machine.stream_bytes_per_s(16)
        self._finish(op, ops / self.machine.attention_rate(), memory_s, 0.0, moved, op.macs(self.step))

    def _lookup(self, op: Lookup) -> None:
        self.phase.dram_bytes = self.phase.dram_bytes + op.elements_read(self.step) * ACTIVATION_BYTES

    def _finish(self, op: Any, compute_s: Any, memory_s: Any, network_s: Any, moved: Any, macs: Any) -> None:
        busy = roofline.time_s(compute_s, memory_s, 1.0, 1.0) + self.machine.overhead_s * op.count
        times = (busy + network_s, compute_s, memory_s, 0.0, network_s)
        self.phase.add(OperatorTime(op.name, *times, moved, macs), self.chips)
