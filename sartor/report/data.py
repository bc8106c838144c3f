"""Everything a report says, as one plain dictionary: what `report.json` holds and `report.html` shows."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..chip import toml
from ..chip.spec import Chip
from ..families.tensor.family import Tensor
from ..search import explain
from ..search.compare import Standing
from ..search.evaluate import evaluate
from ..search.explore import Exploration
from ..search.refine import REFINE_TECH
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
    row = run.pick
    designs, how = run.problem.space.decode(run.found.genomes[:, [row]], REFINE_TECH)
    mine, how = Tensor(designs.one(), NOMINAL, run.problem.economy.device), _scalar(how)
    priced_once = evaluate(
        mine, run.problem.work, how, run.problem.economy, run.problem.budget.exact, keep=True
    )
    steps = explain.one_more(run, row)
    study, accuracy = run.problem.study, run.problem.accuracy(designs)
    limits = {k: float(np.ravel(v)[0]) for k, v in priced_once.violations.items()}
    if accuracy:
        limits["quality"] = float(accuracy["kl"]) / float(accuracy["bound"])
    return {
        "sartor": VERSION,
        "study": study.model_dump(),
        "headline": headline(run, standings, survived),
        "chip": {"toml": toml.dumps(chip), "design": run.problem.space.describe(run.found.genomes[:, row])},
        "figures": run.row(row),
        "limits": limits, "accuracy": accuracy,
        "workload": workload_facts(run),
        "search": {
            "space": run.problem.space.size, "evaluations": run.found.evaluations, "feasible": run.found.feasible,
            "killed": run.found.killed, "seed": study.search.seed, "interrupted": run.interrupted,
            "front": len(run.found.points),
        },
        "front": run.rows(FRONT_SHOWN),
        "comparison": [standing_row(s) for s in standings],
        "phases": {
            name: {"latency_s": float(phase.latency_s), "operators": explain.phase_rows(phase)}
            for name, phase in priced_once.phases.items()
        },
        "roofline": roofline(mine, chip, priced_once, standings),
        "breakdown": breakdown(mine, priced_once, how, run),
        "floorplan": floorplan({k: float(v) for k, v in mine.physical.area_mm2.items()}),
        "one_more": steps,
        "best_dollar": explain.best_dollar(steps),
        "why_not": explain.why_not(run, row),
        "regret": None if regret is None else regret_rows(regret),
        "survival": {"band": survived.band, "wins": survived.wins, "keeps": survived.keeps, "swings": survived.swings,
                     "lead": leading(standings)},
        "trust": trusted(),
        "assumptions": assumptions(run, mine, how),
    }  # fmt: skip


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
