"""The chip in service under the traffic of today, beside the chip designed for it: what the old one costs too much, and
when a new one pays.

What was paid once for the old chip is gone, so both are compared without it; what the new one costs once must come back
from what it saves. Chips in service are not written off: the comparison is for those that would be bought next.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Any

import numpy as np

from ..families.tensor.family import Tensor
from ..tech.technology import NOMINAL
from .explore import Exploration
from .problem import Problem
from .refine import REFINE_TECH
from .robust import redeployed

DAY_S = 86400.0


def redesign(old: Exploration, new: Exploration, tokens_per_day: float) -> dict[str, Any]:
    """`old`: the search under the traffic that the chip in service was designed for; `new`: under that of today.
    Dollars are per million output tokens under the traffic of today. None: no number of the old chip keeps the limits.
    The old chip's own limits, such as its power, need no margin for the errors of an estimate: it is there.
    """
    ready = replace(new.problem, budget=new.problem.budget.built)
    own, kept = new.found.genomes[:, new.pick], redeployed(ready, old.found.genomes[:, old.pick])
    if kept is not None:
        # No busier than the new chip, which had to bear each request of the traffic.
        load = ready.space.names.index("load")
        kept[load] = min(kept[load], own[load])
    found = {
        "old_design": old.problem.space.describe(old.found.genomes[:, old.pick]),
        "old_usd_before": old.row(old.pick)["usd_per_mtoken"], "new_usd": new.row(new.pick)["usd_per_mtoken"],
        "tokens_per_day": tokens_per_day, "nre_usd": _once_usd(ready, own),
        "lifetime_s": float(ready.economy.figure(NOMINAL, "lifetime")),
    }  # fmt: skip
    if kept is None:
        return {**found, "old_usd": None, "regret": None, "saved_usd_per_day": None, "pays_after_days": None,
                "pays": True}  # fmt: skip
    usd = float(np.ravel(ready.price(kept[:, None], REFINE_TECH).usd_per_mtoken)[0])
    saved = (_running_usd(ready, kept) - _running_usd(ready, own)) * tokens_per_day / 1e6
    days = found["nre_usd"] / saved if saved > 0 else inf
    return {
        **found, "old_usd": usd, "regret": usd / found["new_usd"] - 1, "saved_usd_per_day": saved,
        "pays_after_days": days if days < inf else None, "pays": days * DAY_S < found["lifetime_s"],
        "old_deployment": {n: ready.space.describe(kept)[n] for n in ("tensor_parallel", "stages", "batch", "load")},
    }  # fmt: skip


def _running_usd(ready: Problem, genome: np.ndarray) -> float:
    """A million output tokens, without the chip's share of what is paid once."""
    many = replace(ready, economy=replace(ready.economy, volume=inf))
    return float(np.ravel(many.price(genome[:, None], REFINE_TECH).usd_per_mtoken)[0])


def _once_usd(ready: Problem, genome: np.ndarray) -> float:
    """Masks, design, IP, software: what a new chip costs before the first one is made."""
    designs, _ = ready.space.decode(genome[:, None], REFINE_TECH)
    chips = Tensor(designs, REFINE_TECH, ready.economy.device)
    return float(np.ravel(chips.nre_usd(ready.economy.once(NOMINAL)))[0])
