"""Explore a study: screen, refine, and the front. Deterministic by seed, whatever prices the units."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from ..families.tensor.design import to_chip
from .executors import find_executor
from .infeasible import infeasible
from .pareto import thin
from .polish import polish
from .problem import Problem, problem
from .refine import REFINE_TECH, refine
from .result import Result
from .screen import UNIT, Unit, merge, screen_unit
from .store import Shards
from .study import Study

CHEAPEST_WITHIN = (
    0.01  # of the cheapest: no model of ours tells such designs apart, so the least energy decides
)
Progress = Callable[[int, int], None]  # points priced, points in all


@dataclass
class Exploration:
    """What a search found. `front` rows are sorted by dollars."""

    problem: Problem
    found: Unit
    screen_s: float = 0.0
    screen_cpu_s: float = 0.0
    screened: int = 0  # points priced in this run, resumed ones not counted
    interrupted: bool = False
    executor: str = "process"
    _priced: Result | None = field(default=None, repr=False)

    @property
    def points_per_s(self) -> float:
        """Points of screening a second of wall time, sampling, pricing and filtering included."""
        return self.screened / self.screen_s if self.screen_s else 0.0

    @property
    def result(self) -> Result:
        """The front's figures in double precision, in its order."""
        if self._priced is None:
            self._priced = self.problem.price(self.found.genomes, REFINE_TECH)
        return self._priced

    @property
    def pick(self) -> int:
        """The row of the chosen design: of those within 1 % of the cheapest, the least energy a token."""
        usd = np.asarray(self.result.usd_per_mtoken)
        near = np.flatnonzero(usd <= usd.min() * (1 + CHEAPEST_WITHIN))
        return int(near[np.argmin(np.asarray(self.result.j_per_token)[near])])

    def rows(self, most: int | None = None) -> list[dict[str, Any]]:
        """The front as plain rows: figures and choices."""
        order = thin(self.found.points, most or self.found.points.shape[0])
        return [self.row(int(i)) for i in order]

    def row(self, i: int) -> dict[str, Any]:
        names = ("usd_per_mtoken", "j_per_token", "latency_s", "ttft_s", "tpot_s", "tokens_per_s", "power_w")
        figures = {
            n: float(np.broadcast_to(getattr(self.result, n), self.found.points.shape[:1])[i]) for n in names
        }
        return {**figures, "design": self.problem.space.describe(self.found.genomes[:, i])}

    def chip(self, i: int, name: str) -> Any:
        """Row `i` as a chip."""
        designs, _ = self.problem.space.decode(self.found.genomes[:, [i]], REFINE_TECH)
        return to_chip(designs, name, self.problem.economy.device)


def explore(
    study: Study, executor: str = "process", progress: Progress | None = None, resume: bool = False
) -> Exploration:
    """Screen and refine `study`. `resume` keeps finished units on disk until the run ends, and starts from them.

    Ctrl-C keeps what was found. Raises Infeasible when nothing keeps the limits.
    """
    ready = problem(study)
    run = Exploration(ready, _nothing(ready), executor=executor)
    shards = Shards(ready) if resume else None
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        _screen(run, shards, progress)
    except KeyboardInterrupt:
        run.interrupted = True
    run.screen_s, run.screen_cpu_s = time.perf_counter() - wall, time.process_time() - cpu
    search = study.search
    if not run.interrupted:
        run.found = refine(ready, run.found, search.generations, search.population, search.seed)
        run.found = polish(ready, run.found, REFINE_TECH)
        if shards:
            shards.clear()
    if run.found.genomes.shape[1] == 0:
        raise infeasible(ready, run.found)
    return _sorted(run)


def _screen(run: Exploration, shards: Shards | None, progress: Progress | None) -> None:
    total = run.problem.study.search.points
    sizes = [min(UNIT, total - start) for start in range(0, total, UNIT)]
    ready = {n: unit for n in range(len(sizes)) if shards and (unit := shards.load(n))}
    missing = [n for n in range(len(sizes)) if n not in ready]
    priced = find_executor(run.executor)(partial(_priced_unit, run.problem, sizes), missing)
    for number in range(len(sizes)):
        unit = ready.get(number)
        if unit is None:
            unit = next(priced)
            run.screened += unit.evaluations
            if shards:
                shards.save(number, unit)
        run.found = merge(run.found, unit)
        if progress:
            progress(run.found.evaluations, total)


def _priced_unit(ready: Problem, sizes: list[int], number: int) -> Unit:
    return screen_unit(ready, number, sizes[number])


def _nothing(ready: Problem) -> Unit:
    return Unit(np.zeros((len(ready.space.names), 0), np.uint8), np.zeros((0, 3)))


def _sorted(run: Exploration) -> Exploration:
    order = np.argsort(run.found.points[:, 0], kind="stable")
    run.found.genomes, run.found.points = run.found.genomes[:, order], run.found.points[order]
    return run
