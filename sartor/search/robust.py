"""One chip for several traffics: how bad is the chip tailored to A when it serves B, and which chip regrets least."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

from .explore import Exploration, explore
from .pareto import thin
from .problem import Problem
from .refine import REFINE_TECH
from .study import Study

CANDIDATES = 64  # front designs of each traffic that may be the robust pick
_DEPLOYED = ("tensor_parallel", "stages", "batch", "load")  # chosen anew for each traffic


@dataclass
class Regret:
    """`usd[a][b]`: dollars per million tokens of the chip tailored to traffic a serving traffic b, deployed anew;
    None where it cannot keep the SLO. `robust`: the candidate whose worst regret is smallest."""

    traffics: list[str]
    usd: list[list[float | None]]
    chips: list[dict[str, Any]]
    robust: dict[str, Any]
    robust_usd: list[float | None]
    robust_worst: float | None

    def regret(self, a: int, b: int) -> float | None:
        """How much dearer than the chip tailored to b."""
        mine, best = self.usd[a][b], self.usd[b][b]
        return None if mine is None or best is None else mine / best - 1


def regrets(study: Study, main: Exploration, points: int) -> Regret | None:
    """The table over the study's traffic and its `others`; each of the others gets a search of its own, `points` large."""
    others = study.traffic.others
    if not others:
        return None
    runs = [main] + [explore(_with_traffic(study, name, points)) for name in others]
    problems = [run.problem for run in runs]
    candidates = [run.found.genomes[:, run.pick] for run in runs]
    pool = candidates + [g for run in runs for g in run.found.genomes[:, thin(run.found.points, CANDIDATES)].T]
    usd = np.stack([cheapest(ready, np.array(pool)) for ready in problems], axis=1)  # [pool, traffics]
    # What a later search of the same traffic found cheaper is the better tailored chip.
    best = usd.min(axis=0)
    worst = (usd / best - 1).max(axis=1)
    chosen = int(np.argmin(worst))
    tailored = [int(np.argmin(usd[:, t])) for t in range(len(runs))]
    return Regret(
        [study.traffic.profile, *others],
        [[_known(v) for v in usd[t]] for t in tailored],
        [problems[0].space.describe(pool[t]) for t in tailored],
        problems[0].space.describe(pool[chosen]),
        [_known(v) for v in usd[chosen]],
        _known(worst[chosen]),
    )


def _with_traffic(study: Study, profile: str, points: int) -> Study:
    traffic = study.traffic.model_copy(update={"profile": profile, "others": []})
    return study.model_copy(update={"traffic": traffic}).with_points(points)


def cheapest(ready: Problem, chips: np.ndarray) -> np.ndarray:
    """Dollars per million tokens of each chip [chips, variables] in its best deployment; inf: none keeps the SLO."""
    names, counts = ready.space.names, ready.space.counts
    free = [names.index(n) for n in _DEPLOYED]
    ways = np.array(list(itertools.product(*(range(counts[i]) for i in free))), np.uint8)  # [ways, 4]
    genomes = np.repeat(chips, len(ways), axis=0)
    genomes[:, free] = np.tile(ways, (len(chips), 1))
    result = ready.price(genomes.T, REFINE_TECH)
    usd = np.where(result.feasible, result.usd_per_mtoken, np.inf)
    return usd.reshape(len(chips), len(ways)).min(axis=1)


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
