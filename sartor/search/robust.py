"""One chip for several works: how bad is the chip tailored to A when it does B, and which chip regrets least."""

from __future__ import annotations

import contextlib
import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import Infeasible
from .explore import Exploration, explore
from .pareto import thin
from .problem import Problem
from .refine import REFINE_TECH
from .study import Study

CANDIDATES = 64  # front designs of each work that may be the robust pick
_DEPLOYED = ("tensor_parallel", "stages", "batch", "load")  # chosen anew for each work


@dataclass
class Regret:
    """`usd[a][b]`: dollars per million tokens of the chip tailored to work a doing work b, deployed anew; None where
    it cannot keep the SLO. `robust`: the candidate whose worst regret is smallest."""

    works: list[str]
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
    """The table over the study's work and its `others`, each of which gets a search of its own, `points` large.
    Work that no chip of the space can do is left out."""
    runs = {study.traffic.profile: main}
    for other in study.others:
        with contextlib.suppress(Infeasible):
            runs[other.name] = explore(study.asked(other).with_points(points))
    if len(runs) < 2:
        return None
    problems = [run.problem for run in runs.values()]
    pool = [g for run in runs.values() for g in run.found.genomes[:, _candidates(run)].T]
    usd = np.stack([cheapest(ready, np.array(pool)) for ready in problems], axis=1)  # [pool, works]
    worst = (usd / usd.min(axis=0) - 1).max(axis=1)
    chosen = int(np.argmin(worst))
    tailored = [int(np.argmin(usd[:, b])) for b in range(len(runs))]
    words = problems[0].space.describe
    return Regret(
        list(runs), [[_known(v) for v in usd[t]] for t in tailored], [words(pool[t]) for t in tailored],
        words(pool[chosen]), [_known(v) for v in usd[chosen]], _known(worst[chosen]),
    )  # fmt: skip


def _candidates(run: Exploration) -> np.ndarray:
    """The pick and some more of the front."""
    return np.unique([run.pick, *thin(run.found.points, CANDIDATES)])


def cheapest(ready: Problem, chips: np.ndarray) -> np.ndarray:
    """Dollars per million tokens of each chip [chips, variables] in its best deployment; inf: none keeps the SLO."""
    return _ways(ready, chips)[1].min(axis=1)


def redeployed(ready: Problem, chip: np.ndarray) -> np.ndarray | None:
    """`chip` [variables] in its cheapest deployment for this work; None: none keeps the limits."""
    genomes, usd = _ways(ready, chip[None, :])
    best = int(np.argmin(usd[0]))
    return genomes[best] if np.isfinite(usd[0, best]) else None


def _ways(ready: Problem, chips: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every chip in every deployment [chips x ways, variables], and its dollars [chips, ways]."""
    names, counts = ready.space.names, ready.space.counts
    free = [names.index(n) for n in _DEPLOYED]
    ways = np.array(list(itertools.product(*(range(counts[i]) for i in free))), np.uint8)  # [ways, 4]
    genomes = np.repeat(chips, len(ways), axis=0)
    genomes[:, free] = np.tile(ways, (len(chips), 1))
    result = ready.price(genomes.T, REFINE_TECH)
    usd = np.where(result.feasible, result.usd_per_mtoken, np.inf)
    return genomes, usd.reshape(len(chips), len(ways))


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
