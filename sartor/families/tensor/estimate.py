"""Family `tensor`: the time and energy of one phase, operator by operator, as the program runs it.

One instruction runs at a time; weights stream from memory into a FIFO all the while. A matrix takes `columns`
tokens in one pass over its weights. Cycles, bytes and times are of one layer and one core until they are summed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...formulas import tile
from ...formulas.phase import OperatorTime, Phase
from ...workload.operators import Attention, Gemm, Lookup, Operators, Recurrence, Step
from . import cycles
from .passes import Around, around, once
from .placement import Placement, crossing_bytes

STATE_BYTES = 2.0  # a recurrent state's element
LOOKUP_BYTES = 4.0  # an element of an embedding row: binary32


class PhaseEstimate:
    """Walks the operators of one phase. Vector work stands before the matrix that waits for it."""

    def __init__(
        self, replica: Placement, operators: Operators, step: Step, keep: bool, energy: bool
    ) -> None:
        self.replica, self.machine, self.chips = replica, replica.machine, replica.chips
        self.operators, self.step, self.energy = operators, step, energy
        self.phase = Phase(keep=keep)
        self.around: Around = around(operators)
        self._shared: dict[Any, Any] = {}
        # Cycles and bytes of the mixers before each matrix that takes their output.
        self._mixed: Any = 0.0
        self._mixed_bytes: Any = 0.0

    def run(self) -> Phase:
        for op in self.operators.lookups:
            self._lookup(op)
        for attention in self.operators.attentions:
            self._attention(attention)
        for recurrence in self.operators.recurrences:
            self._recurrence(recurrence)
        for gemm in self.operators.gemms:
            self._gemm(gemm)
        if self.energy:
            self.phase.dram_bytes = self.phase.dram_bytes * self.chips
            self.phase.energy_j = self._energy_j()
        return self.phase

    def _columns(self, rows: Any) -> tuple[Any, Any]:
        """Passes over the weights, and the columns that each of them uses."""
        columns = self.machine.designs.columns
        return tile.folds(rows, columns), np.minimum(rows, columns)

    def _columns_of(self, op: Gemm) -> tuple[Any, Any]:
        """Of a matrix that all tokens see, worked out once."""
        key = op.last_token_only, op.over_context
        if key not in self._shared:
            self._shared[key] = self._columns(op.tokens(self.step))
        return self._shared[key]  # type: ignore[no-any-return]

    def _gap(self, what: str, key: Any, columns: Any) -> Any:
        """Cycles of vector work before a matrix; `key` names the columns."""
        if (what, key) not in self._shared:
            share = self.machine.designs.cores * self.chips
            work = getattr(self.around, what)
            self._shared[what, key] = cycles.vector(self.machine, work, columns, share) + self.machine.sync
        return self._shared[what, key]

    def _gemm(self, op: Gemm) -> None:
        m, place, matrices = self.machine, self.replica.geometry(op), 1.0
        key: Any = (op.last_token_only, op.over_context)
        if op.experts == 1:
            passes, columns = self._columns_of(op)
        else:
            touched, key = op.matrices(self.step), op
            passes, columns = self._columns(op.rows(self.step) * (op.experts / touched))
            matrices = self.replica.expert_matrices(op, touched)
        busy, times = cycles.matrix(m, place, columns), passes * matrices
        if op.shard == "row" and op.tensor in ("attention", "mixer"):
            # Attention is counted by itself; while it runs, the weights of this matrix stream.
            before = self._mixed / times, self._mixed_bytes / times
            taken = cycles.taken(m, before[0], busy, place.weight_bytes, before[1]) - before[0]
            gap: Any = 0.0
        else:
            gap = self._gap(self._place_of(op), key, columns)
            taken = cycles.taken(m, gap, busy, place.weight_bytes)
        moved = place.weight_bytes * times
        self._finish(op, taken * times, (busy * times, gap * times), moved, self._network_s(op))

    def _place_of(self, op: Gemm) -> str:
        if op.last_token_only:
            return "head"
        return "first" if op.shard != "row" else "down"

    def _network_s(self, op: Gemm) -> Any:
        """Sums of equal width take equal time."""
        if op.tensor == "expert":
            return self.replica.network_s(op, self.step)
        if op.shard != "row":
            return None
        if op.n not in self._shared:
            self._shared[op.n] = self.replica.network_s(op, self.step)
        return self._shared[op.n]

    def _attention(self, op: Attention) -> None:
        """Passes over the cache for the queries of each KV head, and the vector work around them."""
        step, share = self.step, self.replica.cache_share(op)
        done = cycles.attention(self.machine, op, share, step, op.attended(step))
        gap = self._around_attention(done.columns) * done.chunks
        self._mix(op, done.cycles + gap, done.moved_bytes + done.lost_bytes)
        self._finish(op, done.cycles + gap, (done.matrix, done.vector + gap), done.moved_bytes, None)

    def _around_attention(self, columns: Any) -> Any:
        return self._gap("attention", "mixers", columns)

    def _recurrence(self, op: Recurrence) -> None:
        m, d, step = self.machine, self.machine.designs, self.step
        share = self.chips * d.cores
        moved = step.batch * (2 * op.state * STATE_BYTES) / share  # read and written
        # One element of state a row and cycle: lanes cannot share a state.
        busy = step.rows * op.macs_per_token / (share * d.rows)
        passes, columns = self._columns(step.rows)
        gap = self._around_attention(columns) * passes
        taken = np.maximum(busy, moved / m.bytes_per_cycle) + gap
        self._mix(op, taken, moved)
        self._finish(op, taken, (busy, gap), moved, None)

    def _mix(self, op: Attention | Recurrence, taken: Any, n_bytes: Any) -> None:
        """The matrices after the mixers wait for them: an equal share each."""
        after = sum(
            g.count for g in self.operators.gemms if g.shard == "row" and g.tensor in ("attention", "mixer")
        )
        share = op.count / max(after, 1)
        self._mixed = self._mixed + taken * share
        self._mixed_bytes = self._mixed_bytes + n_bytes * share

    def _lookup(self, op: Lookup) -> None:
        """Embedding rows come one after the other: each waits for the memory."""
        m, moved = self.machine, op.elements_read(self.step) * LOOKUP_BYTES / self.chips
        self.phase.dram_bytes = self.phase.dram_bytes + moved
        copy = cycles.vector(m, once("stream", op.width), 1, 1)
        self.phase.latency_s = (
            self.phase.latency_s + self.step.rows * (cycles.fetched(m) + copy) / m.designs.clock_hz
        )

    def _finish(self, op: Any, taken: Any, parts: tuple[Any, Any], moved: Any, network_s: Any) -> None:
        """Close an operator: cycles taken, those of tile and vector unit, bytes of one core."""
        m, d = self.machine, self.machine.designs
        taken_s = taken / d.clock_hz
        if network_s is not None:
            taken_s = taken_s + network_s
        self.phase.latency_s = self.phase.latency_s + taken_s * op.count
        if self.energy:
            self.phase.dram_bytes = self.phase.dram_bytes + moved * (d.cores * op.count)
        if self.phase.keep:
            waited_s, n = (0.0 if network_s is None else network_s), op.count
            memory_s = moved / m.bytes_per_cycle / d.clock_hz
            busy_s, vector_s = (p / d.clock_hz for p in parts)
            times = taken_s * n, busy_s * n, memory_s * n, vector_s * n, waited_s * n
            self.phase.operators.append(
                OperatorTime(op.name, *times, moved * d.cores * n, op.macs(self.step))
            )

    def _energy_j(self) -> dict[str, Any]:
        """Dynamic energy of all chips, by part."""
        m, one = self.machine, Step(1, self.step.tokens, self.step.context)
        vector_ops = sum(op.lane_ops(one) for op in self.operators.vectors)
        batch = self.step.batch
        return {
            "compute": self.operators.macs(one) * batch * m.mac_j,
            "vector": vector_ops * batch * m.vector_j,
            "memory": self.phase.dram_bytes * m.dram_j_per_byte,
            "scratchpad": self.phase.dram_bytes * m.sram_j_per_byte,
            "network": crossing_bytes(self.operators.gemms, one, self.chips) * batch * m.link_j_per_byte,
        }


class Replica(Placement):
    """Chips side by side that hold one copy of a model (or of one stage's layers)."""

    def phase(self, operators: Operators, step: Step, keep: bool = False, energy: bool = True) -> Phase:
        """One pass over `operators`; `keep` the times of each; without `energy` its latency alone."""
        return PhaseEstimate(self, operators, step, keep, energy).run()
