"""Times and energies of every step a chip may be asked for, worked out once from its estimate, as arrays.

A step that decodes alone, or computes one chunk of a prompt alone, takes what the estimate says. Together they stream
the weights once: what both would take for the matrices they share is taken off, and what the matrices take for all
tokens at once is put on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError
from ..families.priced import Priced, Replica
from ..formulas.phase import Phase
from ..workload.derive import operators
from ..workload.model import Model
from ..workload.operators import Operators, Step

HIDDEN_BYTES = 2.0  # an activation on its way to the next stage
_FINE = 32  # chunks up to this size have a row of their own in the table over what is cached
_TILE, _TILED = 64, 1024  # where another tile of tokens begins, times jump: up to here both sides have a row


@dataclass(frozen=True)
class ChipTable:
    """Seconds and joules, [2, ...]. `decode` [n, contexts]: n requests at one mean context. `prompt` [tokens]: a chunk
    with nothing cached before it; `cached` [chunks, contexts]: what is cached before it adds. `shared` [tokens] and
    `head` [requests]: matrices that all tokens, or the last token of each request, pass."""

    contexts: np.ndarray
    chunks: np.ndarray
    decode: np.ndarray
    prompt: np.ndarray
    cached: np.ndarray
    shared: np.ndarray
    head: np.ndarray


@dataclass(frozen=True)
class Sizes:
    """How far a table must reach."""

    max_seqs: int
    batch_tokens: int
    context: int


def chip_table(
    chips: Priced, model: Model, size: Sizes, tensor_parallel: int = 1, stages: int = 1,
    formats: dict[str, str] | None = None, power_cap_w: float | None = None,
) -> ChipTable:  # fmt: skip
    """`stages`: a pass goes through all of them, with the hops between. `power_cap_w`: of one chip; what would draw
    more takes longer."""
    asked = _Asked(chips.replica(tensor_parallel, formats or {}), model, stages, tensor_parallel)
    contexts, chunks = _knots(size.context), _chunks(size.batch_tokens)
    n = np.arange(1, size.max_seqs + 1)
    tokens = np.arange(1, size.batch_tokens + 1)
    decode = asked.costs("decode", Step(n[:, None].astype(float), 1, contexts[None].astype(float)))
    prompt = asked.costs("prefill", Step(1, tokens.astype(float), 0.0))
    cached = asked.costs("prefill", Step(1, chunks[:, None].astype(float), contexts[None].astype(float)))
    shared, head = asked.matrices(tokens.astype(float)), asked.head(n.astype(float))
    cap = _working_w(chips, power_cap_w, tensor_parallel * stages)
    for costs in (decode, prompt, cached):
        _slow_down(costs, cap)
    cached = np.maximum(cached - prompt[:, chunks - 1, None], 0.0)
    decode, prompt, shared, head = (_from_zero(a) for a in (decode, prompt, shared, head))
    return ChipTable(contexts, chunks, decode, prompt, cached, shared, head)


@dataclass(frozen=True)
class _Asked:
    """A replica and what it runs."""

    replica: Replica
    model: Model
    stages: int
    chips: int

    def costs(self, phase: Any, step: Step) -> np.ndarray:
        """Seconds and joules [2, ...]."""
        done = self.replica.phase(operators(self.model, phase), step)
        seconds, joules = np.broadcast_arrays(done.latency_s + self._hops_s(step), done.dynamic_j)
        return np.stack([seconds, joules]).astype(float)

    def _hops_s(self, step: Step) -> Any:
        if self.stages == 1:
            return 0.0
        return (self.stages - 1) * self.replica.hop_s(step.rows * (self.model.hidden * HIDDEN_BYTES))

    def matrices(self, tokens: np.ndarray) -> np.ndarray:
        """Of the matrices that prompts and decoding requests share, and the passes between them, `tokens` in all
        [2, tokens]."""
        ops = operators(self.model, "prefill")
        return self._of(_shared(ops) & _shared(operators(self.model, "decode")), ops, Step(1, tokens, 0.0))

    def head(self, requests: np.ndarray) -> np.ndarray:
        """Of the matrices that see the last token of each request [2, requests]."""
        ops = operators(self.model, "decode")
        return self._of({g.name for g in ops.gemms if g.last_token_only}, ops, Step(requests, 1, 0.0))

    def _of(self, names: set[str], ops: Operators, step: Step) -> np.ndarray:
        """Time, and the energy of the bytes: the arithmetic is the same whoever shares the weights."""
        done = self.replica.phase(ops, step, keep=True)
        kept = [op for op in done.operators if op.name in names]
        seconds = sum(op.latency_s for op in kept)
        joules = sum(op.dram_bytes for op in kept) * self.chips * _j_per_byte(done)
        return np.stack([np.broadcast_to(a, np.shape(step.rows)) for a in (seconds, joules)]).astype(float)


def _shared(ops: Operators) -> set[str]:
    """Work that tokens do together, whoever they belong to; what follows attention is its own."""
    gemms = {g.name for g in ops.gemms if not g.last_token_only and not g.over_context}
    return gemms | {v.name for v in ops.vectors if not v.per_position} | {lookup.name for lookup in ops.lookups}


def _j_per_byte(done: Phase) -> Any:
    return sum(done.energy_j.get(part, 0.0) for part in ("memory", "scratchpad")) / done.dram_bytes


def _knots(context: int) -> np.ndarray:
    """Contexts of the table: 0, then two for each doubling, to beyond `context`."""
    steps = np.arange(8, 2 * np.ceil(np.log2(max(context, 32))) + 2)
    return np.unique(np.concatenate([[0], np.rint(2 ** (steps / 2))])).astype(int)


def _chunks(most: int) -> np.ndarray:
    """Chunks of the table over what is cached."""
    coarse = np.rint(_FINE * 2 ** (np.arange(0, 4 * np.log2(max(most / _FINE, 1)) + 1) / 4))
    full = np.arange(_TILE, _TILED + 1, _TILE)
    points: list[Any] = [np.arange(1, _FINE + 1), coarse, full, full + 1, [most]]
    return np.unique(np.clip(np.concatenate(points), 1, most)).astype(int)


def _working_w(chips: Priced, cap_w: float | None, count: int) -> float | None:
    """What `count` chips may draw beyond what they draw idle."""
    if cap_w is None:
        return None
    static = float(chips.static_w)
    if cap_w <= static:
        raise InputError(
            f"{chips.name}: a power cap of {cap_w:.3g} W a chip is not above the {static:.3g} W that it draws idle "
            f"(try {2 * static:.3g} W)"
        )
    return (cap_w - static) * count


def _slow_down(costs: np.ndarray, working_w: float | None) -> None:
    """Under a power cap the clock falls: the same work takes longer."""
    if working_w is not None:
        np.maximum(costs[0], costs[1] / working_w, out=costs[0])


def _from_zero(costs: np.ndarray) -> np.ndarray:
    """With a first entry for nothing at all, so that counts are indices."""
    return np.concatenate([np.zeros_like(costs[:, :1]), costs], axis=1)


