"""Family `tensor`: the time and energy of one phase, operator by operator, as the program runs it.

One instruction runs at a time; weights stream from memory into a FIFO all the while. A matrix takes `columns`
tokens in one pass over its weights. Cycles, bytes and times are of one layer and one core until they are summed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...formulas import tile
from ...formulas.phase import OperatorTime, Phase
from ...workload.operators import Attention, Gemm, Lookup, Operators, Recurrence, Step
from . import cycles
from .cycles_control import DECODE, PRODUCT
from .passes import Around, Work, around, once
from .placement import Placement, crossing_bytes

STATE_BYTES = 2.0  # a recurrent state's element
LOOKUP_BYTES = 4.0  # an element of an embedding row: binary32
FETCH = DECODE + PRODUCT  # cycles of the instruction
BEGIN = 8  # of a pass: registers set, the stream, HALT


class PhaseEstimate:
    """Walks the operators of one phase. Vector work stands before the matrix that waits for it."""

    def __init__(
        self, replica: Placement, operators: Operators, step: Step, keep: bool, energy: bool
    ) -> None:
        self.replica, self.machine, self.chips = replica, replica.machine, replica.chips
        self.operators, self.step, self.energy = operators, step, energy
        self.phase = Phase(keep=keep)
        self.around: Around = around(operators)
        self._share = self.machine.sharing * self.chips
        self._shared: dict[Any, Any] = {}
        # Sums over the operators: cycles of the core, seconds on links, bytes of one core.
        self._cycles: Any = 0.0
        self._network: Any = 0.0
        self._bytes: Any = 0.0
        # Cycles of the mixers, of them those in which the memory is busy, before each matrix that takes their
        # output.
        self._mixed: Any = 0.0
        self._mixed_memory: Any = 0.0

    def run(self) -> Phase:
        for op in self.operators.lookups:
            self._lookup(op)
        for attention in self.operators.attentions:
            self._attention(attention)
        for recurrence in self.operators.recurrences:
            self._recurrence(recurrence)
        for gemm in self.operators.gemms:
            self._gemm(gemm)
        self.phase.latency_s = self._cycles / self.machine.designs.clock_hz + self._network
        if self.energy:
            self.phase.dram_bytes = self._bytes * self.machine.designs.cores * self.chips
            self.phase.energy_j = self._energy_j()
        return self.phase

    def _once(self, key: Any, work_out: Callable[[], Any]) -> Any:
        """What several operators share, worked out for the first of them."""
        if key not in self._shared:
            self._shared[key] = work_out()
        return self._shared[key]

    def _columns(self, rows: Any) -> tuple[Any, Any, Any]:
        """Passes over the weights, the columns that each of them uses, and the cycles in which one row tile of
        their results leaves."""
        most = self.machine.designs.columns
        columns = np.minimum(rows, most)
        return tile.folds(rows, most), columns, columns * self.machine.drain

    def _columns_of(self, tokens: Any, key: Any) -> tuple[Any, Any, Any]:
        return self._once(("columns", key), lambda: self._columns(tokens))  # type: ignore[no-any-return]

    def _gap(self, what: str, columns: Any, key: Any) -> Any:
        """Cycles of vector work before a matrix, in one pass; `key` names the columns."""

        def work_out() -> Any:
            work: Work = getattr(self.around, what)
            return cycles.vector(self.machine, work, columns, self._share) + self.machine.sync

        return self._once((what, key), work_out)

    def _gemm(self, op: Gemm) -> None:
        m, place = self.machine, self.replica.geometry(op)
        key = op.last_token_only, op.over_context
        passes, columns, drain = self._columns_of(op.tokens(self.step), key)
        mixed = op.shard == "row" and op.tensor in ("attention", "mixer")
        gap: Any = 0.0 if mixed else self._gap(_place_of(op), columns, key)
        times = passes
        if op.experts > 1:  # the same vector work, before more matrices with fewer tokens each
            touched = op.matrices(self.step)
            each, _, drain = self._columns(op.rows(self.step) * (op.experts / touched))
            times = each * self.replica.expert_matrices(op, touched)
            gap = gap * (passes / times) + m.sync
        busy = cycles.matrix(place.tile_cycles, place.tiles, drain)
        moved, tail = place.stream_cycles, cycles.MATRIX_LATENCY + drain
        if mixed:  # Attention is counted by itself; while it runs, the weights of this matrix stream.
            before = self._mixed / times
            taken = cycles.taken(m, before, busy, moved, tail, self._mixed_memory / times) - before
            moved = np.minimum(moved, taken)  # the rest costs nothing
        else:
            taken = cycles.taken(m, gap, busy, moved, tail)
        self._finish(op, taken, (busy, gap, moved, place.weight_bytes), times, self._network_s(op))

    def _network_s(self, op: Gemm) -> Any:
        """Sums of equal width take equal time."""
        if self.replica.alone or (op.tensor != "expert" and op.shard != "row"):
            return None
        key = op if op.tensor == "expert" else op.n
        return self._once(("network", key), lambda: self.replica.network_s(op, self.step))

    def _attention(self, op: Attention) -> None:
        """Passes over the cache for the queries of each KV head, and the vector work around them."""
        m, step, share = self.machine, self.step, self.replica.cache_share(op)
        done = cycles.attention(m, op, share, step, op.attended(step))
        vector = done.vector + self._around_mixer()
        moved = done.moved_bytes / m.bytes_per_cycle
        taken = done.matrix + vector
        self._mix(op, taken, moved + done.lost_bytes / m.bytes_per_cycle)
        self._finish(op, taken, (done.matrix, vector, moved, done.moved_bytes))

    def _around_mixer(self) -> Any:
        """Vector work of all tokens, one layer."""
        passes, columns, _ = self._columns_of(self.step.rows, (False, False))
        return self._gap("attention", columns, (False, False)) * passes

    def _recurrence(self, op: Recurrence) -> None:
        m, d, step = self.machine, self.machine.designs, self.step
        share = self.chips * d.cores
        n_bytes = step.batch * (2 * op.state * STATE_BYTES) / share  # read and written
        moved = n_bytes / m.bytes_per_cycle
        # One element of state a row and cycle: lanes cannot share a state.
        busy = step.rows * op.macs_per_token / (share * d.rows)
        gap = self._around_mixer()
        taken = np.maximum(busy, moved) + gap
        self._mix(op, taken, moved)
        self._finish(op, taken, (busy, gap, moved, n_bytes))

    def _mix(self, op: Attention | Recurrence, taken: Any, moved: Any) -> None:
        """The matrices after the mixers wait for them: an equal share each."""
        after = sum(
            g.count for g in self.operators.gemms if g.shard == "row" and g.tensor in ("attention", "mixer")
        )
        share = op.count / max(after, 1)
        self._mixed = self._mixed + taken * share
        self._mixed_memory = self._mixed_memory + moved * share

    def _lookup(self, op: Lookup) -> None:
        """Embedding rows, one after the other, and then sines and cosines of a chunk's positions: each waits for the
        memory."""
        m, rows, n_bytes = self.machine, self.step.rows, op.elements_read(self.step) * LOOKUP_BYTES / self.chips
        angles = 2 * max((a.key_dim for a in self.operators.attentions), default=0)
        chunks = self._columns_of(rows, (False, False))[0]
        wait = cycles.fetched(m) + FETCH
        each = cycles.vector(m, once("stream", op.width) + once("stream", angles, 0), 1) + wait
        turns = cycles.vector(m, once("stream", 0), 1) + wait if angles else 0
        taken = each * rows + (turns + BEGIN) * chunks
        self._finish(op, taken, (0.0, taken, n_bytes / m.bytes_per_cycle, n_bytes / m.designs.cores))

    def _finish(
        self, op: Any, taken: Any, parts: tuple[Any, Any, Any, Any], times: Any = 1, network_s: Any = None
    ) -> None:
        """Close an operator of some layers: cycles taken, those of tile, vector unit and memory, and bytes of one
        core, `times` in each."""
        layers = getattr(op, "count", 1)
        n = times * layers
        self._cycles = self._cycles + taken * n
        if network_s is not None:
            self._network = self._network + network_s * layers
        if self.energy:
            self._bytes = self._bytes + parts[3] * n
        if self.phase.keep:
            self._keep(op, [p * n for p in (taken, *parts)], 0.0 if network_s is None else network_s * layers)

    def _keep(self, op: Any, sums: list[Any], waited_s: Any) -> None:
        """For people: an operator of all layers; see `_finish`."""
        d = self.machine.designs
        taken_s, busy_s, vector_s, memory_s = (cycles_ / d.clock_hz for cycles_ in sums[:4])
        macs = 0 if isinstance(op, Lookup) else op.macs(self.step)
        spent = taken_s + waited_s, busy_s, memory_s, vector_s, waited_s
        self.phase.operators.append(OperatorTime(op.name, *spent, sums[4] * d.cores, macs))

    def _energy_j(self) -> dict[str, Any]:
        """Dynamic energy of all chips, by part."""
        m, one = self.machine, Step(1, self.step.tokens, self.step.context)
        vector_ops = sum(op.lane_ops(one) for op in self.operators.vectors)
        batch, repeated = self.step.batch, self.replica.repeated(self.operators.gemms, one)
        return {
            "compute": (self.operators.macs(one) + repeated) * batch * m.mac_j,
            "vector": vector_ops * batch * m.vector_j,
            "memory": self.phase.dram_bytes * m.dram_j_per_byte,
            "scratchpad": self.phase.dram_bytes * m.sram_j_per_byte,
            "decoder": self.phase.dram_bytes * m.decode_j_per_byte,
            "network": crossing_bytes(self.operators.gemms, one, self.chips) * batch * m.link_j_per_byte,
        }


def _place_of(op: Gemm) -> str:
    """Where passes.Around has the work before it."""
    if op.last_token_only:
        return "head"
    return "first" if op.shard != "row" else "down"


class Replica(Placement):
    """Chips side by side that hold one copy of a model (or of one stage's layers)."""

    def phase(self, operators: Operators, step: Step, keep: bool = False, energy: bool = True) -> Phase:
        """One pass over `operators`; `keep` the times of each; without `energy` its latency alone."""
        return PhaseEstimate(self, operators, step, keep, energy).run()
