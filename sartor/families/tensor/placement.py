"""One replica of family `tensor`: how its chips share a GEMM, and what they tell each other."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...formulas import tile
from ...tech import link
from ...workload.gemm import Gemm
from ...workload.operators import Attention
from ...workload.step import Step
from .machine import Machine
from .stored import Stored

RESULT_BYTES = 2.0  # a GEMM's output element, before it is quantized again


@dataclass(frozen=True)
class Geometry:
    """What a GEMM's place on chips and cores fixes, whatever the tokens: one layer, one core, in its cycles."""

    tile_cycles: Any  # one row tile
    tiles: Any
    weight_bytes: Any  # one pass over its weights
    form: Stored
    stream_cycles: Any  # in which the memory brings them

    @functools.cached_property
    def tiles_after(self) -> Any:
        """The first row tile left out."""
        return self.tiles - 1


@dataclass(frozen=True)
class CacheShare:
    """What attention's place on chips fixes, whatever the tokens: one layer, one chip."""

    heads: Any  # KV heads of a sequence
    group: Any  # queries of a token that share a KV head
    key_bytes: Any  # of one token in the cache
    value_bytes: Any


class Placement:
    """`chips` side by side. GEMMs are split over chips and cores by output feature, or over K with a sum over
    chips after; experts are spread whole over the chips; `formats` by tensor class where the workload fixes
    them."""

    def __init__(self, machine: Machine, chips: Any, formats: dict[str, str]) -> None:
        self.machine, self.chips, self.formats = machine, chips, formats
        self._geometry: dict[Gemm, Geometry] = {}
        self._cache_shares: dict[Attention, CacheShare] = {}
        self.known: dict[Any, Any] = {}  # what phases share
        self._values: dict[Gemm, int] = {}  # features of values, by the queries and keys before them

    def geometry(self, op: Gemm) -> Geometry:
        if op not in self._geometry:
            self._geometry[op] = self._place(op)
        return self._geometry[op]

    def _place(self, op: Gemm) -> Geometry:
        m, d = self.machine, self.machine.designs
        form = m.stored(self.formats.get(op.tensor), op.part).in_rows(op.k, d.lanes)
        split = op.experts == 1
        n = self._features(op) / self.chips if split and op.shard == "column" else self._features(op)
        k = op.k / self.chips if split and op.shard == "row" else float(op.k)
        each = n / d.cores
        weight_bytes = each * k * form.n_bytes
        return Geometry(
            tile_cycles=tile.folds(k, d.lanes) * m.beat_cycles(form),
            tiles=tile.folds(each, d.rows),
            weight_bytes=weight_bytes,
            stream_cycles=weight_bytes / m.bytes_per_cycle,
            form=form,
        )

    def _features(self, op: Gemm) -> Any:
        """Of its output; queries and keys of a design whose values do not stand apart have them too."""
        return op.n + self._values[op] * (1 - self.machine.values_apart) if op in self._values else float(op.n)

    def apart(self, gemms: Iterable[Gemm]) -> Iterable[Gemm]:
        """`gemms` as they are streamed: values by themselves where a design has them in a format of their own, so
        often as the machine's `values_apart` says."""
        if self.machine.values_apart is None or "attention" in self.formats:
            return gemms
        found: list[Gemm] = []
        for whole in gemms:
            found += (parts := whole.apart())
            if len(parts) > 1:
                self._values[parts[0]] = parts[1].n
        return found

    def repeated(self, gemms: Iterable[Gemm], step: Step) -> Any:
        """Multiply-accumulates beyond the first of codes that go through the multipliers in parts."""
        by_steps: dict[int, tuple[Any, Any]] = {}
        for op in self.apart(gemms):
            steps = self.geometry(op).form.steps
            macs = by_steps.get(id(steps), (0, steps))[0]
            by_steps[id(steps)] = macs + op.macs(step), steps
        return sum(macs * (steps - 1) for macs, steps in by_steps.values())

    def cache_share(self, op: Attention) -> CacheShare:
        if op not in self._cache_shares:
            self._cache_shares[op] = self._share(op)
        return self._cache_shares[op]

    def _share(self, op: Attention) -> CacheShare:
        split = np.minimum(self.chips, op.kv_heads)  # beyond it, chips share a KV head's cache
        elements = op.cached / split / (op.key_dim + op.value_dim)
        return CacheShare(
            heads=op.kv_heads / split,
            group=op.heads / op.kv_heads * (split / self.chips),
            key_bytes=elements * op.key_dim * self.machine.keys.n_bytes,
            value_bytes=elements * op.value_dim * self.machine.values.n_bytes,
        )

    def expert_matrices(self, op: Gemm, touched: Any) -> Any:
        """Matrices that the fullest chip runs: the mean and one standard deviation, at most all it holds.

        Source: maximum of a balanced multinomial, first order (Raab, Steger, RANDOM 1998).
        """
        mean = touched / self.chips
        return np.minimum(mean + np.sqrt(mean * (1 - 1 / self.chips)), op.experts / self.chips)

    def network_s(self, op: Gemm, step: Step) -> Any:
        """The collective after a GEMM: a sum over chips, or the tokens' way to their experts and back."""
        if self.alone:
            return 0.0
        n_bytes = traffic_bytes(op, step)
        if n_bytes is None:
            return 0.0
        if op.tensor == "expert":
            return link.all_to_all_s(
                n_bytes / self.chips, self.chips, self._link_rate, self.machine.link_latency_s
            )
        share_s, hops_s = self._reduce
        return n_bytes * share_s + hops_s

    def hop_s(self, n_bytes: Any) -> Any:
        """What one stage sends the next: `n_bytes` of activations, each chip its share."""
        return link.hop_s(n_bytes / self.chips, self._link_rate, self.machine.link_latency_s)

    @functools.cached_property
    def alone(self) -> bool:
        return np.ndim(self.chips) == 0 and self.chips == 1

    @functools.cached_property
    def _reduce(self) -> tuple[Any, Any]:
        """Seconds a byte and seconds of waiting of an all-reduce."""
        rate, wait = self._link_rate, self.machine.link_latency_s
        return link.all_reduce_s(1.0, self.chips, rate, 0.0), link.all_reduce_s(0.0, self.chips, rate, wait)

    @functools.cached_property
    def _link_rate(self) -> Any:
        """Chips without a link cannot work together: a byte a second keeps the arithmetic finite."""
        return np.maximum(self.machine.designs.link_bytes_per_s, 1.0)


def traffic_bytes(op: Gemm, step: Step) -> Any:
    """Bytes of one layer that must travel: of a sum, on each chip; to or from experts, on all chips together.
    None: none (matrices of one head each stay with their head)."""
    if op.tensor == "expert":
        return step.rows * (op.active * (op.k if op.shard == "column" else op.n) * RESULT_BYTES)
    return step.rows * (op.n * RESULT_BYTES) if op.shard == "row" else None


def crossing_bytes(gemms: Iterable[Gemm], step: Step, chips: Any) -> Any:
    """Bytes that cross links in one pass, all chips: of a sum twice (chips - 1) / chips out of each chip, on
    the way to or from experts (chips - 1) / chips of all."""
    summed: Any = 0.0
    routed: Any = 0.0
    for op in gemms:
        n_bytes = traffic_bytes(op, step)
        if n_bytes is None:
            continue
        if op.tensor == "expert":
            routed = routed + n_bytes * op.count
        else:
            summed = summed + n_bytes * op.count
    return (chips - 1) * (2 * summed + routed / chips)
