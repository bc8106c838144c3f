"""Family `tensor`: the time and energy of one phase, operator by operator.

Weights stream from memory through FIFOs while the vector unit works; what the FIFOs cannot bridge is exposed.
Times and bytes are of one layer and one chip until they are summed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...formulas import tile
from ...formulas.phase import OperatorTime, Phase
from ...workload.operators import Attention, Gemm, Lookup, Operators, Recurrence, Step
from .placement import RESULT_BYTES, Placement, crossing_bytes

STATE_BYTES = 2.0  # a recurrent state's element


@dataclass(frozen=True)
class Wait:
    """What an operator waits for: the vector work before it, how many folds of tokens that pipelines with, the
    time before the first of them, and how long the memory stands still meanwhile."""

    vector_s: Any
    folds: Any
    bubble_s: Any
    starved_s: Any


class PhaseEstimate:
    """Walks the operators of one phase. Softmax goes before its attention; the rest of the vector work is
    spread evenly over the GEMMs, each of which waits for its share."""

    def __init__(
        self, replica: Placement, operators: Operators, step: Step, keep: bool, energy: bool
    ) -> None:
        self.replica, self.machine, self.chips = replica, replica.machine, replica.chips
        self.operators, self.step, self.energy = operators, step, energy
        self.phase = Phase(keep=keep)
        # All counts are proportional to the batch: count one sequence, then multiply once.
        self.one = Step(1, step.tokens, step.context)
        self._waits: dict[tuple[bool, bool], Wait] = {}
        self._sums: dict[int, Any] = {}

    def run(self) -> Phase:
        self._share_vector_work()
        visit = {
            Gemm: self._gemm, Attention: self._attention, Recurrence: self._recurrence, Lookup: self._lookup,
        }  # fmt: skip
        for op in self.operators.all:
            if type(op) in visit:
                visit[type(op)](op)  # type: ignore[operator]
        if self.energy:
            self.phase.dram_bytes = self.phase.dram_bytes * self.chips
            self.phase.energy_j = self._energy_j()
        return self.phase

    def _share_vector_work(self) -> None:
        """Seconds before the attention of each window, and before each GEMM."""
        m, softmax, rest = self.machine, {}, 0.0
        for op in self.operators.vectors:
            if op.per_position:
                softmax[op.window] = op.lane_ops(self.one) / op.count
            else:
                rest += op.lane_ops(self.one)
        self.vector_ops = rest + sum(
            op.lane_ops(self.one) for op in self.operators.vectors if op.per_position
        )
        # One lane operation of each sequence.
        self.sequence_s = self.step.batch / (m.vector_ops_per_s * self.chips)
        self.before_attention = {window: ops * self.sequence_s for window, ops in softmax.items()}
        self.before_gemm = rest / sum(op.count for op in self.operators.gemms) * self.sequence_s

    def _gemm(self, op: Gemm) -> None:
        m, place = self.machine, self.replica.geometry(op)
        rows, fold_s = op.rows(self.step), place.fold_s
        matrices, wait = (1.0, self._shared_wait(op, rows)) if op.experts == 1 else (0.0, None)
        if wait is None:
            touched = op.matrices(self.step)
            rows, matrices = rows * (op.experts / touched), self.replica.expert_matrices(op, touched)
            wait = self._wait(self.before_gemm, rows)
        moved = tile.gemm_bytes(
            place.weight_bytes,
            rows * place.in_bytes,
            rows * place.out_bytes,
            m.half_scratchpad,
            place.weight_blocks,
        )
        if op.experts > 1:
            fold_s, moved = fold_s * matrices, moved * matrices
        self._finish(op, fold_s, wait, moved, moved / m.stream_bytes_per_s, self._network_s(op))

    def _shared_wait(self, op: Gemm, rows: Any) -> Wait:
        """GEMMs that see the same tokens wait alike."""
        key = op.last_token_only, op.over_context
        if key not in self._waits:
            self._waits[key] = self._wait(self.before_gemm, rows)
        return self._waits[key]

    def _wait(self, vector_s: Any, tokens: Any) -> Wait:
        """The vector work before an operator pipelines with it, one fold of tokens at a time."""
        folds = tile.folds(tokens, self.machine.designs.columns)
        bubble_s = vector_s / folds + self.machine.startup_s
        return Wait(vector_s, folds, bubble_s, tile.starved_s(bubble_s, self.machine.prefetch_s))

    def _network_s(self, op: Gemm) -> Any:
        """Sums of equal width take equal time."""
        if op.tensor == "expert":
            return self.replica.network_s(op, self.step)
        if op.shard != "row":
            return None
        if op.n not in self._sums:
            self._sums[op.n] = self.replica.network_s(op, self.step)
        return self._sums[op.n]

    def _attention(self, op: Attention) -> None:
        m, d, step, share = self.machine, self.machine.designs, self.step, self.replica.cache_share(op)
        units = step.batch * share.heads
        positions = op.attended(step)
        scores = tile.folds(units * tile.folds(positions, d.rows), d.cores) * tile.folds(op.key_dim, d.lanes)
        mix = tile.folds(units * tile.folds(positions, d.lanes), d.cores) * tile.folds(op.value_dim, d.rows)
        fold_s = (scores + mix) * share.fold_s
        wait = self._wait(self.before_attention.get(op.window, 0.0), share.queries * step.tokens)
        reads = np.ceil(step.tokens / share.held) * (step.batch * positions) * share.token_bytes
        writes = step.rows * share.token_bytes
        self._finish(
            op, fold_s, wait, reads + writes, (reads * share.slow + writes) / m.stream_bytes_per_s, None
        )

    def _recurrence(self, op: Recurrence) -> None:
        m, d, step = self.machine, self.machine.designs, self.step
        moved = step.batch * (2 * op.state * STATE_BYTES) / self.chips  # read and written
        # One element of state a row and cycle: lanes cannot share a state.
        compute_s = step.rows * op.macs_per_token / (self.chips * d.cores * d.rows * m.compute_hz)
        still = Wait(0.0, 1.0, m.startup_s, tile.starved_s(m.startup_s, m.prefetch_s))
        self._finish(op, compute_s, still, moved, moved / m.stream_bytes_per_s, None)

    def _lookup(self, op: Lookup) -> None:
        moved = op.elements_read(self.step) * RESULT_BYTES / self.chips
        self.phase.dram_bytes = self.phase.dram_bytes + moved

    def _finish(self, op: Any, fold_s: Any, wait: Wait, moved: Any, memory_s: Any, network_s: Any) -> None:
        """Close an operator."""
        compute_s = fold_s * wait.folds
        taken_s = tile.busy_s(compute_s, memory_s, wait.vector_s + fold_s, wait.bubble_s, wait.starved_s)
        if network_s is not None:
            taken_s = taken_s + network_s
        self.phase.latency_s = self.phase.latency_s + taken_s * op.count
        if self.energy:
            self.phase.dram_bytes = self.phase.dram_bytes + moved * op.count
        if self.phase.keep:
            waited_s, n = (0.0 if network_s is None else network_s), op.count
            times = taken_s * n, compute_s * n, memory_s * n, wait.vector_s * n, waited_s * n
            self.phase.operators.append(OperatorTime(op.name, *times, moved * n, op.macs(self.step)))

    def _energy_j(self) -> dict[str, Any]:
        """Dynamic energy of all chips, by part."""
        m, batch = self.machine, self.step.batch
        return {
            "compute": self.operators.macs(self.one) * batch * m.mac_j,
            "vector": self.vector_ops * batch * m.vector_j,
            "memory": self.phase.dram_bytes * m.dram_j_per_byte,
            "scratchpad": self.phase.dram_bytes * m.sram_j_per_byte,
            "network": crossing_bytes(self.operators.gemms, self.one, self.chips) * batch * m.link_j_per_byte,
        }


class Replica(Placement):
    """Chips side by side that hold one copy of a model (or of one stage's layers)."""

    def phase(self, operators: Operators, step: Step, keep: bool = False, energy: bool = True) -> Phase:
        """One pass over `operators`; `keep` the times of each; without `energy` its latency alone."""
        return PhaseEstimate(self, operators, step, keep, energy).run()
