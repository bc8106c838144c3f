"""The whole job: explore, choose, compare, explain, report."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..chip import presets, toml
from ..chip.spec import Chip
from ..families import priced
from ..report.claims import claim_rows, variant_rows
from ..report.data import plain, report
from ..report.html import page
from ..report.served import service
from ..report.standings import likeness
from ..search.compare import Standing, stand, stand_at
from ..search.economy import Economy
from ..search.evaluate import evaluate
from ..search.explore import Exploration, Progress, explore
from ..search.problem import Problem
from ..search.redesign import DAY_S, redesign
from ..search.result import Budget, Deployment
from ..search.robust import regrets
from ..search.store import write_parquet, write_text
from ..search.study import Study, find_study
from ..search.uncertainty import KeepsAt, PriceAt, survival
from ..search.variants import variants
from ..serve.choice import choose, sent
from ..tech.technology import NOMINAL, Technology
from ..validation.bands import missed
from ..workload.drift import drift
from ..workload.profiles import find_traffic
from .silicon import silicon
from .weights import real_weights

ROBUST_POINTS = 1_000_000  # screened for each of the other traffics
Say = Callable[[str], None]


@dataclass
class Design:
    """What `design` found: the chip, the exploration behind it, and everything the report says."""

    chip: Chip
    exploration: Exploration
    standings: list[Standing]
    report: dict[str, Any]


def design(
    study: str | Study = "edge-smollm2",
    executor: str = "process",
    progress: Progress | None = None,
    say: Say | None = None,
    resume: bool = False,
    build: bool = False,
    before: Study | None = None,
) -> Design:
    """Explore `study`, simulate its best designs in service and choose one, stand it beside the chips one could buy,
    and say why. `build`: generate the chip, and run the study's model on its RTL and on the golden model (minutes).
    `before`: the study that the chip in service was designed for; the report says whether a new one pays."""
    tell = say or (lambda text: None)
    study = find_study(study) if isinstance(study, str) else study
    tell("fetching and checking the weights")
    weights = real_weights(study)
    tell("exploring designs")
    run = explore(study, executor, progress, resume)
    served = in_service(run, tell)
    ready, chip = run.problem, run.chip(run.pick, study.name)
    tell("comparing with chips that exist")
    standings = [_own_standing(run, chip), *rivals(ready)]
    tell("serving other traffic")
    regret = regrets(study, run, min(ROBUST_POINTS, study.search.points))
    tell("drawing every assumption from its range")
    errors = {s.chip.name: missed(s.chip, s.weights)[0] for s in standings}
    survived = survival(
        prices(ready, standings), chip.name, keeps_limits(ready, standings[0]), study.search.seed, errors=errors,
        alike=likeness(standings),
    )  # fmt: skip
    said = report(run, chip, standings, regret, survived)
    said["workload"]["weights"] = weights
    said["service"] = served
    if study.variants.weights:
        tell("searching one format and one kind of memory at a time")
        made = variants(study, tell)
        said["variants"] = variant_rows(made)
        said["claims"] = claim_rows(study, made, ready.work)
    if before is not None:
        tell("designing for the traffic of before")
        said["drift"] = since(before, run)
    if build:
        said["silicon"] = silicon(chip, study, tell, gates=True)
    return Design(chip, run, standings, said)


def in_service(run: Exploration, tell: Say) -> dict[str, Any]:
    """The best few designs under the real traffic, request by request; the one that keeps the SLO for the least money
    is the run's pick from now on."""
    study, front = run.problem.study, len(run.found.points)
    traffic, work = find_traffic(study.traffic.profile), run.problem.work
    tried = choose(run, traffic, study.traffic.rate, watch=tell)
    run.settle(tried[0].row, front)
    return service(tried, traffic, work.slo, run.problem.budget.margin, sent(traffic))


def since(before: Study, run: Exploration) -> dict[str, Any]:
    """How the traffic has changed since `before`, what that costs, and whether a new chip pays."""
    study, was = run.problem.study, find_traffic(before.traffic.profile)
    now = find_traffic(study.traffic.profile)
    old = explore(before.with_points(min(ROBUST_POINTS, before.search.points)))
    changed = drift(was, now, study.slo.percentile)
    demand = run.problem.work.demand
    asked = demand.rate_per_s if study.traffic.rate is None else study.traffic.rate * duty(run)
    return {**changed, "redesign": redesign(old, run, asked * demand.output_mean * DAY_S)}


def duty(run: Exploration) -> float:
    """The mean of a day over its peak."""
    return float(run.problem.economy.figure(NOMINAL, "duty"))


def _own_standing(run: Exploration, chip: Chip) -> Standing:
    """The chosen chip, deployed as the search found best."""
    ready, tile = run.problem, chip.tile
    assert tile is not None
    how = run.deployment(run.pick)
    return stand_at(chip, ready.work, ready.economy, ready.budget.exact, tile.weights, tile.kv, how)


def rivals(ready: Problem) -> list[Standing]:
    """The study's other chips, judged by the SLO, their memory, and the requests that the study serves at once."""
    study, found = ready.study, []
    for name in study.compare.chips:
        chip = presets.find(name)
        limits = Budget(batch=ready.budget.batch)
        found.append(
            stand(chip, ready.work, ready.economy, limits, ready.rival_weights, study.compare.cache)
        )
    return found + ([shared(ready)] if ready.budget.batch and found else [])


def shared(ready: Problem) -> Standing:
    """The other way to serve one user: the study's chip that is cheapest to a buyer when many users share it in a
    data center. The way over the network is not counted."""
    study = ready.study
    economy = Economy("datacenter", study.economics.volume)
    tried: list[tuple[bool, float, int, Standing]] = []
    for chip in map(presets.find, study.compare.chips):
        s = stand(chip, ready.work, economy, Budget(), ready.rival_weights, study.compare.cache)
        usd = [v for basis in ("vendor", "rental") if (v := s.usd_per_mtoken[basis]) is not None]
        tried.append((not s.feasible, min(usd, default=float("inf")), len(tried), s))
    best = min(tried)[-1]
    return replace(best, chip=replace(best.chip, name=f"{best.chip.name} shared"), shared=True)


def prices(ready: Problem, standings: list[Standing]) -> dict[str, PriceAt]:
    """Dollars per million tokens of each, under any facts: the chosen chip and its rivals all at cost."""

    def at_cost(s: Standing) -> PriceAt:
        how = Deployment(s.tensor_parallel, s.stages, s.batch, s.load)

        def price(tech: Technology) -> Any:
            chips = priced(s.chip, s.weights, s.cache, tech, ready.economy.device)
            return evaluate(chips, ready.work, how, ready.economy, Budget(), tech).usd_per_mtoken

        return price

    return {s.chip.name: at_cost(s) for s in standings if s.feasible and not s.shared}


def keeps_limits(ready: Problem, mine: Standing) -> KeepsAt:
    """Whether the chosen chip keeps every limit, under any facts."""
    how = Deployment(mine.tensor_parallel, mine.stages, mine.batch, mine.load)

    def keeps(tech: Technology) -> Any:
        chips = priced(mine.chip, mine.weights, mine.cache, tech, ready.economy.device)
        return evaluate(chips, ready.work, how, ready.economy, ready.budget.exact, tech).feasible

    return keeps


def write(result: Design, out: Path) -> list[Path]:
    """`report.html`, `report.json`, `chip.toml` and `front.parquet` in `out`, each whole or not at all."""
    files = {
        "report.json": json.dumps(plain(result.report), indent=1, ensure_ascii=False, allow_nan=False),
        "report.html": page(result.report),
        "chip.toml": toml.dumps(result.chip),
    }
    for name, text in files.items():
        write_text(out / name, text)
    write_parquet(out / "front.parquet", result.exploration.found, result.exploration.problem)
    return [out / name for name in (*files, "front.parquet")]
