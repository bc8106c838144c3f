"""Everything a report says, as one plain dictionary: what `report.json` holds and `report.html` shows."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import __version__
from ..chip import toml
from ..chip.spec import Chip
from ..families.tensor.family import Tensor
from ..search import explain, money
from ..search.compare import Standing
from ..search.evaluate import evaluate
from ..search.explore import Exploration
from ..search.refine import REFINE_TECH
from ..search.result import Deployment, Result
from ..search.robust import Regret
from ..search.uncertainty import Survival, used_facts
from ..tables import table
from ..tech.technology import NOMINAL, Technology
from ..units import to
from ..workload.sizes import parameters
from .floorplan import floorplan

FRONT_SHOWN = 600


def report(
    run: Exploration, chip: Chip, standings: list[Standing], regret: Regret | None, survived: Survival
) -> dict[str, Any]:
    """The report of `run`, whose pick is `chip`; `standings` starts with it."""
    row = run.pick
    designs, how = run.problem.space.decode(run.found.genomes[:, [row]], REFINE_TECH)
    mine, how = Tensor(_scalar(designs), NOMINAL, run.problem.economy.device), _scalar(how)
    priced_once = evaluate(
        mine, run.problem.work, how, run.problem.economy, run.problem.budget.exact, keep=True
    )
    steps = explain.one_more(run, row)
    study = run.problem.study
    return {
        "sartor": __version__,
        "study": study.model_dump(),
        "headline": headline(run, standings, survived),
        "chip": {"toml": toml.dumps(chip), "design": run.problem.space.describe(run.found.genomes[:, row])},
        "figures": run.row(row),
        "limits": {k: float(np.ravel(v)[0]) for k, v in priced_once.violations.items()},
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
        "survival": {"band": survived.band, "wins": survived.wins, "keeps": survived.keeps, "swings": survived.swings},
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


def headline(run: Exploration, standings: list[Standing], survived: Survival) -> dict[str, Any]:
    """The answer: the chip, and the best chip one could buy at the same work."""
    mine, others = standings[0], [s for s in standings[1:] if s.feasible and not s.shared]
    common = next((s for s in standings if s.shared and s.feasible), None)
    rivals = sorted((s for s in others if _dollars(s) is not None), key=lambda s: _dollars(s) or 0.0)
    best = rivals[0] if rivals else None
    usd = mine.usd_per_mtoken["cost"] or float("nan")
    return {
        "chip": mine.chip.name, "usd_per_mtoken": usd, "band": survived.band.get(mine.chip.name),
        "usd_per_mtoken_vendor": mine.usd_per_mtoken["vendor"], **mine.figures,
        "best_rival": None if best is None else standing_row(best),
        "shared": None if common is None else standing_row(common),
        "cheaper_at_cost": _ratio(_cheapest(others, "cost"), usd),
        "cheaper_at_price": None if best is None else _ratio(_dollars(best), mine.usd_per_mtoken["vendor"]),
        "wins": survived.wins.get(mine.chip.name), "least_energy": _least_energy(standings),
    }  # fmt: skip


def _dollars(s: Standing) -> float | None:
    """What a buyer pays: the cheaper of buying and renting."""
    known = [v for b in ("vendor", "rental") if (v := s.usd_per_mtoken[b]) is not None]
    return min(known) if known else None


def _cheapest(others: list[Standing], basis: str) -> float | None:
    return min((v for s in others if (v := s.usd_per_mtoken[basis]) is not None), default=None)


def _ratio(theirs: float | None, mine: float | None) -> float | None:
    return None if theirs is None or not mine else theirs / mine


def _least_energy(standings: list[Standing]) -> str:
    return min(
        (s for s in standings if s.feasible and not s.shared),
        key=lambda s: s.figures["j_per_token"] or float("inf"),
        default=standings[0],
    ).chip.name


def standing_row(s: Standing) -> dict[str, Any]:
    """One line of the comparison."""
    c = s.chip
    return {
        "name": c.name, "family": c.family, "node": c.node, "memory": c.memory.kind, "weights": s.weights,
        "cache": s.cache, "tensor_parallel": s.tensor_parallel, "stages": s.stages, "batch": s.batch, "load": s.load,
        "usd_per_mtoken": s.usd_per_mtoken, **s.figures, "misses": s.misses, "feasible": s.feasible,
        "shared": s.shared, "tdp_w": c.tdp_w,
        "price_date": c.price.date, "price_source": c.price.source, "source": c.source, "note": c.note,
    }  # fmt: skip


def workload_facts(run: Exploration) -> dict[str, Any]:
    work, d = run.problem.work, run.problem.work.demand
    one = work.decode_step(1)
    return {
        "model": work.model.name, "parameters": parameters(work.model), "traffic": vars(d),
        "slo": vars(work.slo), "decode_macs_per_token": float(work.decode.macs(one)),
        "prefill_macs": float(work.prefill.macs(work.prefill_step())),
    }  # fmt: skip


def roofline(mine: Tensor, chip: Chip, result: Result, standings: list[Standing]) -> dict[str, Any]:
    """Ceilings of each chip, and where its phases lie: ops per off-chip byte, and ops per second of one chip."""
    tile = chip.tile
    assert tile is not None
    peak = 2.0 * tile.macs * chip.cores * chip.clock_hz
    ceilings = [{"name": chip.name, "ops_per_s": peak, "bytes_per_s": chip.memory.bandwidth_bytes_per_s}]
    points = _points(chip.name, result, standings[0])
    for s in standings[1:]:
        bandwidth = s.chip.memory.bandwidth_bytes_per_s or s.chip.sram_bandwidth_bytes_per_s
        rate = s.chip.peaks.get(s.weights) or max(s.chip.peaks.values())
        ceilings.append({"name": s.chip.name, "ops_per_s": rate, "bytes_per_s": bandwidth})
        points += _points(s.chip.name, s.result, s)
    return {"ceilings": ceilings, "points": points}


def _points(name: str, result: Result, s: Standing) -> list[dict[str, Any]]:
    rows = []
    for phase, priced_phase in result.phases.items():
        ops = 2 * sum(float(np.ravel(op.macs)[0]) for op in priced_phase.operators)
        moved, seconds = float(priced_phase.dram_bytes), float(priced_phase.latency_s)
        if moved == 0:  # weights and cache on the die: no roofline of off-chip bytes
            continue
        rows.append({"name": name, "phase": phase, "ops_per_byte": ops / moved,
                     "ops_per_s": ops / seconds / s.tensor_parallel})  # fmt: skip
    return rows


def breakdown(mine: Tensor, result: Result, how: Deployment, run: Exploration) -> dict[str, Any]:
    """Time, energy, area and money by part."""
    economy, out = run.problem.economy, run.problem.work.demand.output_mean
    duty = economy.figure(NOMINAL, "duty")
    per_token = {
        f"{phase}: {part}": float(joules) / (out if phase == "prefill" else how.batch)
        for phase, priced_phase in result.phases.items()
        for part, joules in priced_phase.energy_j.items()
    }
    per_token["static"] = float(result.j_per_token) - sum(per_token.values())
    mean_w = float(result.j_per_token * result.tokens_per_s) * duty / how.chips
    return {
        "time_s": {
            name: {r["name"]: r["latency_s"] for r in explain.phase_rows(p)}
            for name, p in result.phases.items()
        },
        "energy_j_per_token": per_token,
        "area_mm2": {k: float(v) for k, v in mine.physical.area_mm2.items()},
        "chip_usd": money.chip_parts_usd(mine, economy),
        "nre_usd": money.nre_parts_usd(mine, economy),
        "usd_per_mtoken": money.token_parts_usd(result, how, mean_w, economy),
    }


def regret_rows(regret: Regret) -> dict[str, Any]:
    n = range(len(regret.works))
    return {
        "works": regret.works, "usd": regret.usd, "chips": regret.chips, "robust": regret.robust,
        "robust_usd": regret.robust_usd, "robust_worst": regret.robust_worst,
        "regret": [[regret.regret(a, b) for b in n] for a in n],
    }  # fmt: skip


def assumptions(run: Exploration, mine: Tensor, how: Deployment) -> list[dict[str, Any]]:
    """Every fact with a range that the chosen chip's price rests on, as its table has it."""

    def price(tech: Technology) -> Any:
        chips = Tensor(mine.designs, tech, mine.device)
        return evaluate(
            chips, run.problem.work, how, run.problem.economy, run.problem.budget, tech
        ).usd_per_mtoken

    rows = []
    for name in sorted(used_facts(price)):
        tab, item, quantity = name.split(".", 2)
        fact = table(tab).fact(item, quantity)
        if not _other_row(fact, run, mine):
            values = {end: to(getattr(fact, end), fact.unit) for end in ("value", "low", "high")}
            rows.append(
                {
                    "fact": name,
                    **values,
                    "unit": fact.unit,
                    "kind": fact.kind,
                    "date": fact.date,
                    "source": fact.source,
                }
            )
    return rows


def _other_row(fact: Any, run: Exploration, mine: Tensor) -> bool:
    """Whether a column's fact belongs to a node, memory, link or package that the chip does not use."""
    d = mine.designs
    used = {
        "nodes": {table("nodes").items[d.node], "N7"}, "memories": {table("memories").items[d.memory]},
        "links": {table("links").items[d.link]}, "packages": {table("packages").items[int(d.package(mine.device))]},
    }  # fmt: skip
    return fact.table in used and fact.item not in used[fact.table]
