"""Vectorized screening: price random points of the space, unit by unit, and keep what matters of each.

A unit's points depend on the seed and its number alone, so that any executor, in any order, finds the same. Where there
are many, the estimate is traced once, and its tape is run instead (plan.py): the same bits three times as fast.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..tech.technology import Technology
from .heap import keep_freed_pages
from .pareto import front
from .plan import planned
from .problem import OBJECTIVES, Problem, objectives
from .result import Result
from .tape import Tape
from .traced import variable

CHUNK = 65_536  # points priced at once: fewer calls a point, and the arrays still stay in the caches
UNIT = 4 * CHUNK
WORTH_TRACING = 500_000  # points, whose pricing takes longer than tracing
SCREEN_TECH = Technology(dtype=np.float32)


@dataclass
class NearMiss:
    """The cheapest design seen that breaks one limit alone."""

    limit: str
    genome: np.ndarray  # [variables]
    ratio: float  # value / limit
    usd_per_mtoken: float


@dataclass
class Unit:
    """What one unit of screening found."""

    genomes: np.ndarray  # front, [variables, k] uint8
    points: np.ndarray  # [k, objectives]
    evaluations: int = 0
    feasible: int = 0
    killed: dict[str, int] = field(default_factory=dict)  # points that break a limit, by limit
    near: dict[str, NearMiss] = field(default_factory=dict)
    nearest: tuple[float, np.ndarray] | None = None  # where none is feasible: smallest worst violation, its genome


def screen_unit(problem: Problem, number: int, points: int) -> Unit:
    """Price unit `number`, `points` of it."""
    keep_freed_pages()
    price = pricing(problem)
    rng = np.random.default_rng([problem.study.search.seed, number])
    unit = Unit(np.zeros((len(problem.space.names), 0), np.uint8), np.zeros((0, len(problem.objectives))))
    for start in range(0, points, CHUNK):
        genomes = problem.space.sample(min(CHUNK, points - start), rng)
        unit = merge(unit, summarize(genomes, price(genomes)))
    return unit


def pricing(problem: Problem) -> Callable[[np.ndarray], Result]:
    """Genomes [variables, designs] to the figures that `summarize` asks for, in single precision."""
    if problem.study.search.points < WORTH_TRACING:
        return functools.partial(problem.price, tech=SCREEN_TECH)
    run = tape_of(problem).ready()

    def price(genomes: np.ndarray) -> Result:
        figures = run(genomes)
        return _partly({name: figures.pop(name) for name in problem.objectives}, figures)

    return price


@functools.lru_cache(maxsize=4)
def tape_of(problem: Problem) -> Tape:
    """Objectives and violations of the study's designs, traced."""
    choices = [variable(row, int(count)) for row, count in enumerate(problem.space.counts)]
    result = problem.price(choices, SCREEN_TECH)  # type: ignore[arg-type]
    aims = {name: getattr(result, name) for name in problem.objectives}
    return Tape(planned(aims | result.violations, len(choices)))


def _partly(aims: dict[str, Any], violations: dict[str, Any]) -> Result:
    """A result of objectives and violations alone."""
    nothing = dict.fromkeys(Result.__dataclass_fields__)
    return Result(**{**nothing, **aims, "violations": violations})


def summarize(genomes: np.ndarray, result: Result) -> Unit:
    """The front, the counts and the near misses of one priced batch."""
    count = np.zeros(genomes.shape[1], np.uint8)
    result.violations = {
        name: np.broadcast_to(ratio, count.shape) for name, ratio in result.violations.items()
    }
    broken = {name: ratio > 1 for name, ratio in result.violations.items()}
    for mask in broken.values():
        count += mask.view(np.uint8)
    rows = np.flatnonzero((count == 0) & np.isfinite(result.usd_per_mtoken))
    kept = objectives(_rows(result, rows))
    best = _front_rows(kept)
    return Unit(
        genomes[:, rows[best]], kept[best], genomes.shape[1], len(rows),
        {name: int(np.count_nonzero(mask)) for name, mask in broken.items()},
        _near_misses(genomes, result, broken, count),
        None if len(rows) else _nearest(genomes, result),
    )  # fmt: skip


def _nearest(genomes: np.ndarray, result: Result) -> tuple[float, np.ndarray]:
    """The smallest worst violation, and its genome."""
    worst = np.broadcast_to(result.worst_violation, genomes.shape[1:])
    row = int(np.argmin(worst))
    return float(worst[row]), genomes[:, row]


def _front_rows(points: np.ndarray) -> np.ndarray:
    """The front; what the best-balanced point beats outright is dropped before the exact filter."""
    if len(points) == 0:
        return front(points)
    balanced = points[np.argmin(np.log(points).sum(axis=1))]
    left = np.flatnonzero((points <= balanced).any(axis=1))
    return left[front(points[left])]


def _rows(result: Result, rows: np.ndarray) -> Result:
    """Only the objectives at `rows`."""
    shape, names = np.shape(result.usd_per_mtoken), OBJECTIVES if result.kl is None else (*OBJECTIVES, "kl")
    return _partly({name: np.broadcast_to(getattr(result, name), shape)[rows] for name in names}, {})


def _near_misses(genomes: np.ndarray, result: Result, broken: dict, count: np.ndarray) -> dict[str, NearMiss]:
    alone, found = count == 1, {}
    for name, mask in broken.items():
        rows = np.flatnonzero(mask & alone)
        usd = result.usd_per_mtoken[rows]
        if len(rows) and np.isfinite(usd.min()):
            row = rows[np.argmin(usd)]
            ratio = float(result.violations[name][row])
            found[name] = NearMiss(name, genomes[:, row], ratio, float(usd.min()))
    return found


def merge(a: Unit, b: Unit) -> Unit:
    """Two units as one; of equals the earlier stays."""
    genomes = np.concatenate([a.genomes, b.genomes], axis=1)
    points = np.concatenate([a.points, b.points])
    best = front(points)
    near = dict(a.near)
    for name, miss in b.near.items():
        if name not in near or miss.usd_per_mtoken < near[name].usd_per_mtoken:
            near[name] = miss
    nearest = min((x.nearest for x in (a, b) if x.nearest is not None), key=lambda n: n[0], default=None)
    killed = {name: a.killed.get(name, 0) + b.killed.get(name, 0) for name in {**a.killed, **b.killed}}
    return Unit(genomes[:, best], points[best], a.evaluations + b.evaluations, a.feasible + b.feasible,
                killed, near, nearest)  # fmt: skip
