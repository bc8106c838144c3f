"""A fleet for a traffic: the way to deploy each chip that costs least, how many, what a day of it takes, and what it
costs to lose a replica."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, inf
from typing import Any

import numpy as np

from ..chip.spec import Chip
from ..errors import InputError
from ..families import priced
from ..search.compare import formats_for
from ..search.economy import Economy
from ..search.evaluate import evaluate
from ..search.result import Budget, Deployment
from ..tech.technology import NOMINAL
from ..workload.traffic import Slo, Traffic
from ..workload.workload import Workload
from .bill import drawn, rates_usd_per_s
from .day import HOURS, day
from .deploy import Deployed, How, deploy
from .simulate import Simulated, scaled, simulate
from .sizing import fewest, most_per_s
from .spec import Cluster, Faults, Pool, Routing

TENSOR_PARALLEL = (1, 2, 4, 8)
STEPS = ((512, 2048), (128, 2048), (128, 512), (32, 512))  # requests and tokens in a step
WORSE = 1.05  # more chips side by side are no longer tried once they cost so much more
BATCHES = np.array([1.0, 8.0, 32.0, 128.0, 512.0])
LOADS = np.array([0.3, 0.5, 0.7, 0.9])
ROUTING: Routing = "least-loaded"


@dataclass(frozen=True)
class Ask:
    """What a fleet is asked for: `peak_per_s` requests at the busiest moment of the day. `batch`: a replica serves at
    most so many at once; None: no bound."""

    traffic: Traffic
    peak_per_s: float
    slo: Slo
    economy: Economy
    weights: Sequence[str]
    cache: Sequence[str]
    requests: int = 6000  # of the peak, simulated
    day_requests: int = 100_000
    batch: int | None = None

    @property
    def piece_tokens(self) -> int:
        return self.traffic.pieces.tokens if self.traffic.pieces else 0

    @property
    def peak(self) -> Traffic:
        return scaled(self.traffic, self.peak_per_s, self.requests)


@dataclass(frozen=True)
class Sized:
    """A chip deployed the way that costs least, and how many replicas of it the peak needs. `each_per_s`: what one
    replica alone bears."""

    deployed: Deployed
    replicas: int
    each_per_s: float

    @property
    def chips(self) -> int:
        return self.replicas * self.deployed.count


def sized(chip: Chip, work: Workload, ask: Ask) -> Sized:
    """By simulation: of the ways that fit, the one whose replicas for the peak cost least."""
    best: tuple[float, float, Deployed] | None = None
    for count in TENSOR_PARALLEL:
        tried = [_priced(deployed, ask) for deployed in ways(chip, work, ask, count)]
        first = min(tried, key=lambda t: t[0], default=None)
        if first is None or first[0] == inf:
            continue
        if best is not None and first[0] > best[0] * WORSE:
            break
        best = first if best is None else min(best, first, key=lambda t: t[0])
    if best is None:
        raise InputError(
            f"{chip.name}: no way to deploy it keeps TTFT {ask.slo.ttft_s:g} s and TPOT {ask.slo.tpot_s:g} s for "
            f"{work.model.name} (try looser limits, other formats, or another chip)"
        )
    _, each, deployed = best
    return Sized(deployed, fewest(deployed, ask.peak, ask.slo, ask.peak_per_s / each, ROUTING), each)


def _priced(deployed: Deployed, ask: Ask) -> tuple[float, float, Deployed]:
    """Dollars a second of as many replicas as bear the peak, and the highest rate of each."""
    each = most_per_s(deployed, ask.traffic, ask.slo)
    return (_usd_per_s(deployed, ask.economy) * ceil(ask.peak_per_s / each) if each else inf), each, deployed


def ways(chip: Chip, work: Workload, ask: Ask, count: int) -> Iterator[Deployed]:
    """To deploy `count` chips side by side, in the formats that the closed form finds fastest."""
    if count > 1 and chip.link.bandwidth_bytes_per_s <= 0:
        return
    formats = _formats(chip, work, ask, count)
    for seqs, tokens in dict.fromkeys((min(seqs, ask.batch or seqs), tokens) for seqs, tokens in STEPS):
        try:
            yield deploy(chip, work, How(*formats, count, 1, seqs, tokens), ask.piece_tokens)
        except InputError:  # it does not fit
            continue


def _formats(chip: Chip, work: Workload, ask: Ask, count: int) -> tuple[str, str]:
    """Those of the highest rate within the limits by the closed form, batch and load being free."""
    caches = [chip.tile.kv] if chip.tile is not None else list(ask.cache)
    batch, load = (a.ravel() for a in np.meshgrid(BATCHES, LOADS))
    scores = {}
    for weights in formats_for(chip, list(ask.weights)):
        for cache in caches:
            chips = priced(chip, weights, cache)
            how = Deployment(count, 1, batch, load)
            result = evaluate(chips, work, how, ask.economy, Budget(), NOMINAL, "cost")
            worst, rate = np.broadcast_arrays(result.worst_violation, result.tokens_per_s)
            scores[weights, cache] = np.min(np.where(worst <= 1, -rate, worst))
    return min(scores, key=lambda k: scores[k])


def _usd_per_s(deployed: Deployed, economy: Economy) -> float:
    """Of a replica that is about as busy as chips in service are; by what its owner pays."""
    typical_w = float(deployed.chips.static_w) + 0.5 * (deployed.chip.tdp_w or 0.0)
    part = drawn(deployed.chips, deployed.count, np.array([typical_w]), 1.0, 1.0)
    rates = rates_usd_per_s([part], economy)
    known = [rates[basis] for basis in (deployed.basis, "cost", "rental") if rates[basis] is not None]
    return known[0] if known and known[0] is not None else float(deployed.count)


def day_of(found: Sized, ask: Ask) -> dict[str, Any]:
    """A day: each hour, energy and dollars."""
    duty = float(ask.economy.figure(NOMINAL, "duty"))
    traffic, hour_s = day(ask.traffic, ask.peak_per_s, max(duty, 0.5), ask.day_requests)
    done = simulate(Cluster((Pool(found.deployed, found.replicas),), ROUTING), traffic)
    seconds = done.book.seconds(HOURS * hour_s)
    part = drawn(found.deployed.chips, found.chips, seconds["energy_j"], done.book.width_s, HOURS * hour_s)
    tokens_per_s = float(traffic.output_tokens.sum()) / (HOURS * hour_s)
    rates = rates_usd_per_s([part], ask.economy)
    return {
        "requests": len(traffic), "simulated_hour_s": hour_s, "share": float(done.answers.kept(ask.slo).mean()),
        "mean_w": part.mean_w, "peak_w": part.peak_w, "energy_j": part.mean_w * 86400.0,
        "j_per_token": part.mean_w / tokens_per_s,
        "usd_per_day": {basis: None if rate is None else rate * 86400.0 for basis, rate in rates.items()},
        "usd_per_mtoken": {basis: None if r is None else r / tokens_per_s * 1e6 for basis, r in rates.items()},
        "hours": hours(done, found, ask.slo, hour_s),
    }  # fmt: skip


def hours(done: Simulated, found: Sized, slo: Slo, hour_s: float) -> list[dict[str, float]]:
    """What each hour saw."""
    answers, seconds = done.answers, done.book.seconds(HOURS * hour_s)
    of = np.minimum((answers.arrival_s / hour_s).astype(int), HOURS - 1)
    at = np.minimum((seconds["second_s"] / hour_s).astype(int), HOURS - 1)
    kept, static = answers.kept(slo), found.deployed.static_w * found.replicas
    engines = found.replicas * found.deployed.how.stages
    rows = []
    for hour in range(HOURS):
        mine, now = of == hour, at == hour
        ttft = answers.ttft_s[mine]
        rows.append({
            "hour": hour, "requests_per_s": float(mine.sum()) / hour_s,
            "share": float(kept[mine].mean()) if mine.any() else 1.0,
            "ttft_p95_s": float(np.nanpercentile(ttft, 95)) if mine.any() else 0.0,
            "busy": float(seconds["busy"][now].sum()) / engines / hour_s,
            "power_w": static + float(seconds["energy_j"][now].sum()) / hour_s,
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


