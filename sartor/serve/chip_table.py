"""Times and energies of every step a chip may be asked for, worked out once from its estimate, as arrays.

A step that decodes alone, or computes one chunk of a prompt alone, takes what the estimate says. Together they pass the
weights once: what each would take for the operators they share is taken off, and what these take for all tokens at once
is put on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError
from ..families.priced import Priced, Replica
from ..workload.derive import operators
from ..workload.gemm import Gemm
from ..workload.model import Model
from ..workload.operators import Lookup, Operator, Operators, Vector
from ..workload.step import Step

HIDDEN_BYTES = 2.0  # an activation on its way to the next stage
_FINE = 32  # chunks up to this size have a row of their own in the table over what is cached
_TILE, _TILED = 64, 1024  # where another tile of tokens begins, times jump: up to here both sides have a row


@dataclass(frozen=True)
class ChipTable:
    """Seconds and joules, [2, ...]. `decode` [n, contexts]: n requests at one mean context. `prompt` [tokens]: a chunk
    with nothing cached before it; `cached` [chunks, contexts]: what is cached before it adds. `shared` [tokens] and
    `head` [requests]: of the operators that all tokens, or the last token of each request, pass."""

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
    asked = _Asked(chips.replica(tensor_parallel, formats or {}), model, stages)
    contexts, chunks = _knots(size.context), _chunks(size.batch_tokens)
    n = np.arange(1, size.max_seqs + 1)
    tokens = np.arange(1, size.batch_tokens + 1)
    decoding, filling = operators(model, "decode"), operators(model, "prefill")
    decode = _smooth(lambda at: asked.costs(decoding, Step(n[:, None].astype(float), 1, at[None])), contexts)
    prompt = asked.costs(filling, Step(1, tokens.astype(float), 0.0))
    cached = asked.costs(filling, Step(1, chunks[:, None].astype(float), contexts[None].astype(float)))
    shared, head = asked.shared(tokens.astype(float)), asked.head(n.astype(float))
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

    def costs(self, ops: Operators, step: Step, last: bool = False) -> np.ndarray:
        """Seconds and joules [2, ...]; of the `last` stage alone there are no hops."""
        done = self.replica.phase(ops, step)
        hops_s = 0.0 if last else self._hops_s(step)
        seconds, joules = np.broadcast_arrays(done.latency_s + hops_s, done.dynamic_j)
        return np.stack([seconds, joules]).astype(float)

    def _hops_s(self, step: Step) -> Any:
        if self.stages == 1:
            return 0.0
        return (self.stages - 1) * self.replica.hop_s(step.rows * (self.model.hidden * HIDDEN_BYTES))

    def shared(self, tokens: np.ndarray) -> np.ndarray:
        """Of what prompts and requests that decode pass together, `tokens` in all [2, tokens]."""
        both = {g.name for g in operators(self.model, "decode").gemms}
        kept = [op for op in operators(self.model, "prefill").all if _by_token(op, both)]
        return self.costs(Operators("prefill", tuple(kept)), Step(1, tokens, 0.0))

    def head(self, requests: np.ndarray) -> np.ndarray:
        """Of what sees the last token of each request [2, requests]."""
        kept = [op for op in operators(self.model, "decode").all if getattr(op, "last_token_only", False)]
        return self.costs(Operators("decode", tuple(kept)), Step(requests, 1, 0.0), last=True)


def _by_token(op: Operator, both: set[str]) -> bool:
    """Whether `op` takes each token alone, in prefill and decode alike; `both`: matrices that decode has too."""
    match op:
        case Gemm():
            return op.name in both and not op.last_token_only and not op.over_context
        case Vector():
            return not op.last_token_only and not op.per_position
        case _:
            return isinstance(op, Lookup)


def _knots(context: int) -> np.ndarray:
    """Contexts of the table: every 16 up to 256, then four for each doubling, to beyond `context`."""
    steps = np.arange(32, 4 * np.ceil(np.log2(max(context, 512))) + 2)
    return np.unique(np.concatenate([np.arange(0, 256, 16), np.rint(2 ** (steps / 4))])).astype(int)


def _smooth(costs: Callable[[np.ndarray], np.ndarray], contexts: np.ndarray) -> np.ndarray:
    """Costs at `contexts`, far ones as the mean around them: a chip reads its cache in granules, and a cost at the edge
    of one is not that of the contexts between two edges."""
    near = contexts < 256
    around = [costs(np.where(near, contexts, contexts + shift).astype(float)) for shift in (-32, -16, 0, 16, 32)]
    return np.mean(around, axis=0)


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


