"""What the bound on vector lanes costs: the best designs that it excludes beside the best that it admits.

    python benchmarks/vector_lanes.py [STUDY ...] [--points N]

Of random designs of an edge study that could be built: the best with more vector lanes than the bound admits over the
best of all others, for power budgets from the least to the most that such a design needs. Figures: output tokens/s per
mm2 of die, output tokens/s, dollars a million tokens. Read by docs/decisions/0014-lanes-and-multipliers.md.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np

from sartor.families.tensor.family import Tensor
from sartor.search.polish import neighbors
from sartor.search.problem import Problem, problem
from sartor.search.study import find_study
from sartor.tech.technology import Technology

STUDIES = ("edge-smollm2", "edge-smollm2-mixed", "phone", "car")
LIMIT = "balance"
PHYSICAL = ("memory capacity", "scratchpad", "clock", "quality", "chips", "batch")
BUDGETS = 6
TECH = Technology()
FIGURES = ("tokens/s per mm2", "tokens/s", "$ per Mtoken")
KEPT = 16


@dataclass(frozen=True)
class Points:
    """Designs of a study, priced: figures, which could be built with admitted lanes or with more, power of a chip."""

    genomes: np.ndarray
    figures: dict[str, np.ndarray]
    kinds: dict[str, np.ndarray]
    power_w: np.ndarray


def priced(ready: Problem, genomes: np.ndarray) -> Points:
    designs, how = ready.space.decode(genomes, TECH)
    r, area = ready.price_designs(designs, how, TECH), Tensor(designs, TECH).physical.total_mm2
    real = np.logical_and.reduce([np.broadcast_to(r.violations[n], designs.shape) <= 1 for n in PHYSICAL
                                  if n in r.violations])  # fmt: skip
    few = np.asarray(r.violations[LIMIT]) <= 1
    figures = r.tokens_per_s / (area * how.chips), r.tokens_per_s, -r.usd_per_mtoken
    return Points(genomes, dict(zip(FIGURES, figures, strict=True)),
                  {"excluded": real & ~few, "admitted": real & few}, np.asarray(r.power_w))  # fmt: skip


def best(ready: Problem, points: Points, figure: str, kind: str, most_w: float) -> float:
    """The largest figure of a kind within a power budget: the best few, and better neighbors until there are none."""
    reached = -np.inf
    while True:
        good = np.where(points.kinds[kind] & (points.power_w <= most_w), points.figures[figure], -np.inf)
        if good.max() <= reached:
            return float(reached)
        reached = good.max()
        kept, counts = points.genomes[:, np.argsort(good)[-KEPT:]].T, ready.space.counts
        around = neighbors(counts, kept), neighbors(counts, neighbors(counts, kept[-1:]).T)
        points = priced(ready, np.concatenate([kept.T, *around], axis=1))


def compare(name: str, count: int) -> None:
    """The best of each kind under every power budget."""
    ready = problem(find_study(name))
    points = priced(ready, ready.space.sample(count, np.random.default_rng(14)))
    excluded = points.kinds["excluded"]
    print(f"{name}: of {count:,} designs {points.kinds['admitted'].sum():,} admitted ones could be built, and "
          f"{excluded.sum():,} excluded ones")  # fmt: skip
    budgets = np.geomspace(*np.quantile(points.power_w[excluded], (0.02, 0.98)), BUDGETS)
    for figure in FIGURES:
        reached, found = {"excluded": -np.inf, "admitted": -np.inf}, []
        for most in budgets:  # what keeps a budget keeps a larger one
            reached = {kind: max(before, best(ready, points, figure, kind, most)) for kind, before in reached.items()}
            out, ours = reached.values()
            found.append((ours / out if out < 0 else out / ours) - 1)
        shown = " ".join(f"{100 * each:+.1f}" for each in found)
        span = f"{budgets[0]:.2g} to {budgets[-1]:.2g} W"
        print(f"  {figure:17} {max(found):+.1%} at most; % at {span}: {shown}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("studies", nargs="*", default=STUDIES)
    parser.add_argument("--points", type=int, default=400_000)
    given = parser.parse_args()
    for name in given.studies:
        compare(name, given.points)


if __name__ == "__main__":
    main()
