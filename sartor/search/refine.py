"""Multi-objective refinement: NSGA-II from the screening's front, whole populations priced at once."""

from __future__ import annotations

import numpy as np

from ..tech.technology import Technology
from .pareto import thin
from .problem import Problem, objectives
from .result import Result
from .screen import Unit, merge, summarize

REFINE_TECH = Technology(dtype=np.float64)
_WORST = 1e30  # stands for figures that are not finite


def refine(problem: Problem, start: Unit, generations: int, population: int, seed: int) -> Unit:
    """The start's front made better by `generations`; the start's counts are kept beside the new ones."""
    if generations == 0 or start.genomes.shape[1] + start.evaluations == 0:
        return start
    # pymoo takes over a second to import: only those who refine pay.
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from pymoo.core.problem import Problem as PymooProblem
    from pymoo.operators.crossover.sbx import SBX
    from pymoo.operators.mutation.pm import PM
    from pymoo.operators.repair.rounding import RoundingRepair
    from pymoo.optimize import minimize

    archive = [start]
    counts = problem.space.counts
    limits = len(problem.price(_seed_population(problem, start, 2, seed), REFINE_TECH).violations)

    class Batch(PymooProblem):
        def __init__(self) -> None:
            aims = len(problem.objectives)
            super().__init__(n_var=len(counts), n_obj=aims, n_ieq_constr=limits, xl=0, xu=counts - 1, vtype=int)

        def _evaluate(self, x: np.ndarray, out: dict, *args: object, **kwargs: object) -> None:
            genomes = x.T.astype(np.uint8)
            result = problem.price(genomes, REFINE_TECH)
            archive[0] = merge(archive[0], summarize(genomes, result))
            out["F"], out["G"] = _scores(result)

    repair = RoundingRepair()
    algorithm = NSGA2(
        pop_size=population,
        sampling=_seed_population(problem, start, population, seed).T.astype(int),
        crossover=SBX(prob=0.9, eta=10, vtype=float, repair=repair),
        mutation=PM(prob_var=1.5 / len(counts), eta=8, vtype=float, repair=repair),
        eliminate_duplicates=True,
    )
    minimize(Batch(), algorithm, ("n_gen", generations), seed=seed, copy_algorithm=False)
    return archive[0]


def _seed_population(problem: Problem, start: Unit, population: int, seed: int) -> np.ndarray:
    """Up to half from the front, spread over it; the nearest miss; the rest random. [variables, population]"""
    rng = np.random.default_rng([seed, 0x5EED])
    picked = (
        start.genomes[:, thin(start.points, population // 2)] if start.genomes.shape[1] else start.genomes
    )
    if start.nearest is not None:
        picked = np.concatenate([picked, start.nearest[1][:, None]], axis=1)
    return np.concatenate([picked, problem.space.sample(population - picked.shape[1], rng)], axis=1)


def _scores(result: Result) -> tuple[np.ndarray, np.ndarray]:
    """Logarithms, so that a tenth counts the same everywhere."""
    points = np.nan_to_num(objectives(result), nan=_WORST, posinf=_WORST)
    ratios = np.stack(np.broadcast_arrays(*result.violations.values()), axis=1)
    return np.log(np.maximum(points, 1e-30)), np.log(np.maximum(ratios, 1e-6))
