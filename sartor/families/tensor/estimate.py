"""Family `tensor`: the time and energy of one phase, operator by operator, as the program runs it.

One instruction runs at a time; weights stream from memory into a FIFO all the while. A matrix takes `columns`
tokens in one pass over its weights. Cycles, bytes and times are of one layer and one core until they are summed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ...formats.parts import VALUES
from ...formulas.phase import Phase
from ...workload.gemm import Gemm
from ...workload.operators import Attention, Lookup, Operators, Recurrence
from ...workload.step import Step
from . import cycles, cycles_attention
from .columns import Shared
from .cycles_control import DECODE, PRODUCT
from .passes import once
from .placement import Placement
from .sums import Sums

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
        self.operators, self.step = operators, step
        self.shared, self.sums = Shared(replica, operators), Sums(replica, operators, step, keep, energy)
        # Cycles of the mixers, of them those in which the memory is busy, before each matrix that takes their
        # output.
        self._mixed: Any = 0.0
        self._mixed_memory: Any = 0.0
        self._behind: Any = None  # cycles.behind of a mixer's matrix, for the one after it
        self._of_layers = 0

    def run(self) -> Phase:
        for op in self.operators.lookups:
            self._lookup(op)
        for attention in self.operators.attentions:
            self._attention(attention)
        for recurrence in self.operators.recurrences:
            self._recurrence(recurrence)
        for gemm in self.replica.apart(self.operators.gemms):
            self._gemm(gemm)
        return self.sums.phase()

    def _gemm(self, op: Gemm) -> None:
        m, place = self.machine, self.replica.geometry(op)
        follows = op.part == VALUES  # right behind queries and keys
        what = VALUES if follows else _place_of(op)
        key: Any = (op.last_token_only, op.over_context)
        here = self.shared.columns_of(op.tokens(self.step), key)
        mixed = op.shard == "row" and op.tensor in ("attention", "mixer")
        gap: Any = 0.0 if mixed or follows else self.shared.gap(what, here, key)
        times, moved = here.passes * m.values_apart if follows else here.passes, place.stream_cycles
        if op.experts > 1:  # the same vector work, before more matrices with fewer tokens each
            touched = op.matrices(self.step)
            here = self.shared.columns(op.rows(self.step) * (op.experts / touched))
            passes, times = times, here.passes * self.replica.expert_matrices(op, touched)
            gap, what, key = gap * (passes / times) + m.sync, op.name, op
            here = replace(here, filled=None)  # times is not that of another phase
        if mixed:  # Attention is counted by itself; while it runs, the weights of this matrix stream.
            busy = cycles.between(place.tile_cycles, place.tiles_after, here.drain, here.tail)
            before = self._mixed / times
            by_memory = cycles.by_memory(m, before, moved, here.tail, self._mixed_memory / times)
            whole = np.maximum(before + busy, by_memory)
            taken, self._behind, self._of_layers = whole - before, cycles.behind(m, whole, by_memory), op.count
            moved = np.minimum(moved, taken)  # the rest costs nothing
        else:
            follows_mixer = op.experts == 1 and op.count == self._of_layers
            behind, self._behind, self._of_layers = self._behind if follows_mixer else None, None, 0
            taken, busy = self.shared.taken(op, place, what, gap, here, key, behind)
        self.sums.add(op, taken, (busy, gap, moved, place.weight_bytes), times, self._network_s(op))

    def _network_s(self, op: Gemm) -> Any:
        """Sums of equal width take equal time."""
        if self.replica.alone or (op.tensor != "expert" and op.shard != "row"):
            return None
        key = op if op.tensor == "expert" else op.n
        return self.shared.once(("network", key), lambda: self.replica.network_s(op, self.step))

    def _attention(self, op: Attention) -> None:
        """Passes over the cache for the queries of each KV head, and the vector work around them."""
        m, step, share = self.machine, self.step, self.replica.cache_share(op)
        done = cycles_attention.attention(m, op, share, step, op.attended(step))
        vector = done.vector + self._around_mixer()
        moved = done.moved_bytes / m.bytes_per_cycle
        taken = done.matrix + vector
        self._mix(op, taken, moved + done.lost_bytes / m.bytes_per_cycle)
        self.sums.add(op, taken, (done.matrix, vector, moved, done.moved_bytes))

    def _around_mixer(self) -> Any:
        """Vector work of all tokens, one layer."""
        here = self.shared.columns_of(self.step.rows, (False, False))
        return self.shared.gap("attention", here, (False, False)) * here.passes

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
        self.sums.add(op, taken, (busy, gap, moved, n_bytes))

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
        chunks = self.shared.columns_of(rows, (False, False)).passes
        wait = m.fetched + FETCH

        def work_out() -> tuple[Any, Any]:
            each = cycles.vector(m, once("stream", op.width) + once("stream", angles, 0), 1) + wait
            return each, (cycles.vector(m, once("stream", 0), 1) + wait if angles else 0) + BEGIN

        each, turns = self.shared.once(("lookup", op.width, angles), work_out, always=True)
        taken = each * rows + turns * chunks
        self.sums.add(op, taken, (0.0, taken, n_bytes / m.bytes_per_cycle, n_bytes / m.designs.cores))

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
