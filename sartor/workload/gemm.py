"""Matrices of weights: what they hold, and what a step asks of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from ..formats.parts import VALUES
from .step import Number, Step

Shard = Literal["column", "row", "none"]
TensorClass = Literal["attention", "ffn", "expert", "head", "router", "mixer", "embedding", "norm"]


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
