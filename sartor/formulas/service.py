"""Serving in closed form: what users wait for, from the times of one prefill and one decode step.

A replica keeps up to `slots` requests decoding; a prefill, when one arrives, goes first (continuous batching,
prefill priority). Bursts enter through the index of dispersion: the variance of the number of arrivals in a window over
its mean. Arrivals at random have 1 in every window; those of real traffic have more the longer the window.
These are approximations: the event simulation checks the best few.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..workload.traffic import WINDOWS

# The dispersion in a window holds until half way to the next.
_EDGES = tuple((a * b) ** 0.5 for a, b in itertools.pairwise(WINDOWS))
STEP_TOKENS = 2048  # of prompts and requests that decode, at most in one step


def capacity_per_s(prefill_s: Any, decode_s: Any, output_tokens: Any, batch: Any, stages: Any) -> Any:
    """Requests a second at full load: each takes one prefill and its share of `output_tokens` decode steps;
    `stages` pipeline stages work on different requests at once.

    >>> float(capacity_per_s(prefill_s=0.1, decode_s=0.02, output_tokens=200, batch=8, stages=1))
    1.6666666666666667
    """
    return stages / (prefill_s + output_tokens * decode_s / batch)


def tpot_s(decode_s: Any, prefill_share: Any) -> Any:
    """Time per output token when prefills take `prefill_share` of the machine in between."""
    return decode_s / (1 - prefill_share)


def queue_wait_s(utilization: Any, service_s: Any, dispersion: Sequence[float], service_scv: Any) -> Any:
    """Mean wait for one server, by robust queueing: the worst that arrivals and work n arrivals long may bring, one
    (or rather sqrt 2) standard deviation above their mean, less what the server does meanwhile.

    `dispersion`: of arrivals, at each of WINDOWS. If it is the same at all of them, this is Kingman's formula.
    Source: Whitt, You, "Using robust queueing to expose the impact of dependence in single-server queues", 2018.
    """
    idle = (1 - utilization) / utilization
    busy = 1 / idle
    worst: Any = 0.0
    for spread, least, most in zip(dispersion, (0.0, *_EDGES), (*_EDGES, np.inf), strict=True):
        both = spread + service_scv
        # The root of the arrivals of which sqrt(2 both n) - idle n is the most, within the window.
        root = np.minimum(np.maximum(math.sqrt(both / 2) * busy, math.sqrt(least)), math.sqrt(most))
        worst = np.maximum(worst, root * (math.sqrt(2 * both) - idle * root))
    return service_s * worst


def slot_wait_s(utilization: Any, slots: Any, holding_s: Any, dispersion: Sequence[float], service_scv: Any) -> Any:
    """Mean wait for one of `slots` equal servers, each held `holding_s`: that for one server as fast as all of them,
    times Sakasegawa's share of time in which all are taken. What comes in bursts finds as few free as if there were
    fewer, by the dispersion of what comes while a slot is held.

    Source: Sakasegawa, "An approximation formula L_q = a rho^b / (1 - rho)", 1977; peakedness as in Whitt, 1992.
    """
    held = slots * utilization
    peak: Any = dispersion[0]
    exact = np.result_type(held).type  # a step in the precision of what is given
    for i, edge in enumerate(_EDGES):
        peak = peak + (held > edge) * exact(dispersion[i + 1] - dispersion[i])
    power = np.sqrt(2 * (slots / np.maximum(peak, 1.0) + 1)) - 2
    fast = queue_wait_s(utilization, holding_s / slots, dispersion, service_scv)
    return fast * np.exp(power * np.log(utilization))


def tail_s(mean_wait_s: Any, utilization: Any, percentile: float) -> Any:
    """The wait that `percentile` percent stay under, waits beyond zero being exponential (as in M/M/1)."""
    beyond = np.log(np.maximum(utilization / (1 - percentile / 100), 1.0))
    return mean_wait_s / utilization * beyond


def step_tokens(prefill_s: Any, decode_s: Any, prompt_tokens: Any, tpot_s: Any) -> Any:
    """Tokens of prompts that a step may take beside the requests that decode, so that these need not wait longer than
    `tpot_s` for the next token while prompts queue.

    >>> float(step_tokens(prefill_s=0.1, decode_s=0.02, prompt_tokens=1000, tpot_s=0.05))
    300.0
    """
    return np.clip(prompt_tokens * (tpot_s - decode_s) / prefill_s, 1.0, STEP_TOKENS)
