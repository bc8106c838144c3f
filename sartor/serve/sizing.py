"""How much traffic a replica bears, and how many replicas a traffic needs, so that the SLO is kept."""

from __future__ import annotations

import functools
from collections.abc import Callable
from math import ceil, floor, log2

from ..errors import InputError
from ..workload.traffic import Slo, Traffic
from .deploy import Deployed
from .simulate import scaled, simulate
from .spec import Cluster, Pool, Routing

FINE = 0.02  # a rate is found to this share
MOST_REPLICAS = 4096
_LEAST_PER_S = 1e-6
_MOST_PER_S = 2.0**20  # so few requests as are simulated may all come at once


def share_kept(
    deployed: Deployed, replicas: int, traffic: Traffic, slo: Slo, routing: Routing = "least-loaded"
) -> float:
    """Share of the requests that kept the SLO."""
    done = simulate(Cluster((Pool(deployed, replicas),), routing), traffic)
    return float(done.answers.kept(slo).mean())


def most_per_s(
    deployed: Deployed, traffic: Traffic, slo: Slo, requests: int = 1500, above: float = 0.0
) -> float:  # fmt: skip
    """The highest rate at which one replica keeps the SLO; 0 where it does not even alone with one request at a time,
    or where it is found to be no more than `above` a second: then nobody wants to know it."""
    kept = functools.cache(functools.partial(_kept, deployed, traffic, slo, requests))
    # The rate lies below the first miss of the powers of two, so that a miss at one of up to `above` is all of it.
    if above >= 1 and not kept(2.0 ** floor(log2(above))):
        return 0.0
    low, high = _first_miss(kept)
    while low and high > above and high / low > 1 + FINE:
        middle = (low * high) ** 0.5
        low, high = (middle, high) if kept(middle) else (low, middle)
    return low if low > above else 0.0


def bears(deployed: Deployed, traffic: Traffic, slo: Slo, requests: int = 1500) -> bool:
    """Whether there is a rate at which one replica keeps the SLO."""
    return bool(_first_miss(functools.partial(_kept, deployed, traffic, slo, requests), most=1.0)[0])


def _kept(deployed: Deployed, traffic: Traffic, slo: Slo, requests: int, rate_per_s: float) -> bool:
    return share_kept(deployed, 1, scaled(traffic, rate_per_s, requests), slo) >= slo.percentile / 100


def _first_miss(kept: Callable[[float], bool], most: float = _MOST_PER_S) -> tuple[float, float]:
    """A rate that is kept and one twice as high that is not, or that is `most`; (0, least) where none is kept."""
    rate = 1.0
    if kept(rate):
        while rate < most and kept(2 * rate):
            rate *= 2
        return rate, 2 * rate
    while rate > _LEAST_PER_S:
        rate /= 2
        if kept(rate):
            return rate, 2 * rate
    return 0.0, _LEAST_PER_S


def fewest(deployed: Deployed, traffic: Traffic, slo: Slo, guess: float, routing: Routing = "least-loaded") -> int:
    """The fewest replicas with which `traffic` keeps the SLO; `guess`: about how many."""

    def kept(replicas: int) -> bool:
        return share_kept(deployed, replicas, traffic, slo, routing) >= slo.percentile / 100

    high = max(ceil(guess), 1)
    low = 0  # too few
    while not kept(high):
        low, high = high, ceil(high * 1.25) + 1
        if high > MOST_REPLICAS:
            raise InputError(
                f"{deployed.chip.name}: not even {low} replicas keep TTFT {slo.ttft_s:g} s and TPOT {slo.tpot_s:g} s "
                f"for {slo.percentile:g} % of {traffic.name} (try looser limits, fewer --max-seqs, or another chip)"
            )
    step = max(high // 8, 1)
    while high - low > 1:
        middle = max(high - step, low + 1)
        if kept(middle):
            high, step = middle, max(step, 1)
        else:
            low, step = middle, max((high - middle) // 2, 1)
    return high
