"""Families `gpu` and `npu`: chips that exist, operator by operator, from their data sheet and the figures of their
generation (gpu.csv). docs/model.md has the formulas in words, `sartor validate gpu` their errors.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...formats.spec import format_named
from ...formulas.phase import OperatorTime, Phase
from ...tech import link
from ...workload.gemm import Gemm
from ...workload.operators import Attention, Lookup, Operators, Recurrence, Vector
from ...workload.step import Step
from . import kernels
from .attention import decode, operand_rows, prefill, queries
from .machine import Machine
from .passes import Passes, Setting
from .power import clock

ACTIVATION_BYTES = 2.0
STATE_BYTES = SUM_BYTES = 4.0
LIMIT = "power limit"  # the operator that stands for what a lower clock costs
_BYTE_BITS = 8.0
# Energy of a multiplication grows between its bits (the adder, the wires) and their square (the multiplier).
_NARROW = 1.25


@dataclass(frozen=True)
class Replica:
    """`chips` side by side, and the formats they serve in."""

    machine: Machine
    chips: Any
    weights: str
    cache: str
    formats: dict[str, str]
    setting: Setting = field(default_factory=Setting)
    spread: bool = False  # experts whole, some on each chip; else each chip has a part of all
    sent: bool = False  # tokens to the chips of their experts; else every chip has them all

    def phase(self, operators: Operators, step: Step, keep: bool = False, energy: bool = True) -> Phase:
        """One pass over `operators`; `keep` the times of each for the explanation."""
        return PhaseEstimate(self, step, operators.phase == "decode", keep).run(operators)

    def hop_s(self, n_bytes: Any) -> Any:
        """What one stage sends the next: `n_bytes` of activations, each chip its share."""
        own = self.machine.chip.link
        wait = self.machine.tech.fact("links", own.kind, "latency")
        return link.hop_s(n_bytes / self.chips, max(own.bandwidth_bytes_per_s, 1.0), wait)


class PhaseEstimate:
    """Walks the operators of one phase."""

    def __init__(self, replica: Replica, step: Step, decode: bool, keep: bool = False) -> None:
        self.replica, self.machine, self.chips, self.step = replica, replica.machine, replica.chips, step
        self.decode = decode
        self.passes = Passes(self.machine, self.chips, step, decode)
        self.phase = Phase(keep=keep)
        self.compute_j: Any = 0.0
        self.core_s: Any = 0.0  # that the clock of the cores bounds
        self.busy_s: Any = 0.0  # in which all cores have work, be it waiting for the memory
        self.near_bytes: Any = 0.0  # that stay on the die, of all chips
        self.link_bytes: Any = 0.0

    def run(self, operators: Operators) -> Phase:
        visit = {
            Gemm: self._gemm, Attention: self._attention, Recurrence: self._recurrence, Lookup: self._lookup,
            Vector: self._vector,
        }  # fmt: skip
        for op in operators.all:
            visit[type(op)](op)  # type: ignore[operator]
        link_j = self.machine.tech.fact("links", self.machine.chip.link.kind, "energy")
        m, chip_w = self.machine, self.machine.chip.tdp_w or 0.0
        self.phase.energy_j = {
            "compute": self.compute_j + self.busy_s * self.chips * (chip_w * m.gen("active_fraction")),
            "memory": self.phase.dram_bytes * m.j_per_byte + self.near_bytes * m.gen("j_per_near_byte"),
            "network": self.link_bytes * link_j,
        }
        if self.replica.setting.sustained:
            self._throttle()
        return self.phase

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

    def _add(self, op: Any, memory_s: Any, compute_s: Any, vector_s: Any, network_s: Any, moved: Any) -> None:
        """One operator: memory and arithmetic overlap, what is before and after them does not."""
        busy = kernels.overlapped_s(memory_s, compute_s)
        times = (busy + vector_s + network_s, compute_s, memory_s, vector_s, network_s)
        self.phase.add(OperatorTime(op.name, *times, moved, op.macs(self.step)), self.chips)
        self.core_s = self.core_s + busy * kernels.bound_by_second(memory_s, compute_s)
        self.busy_s = self.busy_s + busy

    def _gemm(self, op: Gemm) -> None:
        m, rows = self.machine, op.rows(self.step)
        form = format_named(self.replica.formats.get(op.tensor, self.replica.weights))
        rate, operand_bits = m.rate(form)
        least = 0.0
        if op.tensor == "expert":
            # Kernels of many experts at once are slower, and work on whole tiles however few tokens an expert gets.
            rate, least = rate * m.gen("expert_efficiency"), m.gen("tile_edge") / 2
        matrices = op.matrices(self.step) if op.experts > 1 else 1.0
        # A matrix that is not split is read and multiplied by every chip.
        k = op.k / self.chips if op.shard == "row" else op.k
        n = op.n / self.chips if op.shard == "column" else op.n
        sides, pace = op.experts, 1.0  # whose vectors come and go on a chip; what the fullest chip has more of
        if self.replica.spread and op.tensor == "expert":
            k, n, matrices, sides = op.k, op.n, matrices / self.chips, op.experts / self.chips
            pace = kernels.fullest(matrices, sides, self.chips)
        weights = matrices * k * n * form.bits() / _BYTE_BITS
        moved = (weights + rows * sides * (k + n) * ACTIVATION_BYTES) * op.count
        memory_s = pace * moved / m.stream_bytes_per_s(form.element_bits)
        shape, on = (rows, k, n, pace * matrices), (rate, m.near_bytes_per_s, m.cores, m.gen("tile_edge"), least)
        draw = m.core_draw(form.element_bits)
        _, memory_s, compute_s, parts_s = kernels.gemm_s(*shape, memory_s / op.count, *on, m.shapes, draw)
        vector_s = self._operands_s(op, rows * sides, k, operand_bits)
        start_s = vector_s + (parts_s + m.gen("op_overhead")) * op.count
        self._add(op, memory_s * op.count, compute_s * op.count, start_s, self._network_s(op), moved)
        self.compute_j = self.compute_j + 2 * op.macs(self.step) * (m.gen("j_per_op") * (operand_bits / 16) ** _NARROW)
        again = kernels.operand_bytes(rows, k, n, operand_bits / _BYTE_BITS, m.cores, m.gen("tile_edge"))
        self.compute_j = self.compute_j + again * matrices * (op.count * self.chips * m.gen("j_per_operand_byte"))

    def _operands_s(self, op: Gemm, rows: Any, k: Any, operand_bits: float) -> Any:
        """Activations are cast to operands below 16 bits by a kernel before, and padded by another."""
        if operand_bits >= 16 or not self.replica.setting.casts:
            return 0.0
        cast = self.passes.one_s(rows * k * (ACTIVATION_BYTES + operand_bits / _BYTE_BITS))
        ragged = (np.mod(rows, kernels.ROWS) > 0) & (op.experts == 1) & self.replica.setting.pads
        pad = self.passes.one_s(2 * rows * k * operand_bits / _BYTE_BITS) * ragged
        return (cast + pad) * op.count

    def _network_s(self, op: Gemm) -> Any:
        chip = self.machine.chip
        if np.ndim(self.chips) == 0 and self.chips == 1:
            return 0.0
        # Every chip holds all activations and a part of each expert; what a shared expert adds is summed with them.
        if op.shard != "row" or op.name.startswith("shared"):
            return 0.0
        rate = max(chip.link.bandwidth_bytes_per_s, 1.0)
        if self.replica.sent and op.tensor == "expert":
            return self._routed_s(op, rate)
        n_bytes = self.step.rows * (op.n * ACTIVATION_BYTES)
        self.link_bytes = self.link_bytes + n_bytes * (self.chips - 1) * (2.0 * op.count)
        return link.switched_all_reduce_s(n_bytes, self.chips, rate, *self._ways()) * op.count

    def _routed_s(self, op: Gemm, rate: float) -> Any:
        """Each chip sends its vectors to the chips of their experts, once to each, and they come back."""
        chips, fact = self.chips, self.machine.tech.fact
        others = (chips - 1) * (1 - (1 - 1 / chips) ** op.active)
        sent = self.step.rows / chips * others * (op.n * ACTIVATION_BYTES)
        self.link_bytes = self.link_bytes + sent * chips * (2 * op.count)
        kind = self.machine.chip.link.kind
        start_s, share = (fact("links", kind, f"direct_{what}") for what in ("start", "efficiency"))
        return 2 * op.count * (start_s + sent / (rate * share))

    def _ways(self) -> list[Any]:
        """Of either way to sum over chips: what it takes to start, and the share of the link's rate that it reaches."""
        names = (f"{way}_{what}" for way in ("direct", "spread") for what in ("start", "efficiency"))
        return [self.machine.tech.fact("links", self.machine.chip.link.kind, name) for name in names]

    def _attention(self, op: Attention) -> None:
        m, step = self.machine, self.step
        element = format_named(self.replica.cache).bits(op.key_dim) / _BYTE_BITS
        split = np.minimum(self.chips, op.kv_heads)
        ops = 2 * op.macs(step) / self.chips
        # Flash attention keeps scores on the chip; the cache passes once.
        moved = (op.cache_elements_read(step) + 2 * op.cache_elements_written(step)) * element / split
        shape = decode(m, op, step, ops, moved, self.chips) if self.decode else prefill(m, op, step, moved, self.chips)
        memory_s, compute_s, start_s, near = shape
        self._add(op, memory_s, compute_s, start_s, 0.0, moved)
        self.near_bytes = self.near_bytes + near * self.chips
        padded = operand_rows(queries(op, self.chips), self.decode)
        self.compute_j = self.compute_j + ops * self.chips * (padded * m.gen("j_per_op"))

    def _recurrence(self, op: Recurrence) -> None:
        m = self.machine
        moved = 2 * op.state_elements(self.step.batch) * STATE_BYTES / self.chips
        compute_s = 2 * op.macs(self.step) / self.chips / m.attention_ops_per_s
        memory_s = moved / m.stream_bytes_per_s(16)
        self._add(op, memory_s, compute_s, m.gen("op_overhead") * op.count, 0.0, moved)

    def _vector(self, op: Vector) -> None:
        seconds = self.passes.vector_s(op)
        if op.name in self.passes.known:
            summed_s = self._summed_s(op)
            self.phase.add(OperatorTime(op.name, seconds + summed_s, 0.0, 0.0, seconds, summed_s, 0.0, 0.0), self.chips)
            self.near_bytes = self.near_bytes + self.passes.moved_bytes(op) * self.chips

    def _summed_s(self, op: Vector) -> Any:
        """Norms over heads that lie on several chips: one sum a token and part goes round, and a second pass scales."""
        several = np.minimum(self.chips - 1, 1)
        if not op.over_heads or not np.any(several):
            return 0.0
        rate = max(self.machine.chip.link.bandwidth_bytes_per_s, 1.0)
        sum_s = link.switched_all_reduce_s(self.step.rows * SUM_BYTES, self.chips, rate, *self._ways())
        return (several * self.passes.one_s(0.0) + sum_s) * (op.parts * op.count)

    def _lookup(self, op: Lookup) -> None:
        n_bytes = op.elements_read(self.step) * ACTIVATION_BYTES
        self.phase.dram_bytes = self.phase.dram_bytes + n_bytes
        seconds = self.machine.gen("step_overhead") * (op.name == "embedding")
        self.phase.add(OperatorTime(op.name, seconds, 0.0, 0.0, seconds, 0.0, 0.0, 0.0), self.chips)
