"""Explore a study: screen, refine, and the front. Deterministic by seed, whatever prices the units."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any

import numpy as np

from ..families.tensor.spec import to_chip
from .executors import find_executor
from .infeasible import infeasible
from .pareto import thin
from .polish import polish
from .problem import Problem, objectives, problem
from .refine import REFINE_TECH, refine
from .result import Deployment, Result
from .screen import UNIT, Unit, merge, screen_unit
from .store import Shards
from .study import Study

CHEAPEST_WITHIN = (
    0.01  # of the cheapest: no model of ours tells such designs apart, so the least energy decides
)
Progress = Callable[[int, int], None]  # points priced, points in all


@dataclass
class Exploration:
    """What a search found. `front` rows are sorted by dollars; after them stand designs that were asked for
    by their genome."""

    problem: Problem
    found: Unit
    screen_s: float = 0.0
    screen_cpu_s: float = 0.0
    screened: int = 0  # points priced in this run, resumed ones not counted
    interrupted: bool = False
    executor: str = "process"
    chosen: int | None = None  # the row that a simulation found to be the cheapest that keeps the SLO
    _priced: Result | None = field(default=None, repr=False)

    @property
    def points_per_s(self) -> float | None:
        """Points of screening a second of wall time, sampling, pricing and filtering included; None where every unit
        had been priced by another run."""
        return self.screened / self.screen_s if self.screened else None

    @property
    def points_per_cpu_s(self) -> float | None:
        """The same a second of processor time; None, too, where other processes did the work."""
        return self.screened / self.screen_cpu_s if self.executor == "process" and self.screened else None

    @property
    def result(self) -> Result:
        """The front's figures in double precision, in its order."""
        if self._priced is None:
            self._priced = self.problem.price(self.found.genomes, REFINE_TECH)
        return self._priced

    @property
    def pick(self) -> int:
        """The row of the chosen design: of those within 1 % of the cheapest, the least energy a token."""
        if self.chosen is not None:
            return self.chosen
        usd = np.asarray(self.result.usd_per_mtoken)
        near = np.flatnonzero(usd <= usd.min() * (1 + CHEAPEST_WITHIN))
        return int(near[np.argmin(np.asarray(self.result.j_per_token)[near])])

    def deployment(self, i: int) -> Deployment:
        """How row `i` is deployed, as plain numbers."""
        _, how = self.problem.space.decode(self.found.genomes[:, [i]], REFINE_TECH)
        return Deployment(*(np.ravel(getattr(how, f.name))[0].item() for f in fields(Deployment)))

    def at_lower_loads(self, i: int) -> list[np.ndarray]:
        """Genomes of row `i` planned for less, the highest load first."""
        variable, genome = self.problem.space.names.index("load"), self.found.genomes[:, i]
        lower = [genome.copy() for _ in range(int(genome[variable]))]
        for step, other in enumerate(lower, start=1):
            other[variable] -= step
        return lower

    def with_genome(self, genome: np.ndarray) -> int:
        """The row of `genome`, added at the end where it is not there: rows keep their places."""
        same = np.flatnonzero((self.found.genomes == genome[:, None]).all(axis=0))
        if len(same):
            return int(same[0])
        priced = self.problem.price(genome[:, None], REFINE_TECH)
        self.found.genomes = np.column_stack([self.found.genomes, genome])
        self.found.points = np.vstack([self.found.points, objectives(priced)])
        self._priced = None
        return self.found.genomes.shape[1] - 1

    def settle(self, i: int, front: int) -> None:
        """Row `i` is the design; of the rows from `front` on, which were asked for, only it stays."""
        keep = [*range(front), *([i] if i >= front else [])]
        order = np.array(sorted(keep, key=lambda k: self.found.points[k, 0]))
        self.found.genomes, self.found.points = self.found.genomes[:, order], self.found.points[order]
        self.chosen, self._priced = order.tolist().index(i), None

    def rows(self, most: int | None = None) -> list[dict[str, Any]]:
        """The front as plain rows: figures and choices."""
        order = thin(self.found.points, most or self.found.points.shape[0])
        return [self.row(int(i)) for i in order]

    def row(self, i: int) -> dict[str, Any]:
        names = ("usd_per_mtoken", "j_per_token", "latency_s", "ttft_s", "tpot_s", "tokens_per_s", "requests_per_s",
                 "power_w", *self.problem.objectives[3:])  # fmt: skip
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
    # Each process makes the problem ready by itself, once.
    priced = find_executor(run.executor)(partial(_priced_unit, run.problem.study, sizes), missing)
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


def _priced_unit(study: Study, sizes: list[int], number: int) -> Unit:
    return screen_unit(problem(study), number, sizes[number])


def _nothing(ready: Problem) -> Unit:
    return Unit(np.zeros((len(ready.space.names), 0), np.uint8), np.zeros((0, len(ready.objectives))))


def _sorted(run: Exploration) -> Exploration:
    order = np.argsort(run.found.points[:, 0], kind="stable")
    run.found.genomes, run.found.points = run.found.genomes[:, order], run.found.points[order]
    return run
