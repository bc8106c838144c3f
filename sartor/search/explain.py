"""Why this chip: what bounds it, what one more step of anything would buy, what killed the better ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from .explore import Exploration
from .polish import neighbors
from .refine import REFINE_TECH
from .screen import NearMiss
from .space import OWN

GROUPS = {
    "bandwidth": ("units", "memory"), "MACs": ("rows", "lanes", "columns", "cores"), "clock": ("clock",),
    "SRAM": ("scratchpad", "fifo"), "vector unit": ("vector_lanes",), "node": ("node",),
    "capacity": ("unit_capacity",), "formats": ("weights", "cache", *OWN), "packaging": ("dies", "link"),
    "deployment": ("tensor_parallel", "stages", "batch", "load"),
}  # fmt: skip
_SHOWN = (
    "usd_per_mtoken",
    "j_per_token",
    "latency_s",
    "tpot_s",
    "ttft_s",
    "chip_usd",
    "power_w",
    "tokens_per_s",
)


def phase_rows(phase: Any) -> list[dict[str, Any]]:
    """The operators of a priced phase as plain rows, the longest first: what each resource needs, what they take, what
    bounds them."""
    total = float(np.ravel(phase.latency_s)[0])
    rows = []
    for op in phase.operators:
        parts = ("latency_s", "compute_s", "memory_s", "vector_s", "network_s", "dram_bytes", "macs")
        figures = {part: float(np.ravel(getattr(op, part))[0]) for part in parts}
        rows.append(
            {"name": op.name, **figures, "share": figures["latency_s"] / total, "bound": _bound(figures)}
        )
    return sorted(rows, key=lambda r: -r["latency_s"])


def _bound(figures: dict[str, float]) -> str:
    """The resource that an operator waits for; `exposed` where none of them fills half of its time."""
    parts = {"compute": "compute_s", "memory": "memory_s", "vector": "vector_s", "network": "network_s"}
    name = max(parts, key=lambda p: figures[parts[p]])
    return name if figures[parts[name]] > 0.5 * figures["latency_s"] else "exposed"


def one_more(run: Exploration, row: int) -> list[dict[str, Any]]:
    """Every neighbor one step up or down in one variable: what it changes, and whether it keeps the limits."""
    genome = run.found.genomes[:, row]
    around = neighbors(run.problem.space.counts, genome[None, :])
    changed = np.argmax(around != genome[:, None], axis=0)
    step = around[changed, np.arange(around.shape[1])].astype(int) - genome[changed].astype(int)
    around, changed, step = (a[..., np.abs(step) == 1] for a in (around, changed, step))
    if around.shape[1] == 0:
        return []
    base = run.problem.price(genome[:, None], REFINE_TECH)
    result = run.problem.price(around, REFINE_TECH)
    return [
        _step(run, genome, base, result, around[:, i], i, int(changed[i])) for i in range(around.shape[1])
    ]


def _step(
    run: Exploration, genome: np.ndarray, base: Any, result: Any, moved: np.ndarray, i: int, variable: int
) -> dict[str, Any]:
    name = run.problem.space.names[variable]
    before, after = run.problem.space.describe(genome)[name], run.problem.space.describe(moved)[name]
    n = result.usd_per_mtoken.shape
    ratio = {
        f: float(np.broadcast_to(getattr(result, f), n)[i] / np.ravel(getattr(base, f))[0]) - 1
        for f in _SHOWN
    }
    broken = {k: float(np.broadcast_to(v, n)[i]) for k, v in result.violations.items()}
    added_usd = float(np.broadcast_to(result.chip_usd, n)[i] - np.ravel(base.chip_usd)[0])
    return {
        "variable": name, "group": next(g for g, names in GROUPS.items() if name in names), "from": before,
        "to": after, "change": ratio, "added_chip_usd": added_usd, "breaks": {k: v for k, v in broken.items() if v > 1},
    }  # fmt: skip


def best_dollar(steps: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The allowed step that buys the most latency for each dollar it adds to a chip."""
    dearer = [
        s for s in steps if s["added_chip_usd"] > 0 and not s["breaks"] and s["change"]["latency_s"] < 0
    ]
    return max(dearer, key=lambda s: -s["change"]["latency_s"] / s["added_chip_usd"], default=None)


def why_not(run: Exploration, row: int) -> list[dict[str, Any]]:
    """For each limit, the cheapest design seen that breaks it alone; `cheaper` than the chosen one by how much."""
    usd = float(np.ravel(run.result.usd_per_mtoken)[row])
    rows = [_why(run, miss, usd) for miss in run.found.near.values()]
    return sorted(rows, key=lambda r: r["usd_per_mtoken"])


def _why(run: Exploration, miss: NearMiss, usd: float) -> dict[str, Any]:
    return {
        "limit": miss.limit, "over": miss.ratio - 1, "usd_per_mtoken": miss.usd_per_mtoken,
        "cheaper": 1 - miss.usd_per_mtoken / usd, "design": run.problem.space.describe(miss.genome),
    }  # fmt: skip
