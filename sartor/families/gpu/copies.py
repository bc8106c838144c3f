"""Attention in copies (data parallel): each copy has a share of the requests and of the chips, and does alone all but
the experts, which are spread over all chips and serve every request."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ...formulas.phase import Phase
from ...workload.gemm import Gemm
from ...workload.operators import Operators
from ...workload.step import Step
from .estimate import Replica


@dataclass(frozen=True)
class Apart:
    """A pass taken apart: what a copy does alone, and what all do together; `copies` of the first run side by side."""

    own: Phase
    together: Phase
    copies: int = 1

    @property
    def latency_s(self) -> Any:
        return self.own.latency_s + self.together.latency_s

    @property
    def dynamic_j(self) -> Any:
        """Of all chips, without idle power."""
        return self.copies * self.own.dynamic_j + self.together.dynamic_j


def phase(
    replica: Replica, copies: int, operators: Operators, own: Step, together: Step, keep: bool = False,
    whole: bool = False,
) -> Apart:  # fmt: skip
    """One pass over `operators` by the `replica`'s chips in `copies`: `own` is the step of a copy, `together` that of
    the experts. One copy is the replica as it is.

    Experts lie whole on their chips, and tokens go there and back; those of one copy do if they are `whole`, and all
    chips have its tokens.
    """
    routed = tuple(op for op in operators.all if copies > 1 and isinstance(op, Gemm) and op.tensor == "expert")
    rest = tuple(op for op in operators.all if op not in routed)
    one = replace(replica, chips=replica.chips // copies, spread=whole)
    done = one.phase(Operators(operators.phase, rest), own, keep)
    all_chips = replace(replica, spread=True, sent=True)
    shared = all_chips.phase(Operators(operators.phase, routed), together, keep) if routed else Phase(keep=keep)
    return Apart(done, shared, copies)
