"""Family `tensor`: the time and energy of one phase, operator by operator.

One replica is `tensor` chips side by side times pipeline stages behind each other. GEMMs are split over chips and
cores by output feature (or over K, with a sum over chips after); experts are spread over the chips; the cache is
split by KV head. Weights stream from memory through FIFOs while the vector unit works.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...estimate import tile
from ...estimate.phase import OperatorTime, Phase
from ...tech import link
from ...workload.operators import Attention, Gemm, Lookup, Operators, Recurrence, Step, Vector
from .machine import PAGE_TOKENS, Machine

ACTIVATION_BYTES = 1.0  # INT8 in groups, on the way into a GEMM
RESULT_BYTES = 2.0  # on the way out, before it is quantized again
STATE_BYTES = 2.0  # a recurrent state's element
_BYTE_BITS = 8.0


class PhaseEstimate:
    """Walks the operators of one phase. Softmax goes before its attention; the rest of the vector work is spread
    evenly over the GEMMs, each of which waits for its share."""

    def __init__(self, machine: Machine, step: Step, chips: Any, formats: dict[str, str], keep: bool = False) -> None:
        self.machine, self.step, self.chips, self.formats = machine, step, chips, formats
        self.phase = Phase(keep=keep)
        self.totals: dict[str, Any] = {"macs": 0.0, "vector_ops": 0.0, "link_bytes": 0.0}

    def run(self, operators: Operators) -> Phase:
        self._share_vector_work(operators)
        visit = {Gemm: self._gemm, Attention: self._attention, Recurrence: self._recurrence, Lookup: self._lookup}
        for op in operators.all:
            if not isinstance(op, Vector):
                visit[type(op)](op)  # type: ignore[operator]
        return self._with_energy()

    def _share_vector_work(self, operators: Operators) -> None:
        """Lane operations of one chip: before the attention of each window, and before each instance of a GEMM."""
        self.before_attention: dict[int | None, Any] = {}
        rest: Any = 0.0
        for op in operators.vectors:
            ops = op.lane_ops(self.step) / self.chips
            if op.per_position:
                self.before_attention[op.window] = ops
            else:
                rest = rest + ops
        self.before_gemm = rest / sum(op.count for op in operators.gemms)

    def _gemm(self, op: Gemm) -> None:
        m, d, step = self.machine, self.machine.designs, self.step
        bits, passes = m.bits_passes(self.formats.get(op.tensor))
        matrices = op.matrices(step)
        rows = op.rows(step) * (op.experts / matrices)  # tokens through one touched matrix
        spread = self._expert_spread(op, matrices) if op.experts > 1 else 1.0
        n = op.n / self.chips if op.experts == 1 and op.shard == "column" else op.n
        k = op.k / self.chips if op.experts == 1 and op.shard == "row" else op.k
        cycles = tile.gemm_cycles(n / d.cores, k, rows, d.rows, d.lanes, d.columns, passes)
        weight_bytes = n * k * (bits / _BYTE_BITS)
        in_bytes = rows * k * ACTIVATION_BYTES
        moved = tile.gemm_bytes(
            weight_bytes, in_bytes, rows * n * RESULT_BYTES, m.half_scratchpad / in_bytes, d.cores, m.half_scratchpad
        )
        instances = spread * op.count
        self._finish(op, cycles / d.clock_hz * instances, moved / m.stream_bytes_per_s * instances,
                     self._network_s(op), moved * instances, op.macs(step), rows)  # fmt: skip

    def _expert_spread(self, op: Gemm, matrices: Any) -> Any:
        """Matrices on the fullest chip: the mean and, where experts are few, one standard deviation more.

        Source: maximum of a balanced multinomial, first order (Raab, Steger, RANDOM 1998)."""
        mean = matrices / self.chips
        return np.minimum(mean + np.sqrt(mean * (1 - 1 / self.chips)), op.experts / self.chips)

    def _network_s(self, op: Gemm) -> Any:
        m, d = self.machine, self.machine.designs
        if np.ndim(self.chips) == 0 and self.chips == 1:
            return 0.0
        rate, wait = np.maximum(d.link_bytes_per_s, 1.0), m.link_latency_s
        if op.experts > 1:
            n_bytes = self.step.rows * (op.active * (op.k if op.shard == "column" else op.n) * RESULT_BYTES) / self.chips
            seconds = link.all_to_all_s(n_bytes, self.chips, rate, wait)
        elif op.shard == "row":
            n_bytes = self.step.rows * (op.n * RESULT_BYTES)
            seconds = link.all_reduce_s(n_bytes, self.chips, rate, wait)
        else:
            return 0.0
        self.totals["link_bytes"] = self.totals["link_bytes"] + n_bytes * (self.chips - 1) * (2.0 * op.count)
        return seconds * op.count

    def _attention(self, op: Attention) -> None:
        m, d, step = self.machine, self.machine.designs, self.step
        split = np.minimum(self.chips, op.kv_heads)  # beyond it, chips share a KV head's cache
        units = step.batch * (op.kv_heads / split)
        queries = (op.heads / op.kv_heads) * step.tokens * (split / self.chips)
        positions = op.attended(step)
        width = m.cache_passes * tile.folds(queries, d.columns)
        scores = tile.folds(units * tile.folds(positions, d.rows), d.cores) * tile.folds(op.key_dim, d.lanes)
        mix = tile.folds(units * tile.folds(positions, d.lanes), d.cores) * tile.folds(op.value_dim, d.rows)
        element_bytes = m.cache_bits / _BYTE_BITS
        # A block of queries that the scratchpads hold reads the cache once.
        held = np.maximum(m.half_scratchpad / (op.key_dim * RESULT_BYTES * (op.heads / op.kv_heads)), 1)
        reads = step.batch * positions * np.ceil(step.tokens / held) * (op.cached / split) * element_bytes
        writes = step.rows * (op.cached / split) * element_bytes
        chunk = PAGE_TOKENS * (op.cached / 2) / split * element_bytes
        slow = 1 + m.chunk_half / chunk  # 1 / efficiency of page-sized chunks
        self._finish(op, (scores + mix) * width / d.clock_hz * op.count,
                     (reads * slow + writes) / m.stream_bytes_per_s * op.count, 0.0,
                     (reads + writes) * op.count, op.macs(step), step.rows)  # fmt: skip

    def _recurrence(self, op: Recurrence) -> None:
        m, d, step = self.machine, self.machine.designs, self.step
        moved = step.batch * (2 * op.state * STATE_BYTES) / self.chips  # read and written
        cycles = step.rows * op.macs_per_token / (self.chips * d.cores * d.rows)
        self._finish(op, cycles / d.clock_hz * op.count, moved / m.stream_bytes_per_s * op.count, 0.0,
                     moved * op.count, op.macs(step), step.rows)  # fmt: skip

    def _lookup(self, op: Lookup) -> None:
        self.phase.dram_bytes = self.phase.dram_bytes + op.elements_read(self.step) * RESULT_BYTES

    def _finish(self, op: Any, compute_s: Any, memory_s: Any, network_s: Any, moved: Any, macs: Any, rows: Any) -> None:
        """Close an operator: the vector work before it pipelines with it, block of tokens by block of tokens."""
        m = self.machine
        vector_ops = self._vector_before(op)
        vector_s = vector_ops / m.vector_ops_per_s
        first = vector_s / tile.folds(rows, m.designs.columns)
        bubble = first + (m.fill_s + m.vector_startup_s) * op.count
        busy = tile.exposed_s(compute_s, memory_s, vector_s, bubble, m.prefetch_s * op.count)
        self.totals["vector_ops"] = self.totals["vector_ops"] + vector_ops * self.chips
        self.totals["macs"] = self.totals["macs"] + macs
        self.phase.add(
            OperatorTime(op.name, busy + network_s, compute_s, memory_s, vector_s, network_s, moved, macs), self.chips
        )

    def _vector_before(self, op: Any) -> Any:
        if isinstance(op, Attention):
            return self.before_attention.get(op.window, 0.0)
        return self.before_gemm * op.count if isinstance(op, Gemm) else 0.0

    def _with_energy(self) -> Phase:
        m, totals = self.machine, self.totals
        self.phase.energy_j = {
            "compute": totals["macs"] * m.mac_j,
            "vector": totals["vector_ops"] * m.vector_j,
            "memory": self.phase.dram_bytes * m.dram_j_per_byte,
            "scratchpad": self.phase.dram_bytes * m.sram_j_per_byte,
            "network": totals["link_bytes"] * m.link_j_per_byte,
        }
        return self.phase
