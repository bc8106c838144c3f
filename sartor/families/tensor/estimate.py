"""Family `tensor`: the time and energy of one phase, operator by operator, as the program runs it.

One instruction runs at a time; weights stream from memory into a FIFO all the while. A matrix takes `columns`
tokens in one pass over its weights. Cycles, bytes and times are of one layer and one core until they are summed.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...formats.parts import VALUES
from ...formulas import tile
from ...formulas.phase import OperatorTime, Phase
from ...workload.operators import Attention, Gemm, Lookup, Operators, Recurrence, Step
from . import cycles, cycles_attention
from .cycles_control import DECODE, PRODUCT
from .passes import Around, Work, around, once
from .placement import Geometry, Placement, crossing_bytes

STATE_BYTES = 2.0  # a recurrent state's element
LOOKUP_BYTES = 4.0  # an element of an embedding row: binary32
FETCH = DECODE + PRODUCT  # cycles of the instruction
BEGIN = 8  # of a pass: registers set, the stream, HALT


@dataclass(frozen=True)
class Columns:
    """How tokens share the weights."""

    passes: Any  # over the weights
    used: Any  # columns of each pass
    drain: Any  # cycles in which one row tile of their results leaves
    tail: Any  # cycles from a matrix's last word to its end
    filled: float | None = None  # all of it but `passes` is that of so many tokens, in any phase


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
        # Sums over the operators: cycles and bytes of one core by how often both come in a layer, seconds on links.
        self._sums: dict[int, tuple[Any, Any, Any]] = {}
        self._network: Any = 0.0
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
        for gemm in self.replica.apart(self.operators.gemms):
            self._gemm(gemm)
        d, sums = self.machine.designs, list(self._sums.values())
        self.phase.latency_s = _sum(taken * times for times, taken, _ in sums) / d.clock_hz + self._network
        if self.energy:
            self.phase.dram_bytes = _sum(moved * times for times, _, moved in sums) * (d.cores * self.chips)
            self.phase.energy_j = self._energy_j()
        return self.phase

    def _once(self, key: Any, work_out: Callable[[], Any], always: bool = False) -> Any:
        """What several operators share, worked out for the first of them; `always`: for every phase of the replica."""
        known = self.replica.known if always else self._shared
        if key not in known:
            known[key] = work_out()
        return known[key]

    def _columns(self, rows: Any) -> Columns:
        most = self.machine.designs.columns
        passes = tile.folds(rows, most)
        if np.ndim(rows):
            return Columns(passes, *self._used(rows))
        # Of a prompt that fills all columns of all designs it does not matter how long it is.
        filled = min(float(rows), float(self.machine.most_columns))
        used, drain, tail = self._once(("columns", filled), lambda: self._used(filled), always=True)
        return Columns(passes, used, drain, tail, filled)

    def _used(self, rows: Any) -> tuple[Any, Any, Any]:
        columns = np.minimum(rows, self.machine.designs.columns)
        drain = columns * self.machine.drain
        return columns, drain, drain + cycles.MATRIX_LATENCY

    def _columns_of(self, tokens: Any, key: Any) -> Columns:
        return self._once(("columns", key), lambda: self._columns(tokens))  # type: ignore[no-any-return]

    def _gap(self, what: str, here: Columns, key: Any) -> Any:
        """Cycles of vector work before a matrix, in one pass; `key` names the columns."""

        def work_out() -> Any:
            work: Work = getattr(self.around, what)
            return cycles.vector(self.machine, work, here.used, self._share) + self.machine.sync

        return self._once((self.around, what, here.filled or key), work_out, here.filled is not None)

    def _taken(self, op: Gemm, place: Geometry, what: str, gap: Any, here: Columns, key: Any) -> tuple[Any, Any]:
        """Cycles of a matrix and of the work before it, and of the matrix alone: cycles.taken, where nothing else is
        asked of the memory. The memory rests before a matrix while its FIFO is full."""
        fill, key = self.machine.fill_cycles, (self.around, what, here.filled or key)
        rest = self._once(("rest", key), lambda: np.maximum(gap + (here.tail - fill), 0.0), here.filled is not None)

        def work_out() -> tuple[Any, Any]:
            busy = cycles.between(place.tile_cycles, place.tiles_after, here.drain, here.tail)
            return np.maximum(gap + busy, place.stream_cycles + rest), busy

        return self._once(("taken", op, key), work_out, here.filled is not None)  # type: ignore[no-any-return]

    def _gemm(self, op: Gemm) -> None:
        m, place = self.machine, self.replica.geometry(op)
        follows = op.part == VALUES  # right behind queries and keys
        what = VALUES if follows else _place_of(op)
        key: Any = (op.last_token_only, op.over_context)
        here = self._columns_of(op.tokens(self.step), key)
        mixed = op.shard == "row" and op.tensor in ("attention", "mixer")
        gap: Any = 0.0 if mixed or follows else self._gap(what, here, key)
        times, moved = here.passes * m.values_apart if follows else here.passes, place.stream_cycles
        if op.experts > 1:  # the same vector work, before more matrices with fewer tokens each
            touched = op.matrices(self.step)
            here = self._columns(op.rows(self.step) * (op.experts / touched))
            passes, times = times, here.passes * self.replica.expert_matrices(op, touched)
            gap, what, key = gap * (passes / times) + m.sync, op.name, op
            here = replace(here, filled=None)  # times is not that of another phase
        if mixed:  # Attention is counted by itself; while it runs, the weights of this matrix stream.
            busy = cycles.between(place.tile_cycles, place.tiles_after, here.drain, here.tail)
            before = self._mixed / times
            taken = cycles.taken(m, before, busy, moved, here.tail, self._mixed_memory / times) - before
            moved = np.minimum(moved, taken)  # the rest costs nothing
        else:
            taken, busy = self._taken(op, place, what, gap, here, key)
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
        done = cycles_attention.attention(m, op, share, step, op.attended(step))
        vector = done.vector + self._around_mixer()
        moved = done.moved_bytes / m.bytes_per_cycle
        taken = done.matrix + vector
        self._mix(op, taken, moved + done.lost_bytes / m.bytes_per_cycle)
        self._finish(op, taken, (done.matrix, vector, moved, done.moved_bytes))

    def _around_mixer(self) -> Any:
        """Vector work of all tokens, one layer."""
        here = self._columns_of(self.step.rows, (False, False))
        return self._gap("attention", here, (False, False)) * here.passes

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
        chunks = self._columns_of(rows, (False, False)).passes
        wait = m.fetched + FETCH

        def work_out() -> tuple[Any, Any]:
            each = cycles.vector(m, once("stream", op.width) + once("stream", angles, 0), 1) + wait
            return each, (cycles.vector(m, once("stream", 0), 1) + wait if angles else 0) + BEGIN

        each, turns = self._once(("lookup", op.width, angles), work_out, always=True)
        taken = each * rows + turns * chunks
        self._finish(op, taken, (0.0, taken, n_bytes / m.bytes_per_cycle, n_bytes / m.designs.cores))

    def _finish(
        self, op: Any, taken: Any, parts: tuple[Any, Any, Any, Any], times: Any = 1, network_s: Any = None
    ) -> None:
        """Close an operator of some layers: cycles taken, those of tile, vector unit and memory, and bytes of one
        core, `times` in each."""
        layers = getattr(op, "count", 1)
        found = self._sums.get(id(times))
        all_taken, all_moved = taken * layers, parts[3] * layers if self.energy else 0.0
        if found:
            all_taken, all_moved = found[1] + all_taken, found[2] + all_moved
        self._sums[id(times)] = times, all_taken, all_moved
        if network_s is not None:
            self._network = self._network + network_s * layers
        if self.phase.keep:
            n = times * layers
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


def _sum(parts: Iterable[Any]) -> Any:
    """Of arrays, without a zero before the first."""
    return functools.reduce(operator.add, parts)


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
