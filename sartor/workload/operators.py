"""What a phase must compute, operator by operator, symbolic in batch, tokens and context.

A `Step` holds the three symbols; they may be numbers, arrays [designs] or anything with arithmetic (SymPy).
Counts are exact: MACs, weight elements, cache elements, vector operations. Bytes come later, with formats.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ..formats.parts import VALUES

Number = Any  # float, int, array [designs] or a symbol
Shard = Literal["column", "row", "none"]
TensorClass = Literal["attention", "ffn", "expert", "head", "router", "mixer", "embedding", "norm"]


@dataclass(frozen=True)
class Step:
    """One pass through the model: `tokens` new tokens in each of `batch` sequences, each of which already has
    `context` tokens in its cache. Decode: tokens = 1. Prefill of a fresh prompt: context = 0."""

    batch: Number
    tokens: Number
    context: Number

    @property
    def rows(self) -> Number:
        """Token vectors in flight."""
        return self.batch * self.tokens


@dataclass(frozen=True)
class Gemm:
    """rows x k times k x n, `count` times in the model. Mixture of experts: `experts` such matrices a layer,
    of which a token uses `active`. A batched GEMM, one matrix a head, has active = experts = heads."""

    name: str
    k: int
    n: int
    count: int
    tensor: TensorClass
    shard: Shard = "column"  # over n (no communication), over k (a sum over chips follows), or on every chip
    last_token_only: bool = False  # the language-model head sees one vector a sequence
    experts: int = 1
    active: int = 1
    over_context: bool = False  # runs over the cached tokens too (MLA expands its latents in prefill)
    values: int = 0  # of n, the last that are attention's values: a part that may stand apart

    def tokens(self, step: Step) -> Number:
        """Vectors that arrive, before routing."""
        if self.last_token_only:
            return step.batch
        return step.rows + step.batch * step.context if self.over_context else step.rows

    def rows(self, step: Step) -> Number:
        """Vectors through one matrix: the tokens routed to it, on average."""
        if self.active == self.experts:
            return self.tokens(step)
        return self.tokens(step) * (self.active / self.experts)

    def matrices(self, step: Step) -> Number:
        """Distinct matrices touched a layer, by independent uniform routing: E (1 - (1 - a/E)^tokens)."""
        if self.active == self.experts:
            return self.experts
        return self.experts * (1 - (1 - self.active / self.experts) ** self.tokens(step))

    def macs(self, step: Step) -> Number:
        return self.tokens(step) * (self.active * self.k * self.n * self.count)

    @property
    def part(self) -> str:
        """The class of matrices that may have a number format of its own (formats.parts)."""
        if self.tensor == "attention":
            return "attn_o" if self.shard == "row" else VALUES if self.values == self.n else "attn_qk"
        if self.tensor == "ffn":
            return "ffn_down" if self.shard == "row" else "ffn_in"
        return "embedding" if self.tensor == "head" else self.tensor

    def apart(self) -> tuple[Gemm, ...]:
        """The same with its values as a matrix of their own, behind the others."""
        if not 0 < self.values < self.n:
            return (self,)
        return replace(self, n=self.n - self.values, values=0), replace(self, name="values", n=self.values)

    @property
    def weight_elements(self) -> int:
        """Elements stored."""
        return self.k * self.n * self.count * self.experts

    def weight_elements_read(self, step: Step) -> Number:
        """Elements that a step touches at least once."""
        return self.matrices(step) * (self.k * self.n * self.count)


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
        return _attended(step, self.window or self.chosen)

    def macs(self, step: Step) -> Number:
        return step.rows * self.attended(step) * (self.heads * (self.key_dim + self.value_dim) * self.count)

    def cache_elements_read(self, step: Step) -> Number:
        """Each cached position is read once a step and sequence (new tokens come from the chip itself)."""
        return step.batch * _held(step.context, self.window or self.chosen) * (self.cached * self.count)

    def cache_elements_written(self, step: Step) -> Number:
        return step.rows * (self.cached * self.count)

    def cache_elements_held(self, tokens: Number) -> Number:
        """Elements that one sequence of `tokens` keeps."""
        return _held(tokens, self.window) * (self.cached * self.count)


def _held(tokens: Number, window: int | None) -> Number:
    if window is None:
        return tokens
    return tokens - _positive(tokens - window)


def _attended(step: Step, window: int | None) -> Number:
    full = step.context + (step.tokens + 1) / 2
    if window is None:
        return full
    # Sum over the new tokens of min(window, position), position = context + 1 .. context + tokens.
    beyond = _positive(step.context + step.tokens - window)  # tokens past the window's edge ...
    beyond_before = _positive(step.context - window)  # ... of which these were cached already
    excess = (beyond * (beyond + 1) - beyond_before * (beyond_before + 1)) / 2
    return full - excess / step.tokens


def _positive(x: Number) -> Number:
    return (x + abs(x)) / 2


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
            ops = ops + tokens * _attended(step, self.window) * (self.per_position * self.count)
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
