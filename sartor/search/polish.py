"""Local search: change one variable of every design on the front, two of the best ones, until nothing gets better."""

from __future__ import annotations

import numpy as np

from ..tech.technology import Technology
from .pareto import thin
from .problem import Problem
from .screen import Unit, merge, summarize

MOST = 256  # front designs whose neighbors are priced in one sweep


def polish(problem: Problem, found: Unit, tech: Technology, sweeps: int = 24) -> Unit:
    """The front after sweeps over all one-variable neighbors of up to `MOST` of its designs, spread over it."""
    tried: set[bytes] = set()
    for _ in range(sweeps):
        found = _pairs(problem, found, tech, tried)
        picked = found.genomes[:, thin(found.points, MOST)].T
        fresh = [genome for genome in picked if genome.tobytes() not in tried]
        if not fresh:
            return found
        tried.update(genome.tobytes() for genome in fresh)
        around = neighbors(problem.space.counts, np.array(fresh))
        found = merge(found, summarize(around, problem.price(around, tech)))
    return found


def _pairs(problem: Problem, found: Unit, tech: Technology, tried: set[bytes]) -> Unit:
    """The best design of each objective, and all that differ from it in two variables."""
    if not len(found.points):
        return found
    best = found.genomes[:, np.unique(np.argmin(found.points, axis=0))].T
    for genome in best:
        if genome.tobytes() + b"pairs" not in tried:
            tried.add(genome.tobytes() + b"pairs")
            around = neighbors(problem.space.counts, neighbors(problem.space.counts, genome[None, :]).T)
            found = merge(found, summarize(around, problem.price(around, tech)))
    return found


def neighbors(counts: np.ndarray, genomes: np.ndarray) -> np.ndarray:
    """All genomes that differ from one of `genomes` [n, variables] in one variable: [variables, m], each once."""
    moved = []
    for variable, count in enumerate(counts):
        for value in range(count):
            changed = genomes[genomes[:, variable] != value].copy()
            changed[:, variable] = value
            moved.append(changed)
    return np.unique(np.concatenate(moved), axis=0).T
