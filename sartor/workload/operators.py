"""What a phase must compute, operator by operator, symbolic in batch, tokens and context.

A `Step` holds the three symbols; they may be numbers, arrays [designs] or anything with arithmetic (SymPy).
Counts are exact: MACs, weight elements, cache elements, vector operations. Bytes come later, with formats.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .gemm import Gemm
from .step import Number, Step, attended, held


@dataclass(frozen=True)
class Attention:
    """Scores and mix over the cache, `count` layers. `cached` elements a token and layer: 2 x kv_heads x
    head_dim for grouped heads, the latent for MLA (there keys and values are the same elements)."""

    name: str
    heads: int
    kv_heads: int
    key_dim: int
    value_dim: int
    count: int
    cached: int
    window: int | None = None
    chosen: int | None = None  # so many of the cached positions are looked at; all of them are kept

    def attended(self, step: Step) -> Number:
        """Mean number of positions a new token looks at: causal, at most the window or as many as are chosen."""
        return attended(step, self.window or self.chosen)

    def macs(self, step: Step) -> Number:
        return step.rows * self.attended(step) * (self.heads * (self.key_dim + self.value_dim) * self.count)

    def cache_elements_read(self, step: Step) -> Number:
        """Each cached position is read once a step and sequence (new tokens come from the chip itself)."""
        return step.batch * held(step.context, self.window or self.chosen) * (self.cached * self.count)

    def cache_elements_written(self, step: Step) -> Number:
        return step.rows * (self.cached * self.count)

    def cache_elements_held(self, tokens: Number) -> Number:
        """Elements that one sequence of `tokens` keeps."""
        return held(tokens, self.window) * (self.cached * self.count)


@dataclass(frozen=True)
class Recurrence:
    """A state-space or linear-attention mixer: `state` elements a sequence and layer, read and written each
    step; `macs_per_token` beyond its GEMMs."""

    name: str
    state: int
    macs_per_token: int
    count: int

    def macs(self, step: Step) -> Number:
        return step.rows * (self.macs_per_token * self.count)

    def state_elements(self, sequences: Number) -> Number:
        return sequences * (self.state * self.count)


@dataclass(frozen=True)
class Vector:
    """Element-wise and reduction work on the vector unit: norms, RoPE, softmax, activation, residual,
    quantize. `per_token` lane operations a token and layer, `per_position` more a position attended to, in `parts`
    equal passes that something stands between (the norms of a layer)."""

    name: str
    per_token: int
    count: int
    per_position: int = 0
    window: int | None = None
    last_token_only: bool = False
    parts: int = 1
    over_heads: bool = False  # each part reduces all heads together: chips that share them sum up between two passes

    def lane_ops(self, step: Step) -> Number:
        tokens = step.batch if self.last_token_only else step.rows
        ops = tokens * (self.per_token * self.count)
        if self.per_position:
            ops = ops + tokens * attended(step, self.window) * (self.per_position * self.count)
        return ops


@dataclass(frozen=True)
class Lookup:
    """The embedding table: `width` elements fetched a token, `rows` rows stored; tied: as the head."""

    name: str
    rows: int
    width: int
    tied: bool

    def elements_read(self, step: Step) -> Number:
        return step.rows * self.width

    @property
    def weight_elements(self) -> int:
        return 0 if self.tied else self.rows * self.width


Operator = Gemm | Attention | Recurrence | Vector | Lookup


@dataclass(frozen=True)
class Operators:
    """All operators of one phase, in the model's order; GEMMs that share their input are one."""

    phase: Literal["prefill", "decode"]
    all: tuple[Operator, ...] = field(default_factory=tuple)

    @property
    def gemms(self) -> tuple[Gemm, ...]:
        return tuple(op for op in self.all if isinstance(op, Gemm))

    @property
    def attentions(self) -> tuple[Attention, ...]:
        return tuple(op for op in self.all if isinstance(op, Attention))

    @property
    def recurrences(self) -> tuple[Recurrence, ...]:
        return tuple(op for op in self.all if isinstance(op, Recurrence))

    @property
    def vectors(self) -> tuple[Vector, ...]:
        return tuple(op for op in self.all if isinstance(op, Vector))

    @property
    def lookups(self) -> tuple[Lookup, ...]:
        return tuple(op for op in self.all if isinstance(op, Lookup))

    def macs(self, step: Step) -> Number:
        return sum(op.macs(step) for op in self.all if isinstance(op, Gemm | Attention | Recurrence))
