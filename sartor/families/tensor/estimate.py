"""Family `tensor`: the time and energy of one phase, operator by operator.

Weights stream from memory through FIFOs while the vector unit works; what the FIFOs cannot bridge is exposed.
Times and bytes are of one layer and one chip until they are summed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...formulas import tile
from ...formulas.phase import OperatorTime, Phase
from ...workload.operators import Attention, Gemm, Lookup, Operators, Recurrence, Step
from .machine import PAGE_TOKENS
from .placement import _BYTE_BITS, RESULT_BYTES, Placement, crossing_bytes

ACTIVATION_BYTES = 1.0  # INT8 in groups, on the way into a GEMM
STATE_BYTES = 2.0  # a recurrent state's element


class PhaseEstimate:
    """Walks the operators of one phase. Softmax goes before its attention; the rest of the vector work is
    spread evenly over the GEMMs, each of which waits for its share."""

    def __init__(self, replica: Placement, operators: Operators, step: Step, keep: bool) -> None:
        self.replica, self.machine, self.chips = replica, replica.machine, replica.chips
        self.operators, self.step = operators, step
        self.phase = Phase(keep=keep)
        # All counts are proportional to the batch: count one sequence, then multiply once.
        self.one = Step(1, step.tokens, step.context)

    def run(self) -> Phase:
        self._share_vector_work()
        visit = {
            Gemm: self._gemm, Attention: self._attention, Recurrence: self._recurrence, Lookup: self._lookup,
        }  # fmt: skip
        for op in self.operators.all:
            if type(op) in visit:
                visit[type(op)](op)  # type: ignore[operator]
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
        rows, token_folds, matrices = self._tokens(op)
        fold_s = place.fold_s
        in_bytes = rows * place.k * ACTIVATION_BYTES
        out_bytes = rows * place.n * RESULT_BYTES
        moved = tile.gemm_bytes(
            place.weight_bytes, in_bytes, out_bytes, m.half_scratchpad, place.weight_blocks
        )
        if op.experts > 1:
            fold_s, moved = fold_s * matrices, moved * matrices
        self._finish(op, fold_s, token_folds, moved, moved / m.stream_bytes_per_s, self.before_gemm)

    def _tokens(self, op: Gemm) -> tuple[Any, Any, Any]:
        """Tokens through one matrix, their folds, and matrices that the fullest chip runs."""
        rows, matrices = op.rows(self.step), 1.0
        if op.experts > 1:
            touched = op.matrices(self.step)
            rows, matrices = rows * (op.experts / touched), self.replica.expert_matrices(op, touched)
        return rows, tile.folds(rows, self.machine.designs.columns), matrices

    def _attention(self, op: Attention) -> None:
        m, d, step = self.machine, self.machine.designs, self.step
        split = np.minimum(self.chips, op.kv_heads)  # beyond it, chips share a KV head's cache
        group = op.heads / op.kv_heads
        units = step.batch * (op.kv_heads / split)
        query_folds = tile.folds((group * step.tokens) * (split / self.chips), d.columns)
        positions = op.attended(step)
        scores = tile.folds(units * tile.folds(positions, d.rows), d.cores) * tile.folds(op.key_dim, d.lanes)
        mix = tile.folds(units * tile.folds(positions, d.lanes), d.cores) * tile.folds(op.value_dim, d.rows)
        fold_s = (scores + mix) * m.cache_passes / m.compute_hz
        # A block of queries that the scratchpads hold reads the cache once.
        held = np.maximum(m.half_scratchpad / (op.key_dim * RESULT_BYTES * group), 1)
        token_bytes = (op.cached / split) * (m.cache_bits / _BYTE_BITS)
        reads = step.batch * positions * np.ceil(step.tokens / held) * token_bytes
        writes = step.rows * token_bytes
        # 1 / efficiency of page-sized chunks of K, of V.
        slow = 1 + m.chunk_half / (token_bytes * (PAGE_TOKENS / 2))
        memory_s = (reads * slow + writes) / m.stream_bytes_per_s
        vector_s = self.before_attention.get(op.window, 0.0)
        self._finish(op, fold_s, query_folds, reads + writes, memory_s, vector_s)

    def _recurrence(self, op: Recurrence) -> None:
        m, d, step = self.machine, self.machine.designs, self.step
        moved = step.batch * (2 * op.state * STATE_BYTES) / self.chips  # read and written
        # One element of state a row and cycle: lanes cannot share a state.
        compute_s = step.rows * op.macs_per_token / (self.chips * d.cores * d.rows * m.compute_hz)
        self._finish(op, compute_s, 1.0, moved, moved / m.stream_bytes_per_s, 0.0)

    def _lookup(self, op: Lookup) -> None:
        moved = op.elements_read(self.step) * RESULT_BYTES / self.chips
        self.phase.dram_bytes = self.phase.dram_bytes + moved

    def _finish(
        self, op: Any, fold_s: Any, token_folds: Any, moved: Any, memory_s: Any, vector_s: Any
    ) -> None:
        """Close an operator: the vector work before it pipelines with it, one fold of tokens at a time."""
        m, compute_s = self.machine, fold_s * token_folds
        first_s = vector_s / token_folds + m.startup_s
        busy = tile.exposed_s(compute_s, memory_s, vector_s + fold_s, first_s, m.prefetch_s)
        network_s = self.replica.network_s(op, self.step) if isinstance(op, Gemm) else 0.0
        self.phase.latency_s = self.phase.latency_s + (busy + network_s) * op.count
        self.phase.dram_bytes = self.phase.dram_bytes + moved * op.count
        if self.phase.keep:
            n, macs = op.count, op.macs(self.step)
            times = ((busy + network_s) * n, compute_s * n, memory_s * n, vector_s * n, network_s * n)
            self.phase.operators.append(OperatorTime(op.name, *times, moved * n, macs))

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

    def phase(self, operators: Operators, step: Step, keep: bool = False) -> Phase:
        """One pass over `operators`; `keep` the times of each for the explanation."""
        return PhaseEstimate(self, operators, step, keep).run()
