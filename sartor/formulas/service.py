"""Serving in closed form: what users wait for, from the times of one prefill and one decode step.

A replica keeps up to `slots` requests decoding; a prefill, when one arrives, goes first (continuous batching,
prefill priority). Bursts enter through the squared coefficient of variation of the inter-arrival times.
These are approximations: the event simulation checks the best few.
"""

from __future__ import annotations

from typing import Any

import numpy as np


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


def queue_wait_s(utilization: Any, service_s: Any, arrival_scv: Any, service_scv: Any) -> Any:
    """Mean wait for one server.

    Source: Kingman, "The single server queue in heavy traffic", 1961.
    """
    return utilization / (1 - utilization) * service_s * ((arrival_scv + service_scv) / 2)


def slot_wait_s(utilization: Any, slots: Any, holding_s: Any, arrival_scv: Any, service_scv: Any) -> Any:
    """Mean wait for one of `slots` equal servers, each held `holding_s`.

    Source: Sakasegawa, "An approximation formula L_q = a rho^b / (1 - rho)", 1977.
    """
    power = np.sqrt(2 * (slots + 1)) - 1
    mean = np.exp(power * np.log(utilization)) / (slots * (1 - utilization)) * holding_s
    return mean * ((arrival_scv + service_scv) / 2)


def tail_s(mean_wait_s: Any, utilization: Any, percentile: float) -> Any:
    """The wait that `percentile` percent stay under, waits beyond zero being exponential (as in M/M/1)."""
    beyond = np.log(np.maximum(utilization / (1 - percentile / 100), 1.0))
    return mean_wait_s / utilization * beyond
