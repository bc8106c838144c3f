"""What a day of a fleet takes, and what it costs to lose a replica."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..tech.technology import NOMINAL
from ..workload.traffic import Slo
from .bill import drawn, rates_usd_per_s
from .day import HOURS, day
from .fleet import ROUTING, Ask, Sized
from .simulate import Simulated, simulate
from .spec import Cluster, Faults, Pool


def day_of(found: Sized, ask: Ask) -> dict[str, Any]:
    """A day: each hour, energy and dollars; no energy (None) where the chip's power is not published."""
    duty = float(ask.economy.figure(NOMINAL, "duty"))
    traffic, hour_s = day(ask.traffic, ask.peak_per_s, max(duty, 0.5), ask.day_requests)
    done = simulate(Cluster((Pool(found.deployed, found.replicas),), ROUTING), traffic)
    seconds = done.book.seconds(HOURS * hour_s)
    part = drawn(found.deployed.chips, found.chips, seconds["energy_j"], done.book.width_s, HOURS * hour_s)
    tokens_per_s = float(traffic.output_tokens.sum()) / (HOURS * hour_s)
    rates = rates_usd_per_s([part], ask.economy)
    mean_w = part.mean_w if found.deployed.chip.power_known else None
    return {
        "requests": len(traffic), "simulated_hour_s": hour_s, "share": float(done.answers.kept(ask.slo).mean()),
        "mean_w": mean_w, "peak_w": None if mean_w is None else part.peak_w,
        "energy_j": None if mean_w is None else mean_w * 86400.0,
        "j_per_token": None if mean_w is None else mean_w / tokens_per_s,
        "usd_per_day": {basis: None if rate is None else rate * 86400.0 for basis, rate in rates.items()},
        "usd_per_mtoken": {basis: None if r is None else r / tokens_per_s * 1e6 for basis, r in rates.items()},
        "hours": hours(done, found, ask.slo, hour_s),
    }  # fmt: skip


def hours(done: Simulated, found: Sized, slo: Slo, hour_s: float) -> list[dict[str, float | None]]:
    """What each hour saw."""
    answers, seconds = done.answers, done.book.seconds(HOURS * hour_s)
    of = np.minimum((answers.arrival_s / hour_s).astype(int), HOURS - 1)
    at = np.minimum((seconds["second_s"] / hour_s).astype(int), HOURS - 1)
    kept, static = answers.kept(slo), found.deployed.static_w * found.replicas
    known = found.deployed.chip.power_known
    engines = found.replicas * found.deployed.how.stages
    rows: list[dict[str, float | None]] = []
    for hour in range(HOURS):
        mine, now = of == hour, at == hour
        ttft = answers.ttft_s[mine]
        rows.append({
            "hour": hour, "requests_per_s": float(mine.sum()) / hour_s,
            "share": float(kept[mine].mean()) if mine.any() else 1.0,
            "ttft_p95_s": float(np.nanpercentile(ttft, 95)) if mine.any() else 0.0,
            "busy": float(seconds["busy"][now].sum()) / engines / hour_s,
            "power_w": static + float(seconds["energy_j"][now].sum()) / hour_s if known else None,
        })  # fmt: skip
    return rows


def failure_of(found: Sized, ask: Ask, faults: Faults) -> dict[str, Any]:
    """A replica lost at the peak, with and without one to spare; how often that is to be expected, and what it
    costs."""
    at = float(ask.peak.arrival_s[len(ask.peak) // 4])
    lost = [_after(found, ask, at, spare) for spare in (0, 1)]
    down = min(faults.repair_s, 86400.0)
    per_year = found.chips * 8766 * 3600.0 / faults.chip_mtbf_s
    return {
        "at_s": at, "share": lost[0][0], "share_with_spare": lost[1][0], "restarted": lost[0][1],
        "missed_requests": max(ask.slo.percentile / 100 - lost[0][0], 0.0) * ask.peak_per_s * down,
        "per_year": per_year, "repair_s": faults.repair_s, "chip_mtbf_s": faults.chip_mtbf_s,
    }  # fmt: skip


def _after(found: Sized, ask: Ask, at_s: float, spare: int) -> tuple[float, int]:
    """Share of the requests that come after the loss and keep the SLO, and how many had to start again."""
    planned = Faults(repair_s=1e9, planned=((at_s, 0),))
    cluster = Cluster((Pool(found.deployed, found.replicas + spare),), ROUTING, faults=planned)
    done = simulate(cluster, ask.peak)
    return float(done.answers.kept(ask.slo)[ask.peak.arrival_s >= at_s].mean()), done.counts.restarted


def replica_usd_per_s(found: Sized, ask: Ask) -> dict[str, float | None]:
    """Of one replica that is idle: a spare."""
    part = drawn(found.deployed.chips, found.deployed.count, np.zeros(1), 1.0, 1.0)
    return rates_usd_per_s([part], ask.economy)
