"""Where time, energy, area and money go, and where each phase lies under the roofline."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..chip.spec import Chip
from ..families.tensor.family import Tensor
from ..search import explain, money
from ..search.compare import Standing
from ..search.explore import Exploration
from ..search.result import Deployment, Result
from ..tech.technology import NOMINAL


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
