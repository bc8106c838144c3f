"""Everything a report says, as one plain dictionary: what `report.json` holds and `report.html` shows."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..chip import toml
from ..chip.spec import Chip
from ..families.tensor.design import Designs
from ..families.tensor.family import Tensor
from ..search import explain
from ..search.compare import Standing
from ..search.evaluate import evaluate
from ..search.explore import Exploration
from ..search.refine import REFINE_TECH
from ..search.result import Deployment
from ..search.robust import Regret
from ..search.uncertainty import Survival
from ..tech.technology import NOMINAL
from ..version import VERSION
from ..workload.sizes import parameters
from .assumed import assumptions
from .floorplan import floorplan
from .shares import breakdown, roofline
from .standings import headline, leading, standing_row
from .trusted import trusted

FRONT_SHOWN = 600


def report(
    run: Exploration, chip: Chip, standings: list[Standing], regret: Regret | None, survived: Survival
) -> dict[str, Any]:
    """The report of `run`, whose pick is `chip`; `standings` starts with it."""
    mine, how = _picked(run)
    return {
        "sartor": VERSION,
        "study": run.problem.study.model_dump(),
        "headline": headline(run, standings, survived),
        "chip": {"toml": toml.dumps(chip), "design": _design(run)},
        "figures": run.row(run.pick),
        "workload": workload_facts(run),
        "search": _searched(run),
        "front": run.rows(FRONT_SHOWN),
        "comparison": [standing_row(s) for s in standings],
        "floorplan": floorplan({k: float(v) for k, v in mine.physical.area_mm2.items()}),
        **_priced(run, chip, mine, how, standings),
        **_explained(run),
        "regret": None if regret is None else regret_rows(regret),
        "survival": _survival(survived, standings),
        "trust": trusted(),
        "assumptions": assumptions(run, mine, how),
    }


def _picked(run: Exploration) -> tuple[Tensor, Deployment]:
    """The chosen chip and how it is deployed, at nominal technology."""
    designs, how = _decoded(run)
    return Tensor(designs.one(), NOMINAL, run.problem.economy.device), _scalar(how)


def _decoded(run: Exploration) -> tuple[Designs, Deployment]:
    """The same as arrays of one design."""
    return run.problem.space.decode(run.found.genomes[:, [run.pick]], REFINE_TECH)


def _design(run: Exploration) -> dict[str, Any]:
    return run.problem.space.describe(run.found.genomes[:, run.pick])


def _searched(run: Exploration) -> dict[str, Any]:
    found = run.found
    return {
        "space": run.problem.space.size, "evaluations": found.evaluations, "feasible": found.feasible,
        "killed": found.killed, "seed": run.problem.study.search.seed, "interrupted": run.interrupted,
        "front": len(found.points),
    }  # fmt: skip


def _priced(
    run: Exploration, chip: Chip, mine: Tensor, how: Deployment, standings: list[Standing]
) -> dict[str, Any]:
    """What the chosen chip's own pricing says: limits, phases, roofline, and where everything goes."""
    problem = run.problem
    once = evaluate(mine, problem.work, how, problem.economy, problem.budget.exact, keep=True)
    limits = {k: float(np.ravel(v)[0]) for k, v in once.violations.items()}
    accuracy = problem.accuracy(_decoded(run)[0])
    if accuracy:
        limits["quality"] = float(accuracy["kl"]) / float(accuracy["bound"])
    return {
        "limits": limits, "accuracy": accuracy,
        "phases": {
            name: {"latency_s": float(phase.latency_s), "operators": explain.phase_rows(phase)}
            for name, phase in once.phases.items()
        },
        "roofline": roofline(mine, chip, once, standings),
        "breakdown": breakdown(mine, once, how, run),
    }  # fmt: skip


def _explained(run: Exploration) -> dict[str, Any]:
    """What one more of anything would buy, and what each limit costs."""
    steps = explain.one_more(run, run.pick)
    best, why_not = explain.best_dollar(steps), explain.why_not(run, run.pick)
    return {"one_more": steps, "best_dollar": best, "why_not": why_not}


def _survival(survived: Survival, standings: list[Standing]) -> dict[str, Any]:
    return {"band": survived.band, "wins": survived.wins, "keeps": survived.keeps, "swings": survived.swings,
            "lead": leading(standings)}  # fmt: skip


def plain(value: Any) -> Any:
    """The same for JSON, which has no NaN: what is not known is null."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _scalar(arrays: Any) -> Any:
    """The one design of a structure of arrays, as plain numbers."""
    cls = type(arrays)
    return cls(**{name: np.ravel(getattr(arrays, name))[0].item() for name in cls.__dataclass_fields__})


def workload_facts(run: Exploration) -> dict[str, Any]:
    work, d = run.problem.work, run.problem.work.demand
    one = work.decode_step(1)
    return {
        "model": work.model.name, "parameters": parameters(work.model), "traffic": vars(d),
        "slo": vars(work.slo), "decode_macs_per_token": float(work.decode.macs(one)),
        "prefill_macs": float(work.prefill.macs(work.prefill_step())),
    }  # fmt: skip


def regret_rows(regret: Regret) -> dict[str, Any]:
    n = range(len(regret.works))
    return {
        "works": regret.works, "usd": regret.usd, "chips": regret.chips, "robust": regret.robust,
        "robust_usd": regret.robust_usd, "robust_worst": regret.robust_worst,
        "regret": [[regret.regret(a, b) for b in n] for a in n],
    }  # fmt: skip
