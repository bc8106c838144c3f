"""No design keeps the limits: what was nearest, by how much it misses, and what to loosen."""

from __future__ import annotations

import numpy as np

from ..errors import Infeasible
from ..units import si
from .problem import Problem
from .refine import REFINE_TECH
from .screen import Unit

# limit -> where a study sets it; the others stand in [budget]
_SET_IN = {
    "ttft": "[slo]",
    "tpot": "[slo]",
    "memory capacity": "units or unit_capacity in [search.space]",
    "quality": "kl in [quality]",
    "balance": "rows, lanes, columns or vector_lanes in [search.space]",
    "clock": "clock in [search.space]",
}


def infeasible(ready: Problem, found: Unit) -> Infeasible:
    """The error that says so."""
    name = ready.study.name
    if found.nearest is None:
        return Infeasible(f"{name}: stopped before any design was priced")
    genome = found.nearest[1]
    violations = ready.price(genome[:, None], REFINE_TECH).violations
    over = {limit: float(np.ravel(ratio)[0]) - 1 for limit, ratio in violations.items()}
    worst = max(over, key=lambda limit: over[limit])
    others = [f"{limit} {over[limit]:.0%}" for limit in over if over[limit] > 0 and limit != worst]
    also = f" (also {', '.join(others)})" if others else ""
    margin = f" with its margin of {ready.budget.margin:.0%}" if ready.budget.margin else ""
    return Infeasible(
        f"{name}: none of {found.evaluations:,} designs keeps every limit{margin}. The nearest misses {worst} by "
        f"{over[worst]:.0%}{also}: loosen {_SET_IN.get(worst, '[budget]')} or widen [search.space]. "
        f"It was {in_words(ready, genome)}"
    )


def in_words(ready: Problem, genome: np.ndarray) -> str:
    """A design on one line."""
    d = ready.space.describe(genome)
    return (
        f"{d['node']}, {d['memory']} x {d['units']}, {d['cores']} cores of {d['rows']} x {d['lanes']} x {d['columns']} "
        f"at {si(d['clock'], 'Hz')}, {d['weights']} weights, {d['tensor_parallel']} x {d['stages']} chips, "
        f"batch {d['batch']}"
    )
