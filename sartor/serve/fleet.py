"""A fleet for a traffic: the way to deploy each chip that costs least, and how many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil, inf

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
from .deploy import Deployed, How, deploy
from .simulate import scaled
from .sizing import bears, fewest, most_per_s
from .spec import Routing

TENSOR_PARALLEL = (1, 2, 4, 8)
STEPS = ((512, 2048), (128, 2048), (128, 512), (32, 512))  # requests and tokens in a step
WORSE = 1.05  # more chips side by side are no longer tried once they cost so much more
BATCHES = np.array([1.0, 8.0, 32.0, 128.0, 512.0])
LOADS = np.array([0.3, 0.5, 0.7, 0.9])
ROUTING: Routing = "least-loaded"
Priced = tuple[float, float, Deployed]  # dollars a second of all replicas, the highest rate of each


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
    best: Priced | None = None
    for count in TENSOR_PARALLEL:
        tried = list(ways(chip, work, ask, count))
        first = cheapest(tried, ask, inf if best is None else best[0] * WORSE)
        if first is not None:
            best = first if best is None else min(best, first, key=lambda t: t[0])
        elif best is not None and any(bears(deployed, ask.traffic, ask.slo) for deployed in tried):
            break  # they only cost more
    if best is None:
        raise InputError(
            f"{chip.name}: no way to deploy it keeps TTFT {ask.slo.ttft_s:g} s and TPOT {ask.slo.tpot_s:g} s for "
            f"{work.model.name} (try looser limits, other formats, or another chip)"
        )
    _, each, deployed = best
    return Sized(deployed, fewest(deployed, ask.peak, ask.slo, ask.peak_per_s / each, ROUTING), each)


def cheapest(tried: Iterable[Deployed], ask: Ask, most_usd_per_s: float) -> Priced | None:
    """The first of those that cost least for the peak, of those of at most `most_usd_per_s`. Of the others no more is
    simulated than shows that they cost as much."""
    best: Priced | None = None
    for deployed in tried:
        one = _usd_per_s(deployed, ask.economy)
        replicas = most_usd_per_s / one if best is None else ceil(best[0] / one) - 1  # that would be better
        if replicas < 1:
            continue
        # A little less, since quotients are rounded: who is let through for that is compared below.
        each = most_per_s(deployed, ask.traffic, ask.slo, above=ask.peak_per_s / replicas * (1 - 1e-9))
        usd_per_s = one * ceil(ask.peak_per_s / each) if each else inf
        if usd_per_s <= most_usd_per_s and (best is None or usd_per_s < best[0]) and each:
            best = usd_per_s, each, deployed
    return best


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
