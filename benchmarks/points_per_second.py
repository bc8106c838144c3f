"""How many designs a second one core prices: the array form of the estimate, and a loop over plain numbers.

    python benchmarks/points_per_second.py [--study NAME] [--points N] [--target POINTS_PER_S] [--json]

Both run the same functions; only what they are given differs. Exit code 1: the array form misses the target.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from sartor.search.problem import Problem, problem
from sartor.search.result import Deployment
from sartor.search.screen import CHUNK, UNIT, screen_unit, tape_of
from sartor.search.study import find_study
from sartor.tech.technology import Technology

TARGET_PER_S = 2e6
SCALAR_POINTS = 100
REPEATS = 5


def arrays(ready: Problem, points: int) -> None:
    """Screen `points` random designs: draw, price, keep the front and the near misses."""
    for number, start in enumerate(range(0, points, UNIT)):
        screen_unit(ready, number, min(UNIT, points - start))


def scalars(ready: Problem, points: int) -> None:
    """Price `points` random designs one by one, in plain numbers."""
    tech = Technology()
    designs, how = ready.space.decode(ready.space.sample(points, np.random.default_rng(0)), tech)
    for row in range(points):
        ready.price_designs(designs.one(row), _at(how, row), tech)


def _at(how: Deployment, row: int) -> Deployment:
    values = (getattr(how, f.name) for f in fields(how))
    return Deployment(*(v[row].item() if np.ndim(v) else v for v in values))


def per_second(work: Callable[[Problem, int], None], ready: Problem, points: int) -> dict[str, float]:
    """The best of a few runs, per second of this process's processor time and per second on the clock."""
    best = {"cpu": 0.0, "wall": 0.0}
    for _ in range(REPEATS):
        wall, cpu = time.perf_counter(), time.process_time()
        work(ready, points)
        best["cpu"] = max(best["cpu"], points / (time.process_time() - cpu))
        best["wall"] = max(best["wall"], points / (time.perf_counter() - wall))
    return best


def measure(study: str, points: int, target: float) -> dict[str, Any]:
    """Every figure that is printed."""
    ready = problem(find_study(study))
    arrays(ready, CHUNK)  # imports, tables and caches
    many, one = per_second(arrays, ready, points), per_second(scalars, ready, SCALAR_POINTS)
    return {
        "study": study,
        "points": points,
        "array_points_per_cpu_s": many["cpu"],
        "array_points_per_s": many["wall"],
        "scalar_points_per_cpu_s": one["cpu"],
        "scalar_points_per_s": one["wall"],
        "ratio": many["cpu"] / one["cpu"],
        "array_operations": tape_of(ready).operations,
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "target_per_cpu_s": target,
        "target_met": many["cpu"] >= target,
    }


def show(found: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"Designs of {found['study']} priced a second, one core")
    for column in ("form", "per CPU second", "per second", "designs"):
        table.add_column(column, justify="left" if column == "form" else "right")
    for form, points in (("array", found["points"]), ("scalar", SCALAR_POINTS)):
        rates = (f"{found[f'{form}_points_per_{per}']:,.0f}" for per in ("cpu_s", "s"))
        table.add_row(form, *rates, f"{points:,}")
    verdict = "met" if found["target_met"] else "missed"
    table.caption = (
        f"ratio {found['ratio']:,.0f}, {found['array_operations']:,} array operations, "
        f"peak memory {found['peak_rss_bytes'] / 1e6:,.0f} MB, "
        f"target {found['target_per_cpu_s']:,.0f} {verdict}"
    )
    Console().print(table)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--study", default="cloud-llama70b")
    parser.add_argument("--points", type=int, default=4 * UNIT)
    parser.add_argument("--target", type=float, default=TARGET_PER_S, help="designs a CPU second")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    given = parser.parse_args()
    found = measure(given.study, given.points, given.target)
    if given.json:
        print(json.dumps(found))
    else:
        show(found)
    return 0 if found["target_met"] else 1


if __name__ == "__main__":
    sys.exit(main())
