"""TTFT and TPOT where prefill and decode have chips of their own (disaggregated), with a fixed number of requests.

A request is prefilled by one of `prefill_workers`, its cache is sent over the link, and it decodes on one of
`decode_workers`, which nobody else's prefill interrupts:

    TPOT = factor x (step - (1 - fused) x passes) + step_start
    TTFT = first_start + prefills x prefill + sent + steps_waited x step + queue x N x d + waiting

Requests that do not decode are prefilled or wait for it. A worker with prompts enough takes `turn` for each; the pool
gives one every d = prefill_share x turn / workers. Of N requests, each of which is elsewhere for Z, the pool then holds
each for

    R = ((d N - Z) + sqrt((d N - Z)^2 + 4 d Z)) / 2,  waiting = R - d

(approximate mean value analysis of a closed network, Schweitzer 1979, Bard 1979): nearly none where decode is the
slower, d N - Z where prefill is, and then fewer requests decode. Z depends on how many decode: solved by turns.

All figures are the stack's where prefill and decode share their chips (serving_stacks.csv): none is fitted to such
rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..chip.spec import Chip
from ..errors import Unsupported
from ..tech import link
from ..tech.technology import NOMINAL, Technology
from ..workload.derive import operators
from . import names, points_predict
from .gpu_work import grouped
from .kind import Inputs, Prediction, Refused
from .points_formats import weights
from .points_layout import count

NODE = 8  # chips that one node links; racks link 72
RACK = ("gb200", "gb300")
OUTSIDE = "ethernet-400g"  # a port a chip
TURNS = 12  # of the fixed point; it is found to a thousandth in six
KEPT = ("chip", "model", "format", "stack", "prompt", "output")
POOLS = ("prefill", "decode")


def chips(inputs: Inputs, pool: str) -> int:
    """Of one worker of a pool."""
    return count(inputs[f"{pool}_chips"]) * count(inputs[f"{pool}_copies"])


def worker(inputs: Inputs, pool: str) -> Inputs:
    """One worker of a pool as a point of its own; `at_once` of all its copies."""
    copies = count(inputs[f"{pool}_copies"])
    requests = count(inputs["at_once"]) * copies if pool == "decode" else 1
    kept = {name: inputs[name] for name in KEPT}
    kept["whole"] = 1 < chips(inputs, pool) <= count(inputs.get(f"{pool}_ranks"))
    return {**kept, "chips": chips(inputs, pool), "copies": copies, "at_once": requests}


def predict(rows: Sequence[Inputs], tech: Technology = NOMINAL) -> list[Prediction]:
    """One prediction a row, in its order."""
    return grouped(rows, _group, lambda alike: _alike(alike, tech))


def _group(inputs: Inputs) -> tuple[Any, ...]:
    return tuple(points_predict.group(worker(inputs, pool)) for pool in POOLS)


@dataclass(frozen=True)
class Pools:
    """What does not change as requests move: workers of both pools, all `requests`, seconds of a prefill alone, of one
    among many (`turn`) and of a cache `sent`; arrays [rows]."""

    requests: Any
    prefill_workers: Any
    decode_workers: Any
    prefill: Any
    turn: Any
    sent: Any


def _alike(rows: Sequence[Inputs], tech: Technology) -> Sequence[Prediction]:
    try:
        tpot, ttft = _times(rows, tech)
    except Unsupported as unsupported:
        return [Refused(str(unsupported))] * len(rows)
    return [{"tpot": a, "ttft": b} for a, b in zip(tpot, ttft, strict=True)]


def _times(rows: Sequence[Inputs], tech: Technology) -> tuple[Any, Any]:
    decoders = [worker(row, "decode") for row in rows]
    fixed, waiting, slots = pools(rows), 0.0, np.array([one["at_once"] for one in decoders], float)
    costs, queue = (tech.fact("serving_stacks", rows[0]["stack"], name) for name in ("prefill_share", "queue"))
    one_s = costs * fixed.turn / fixed.prefill_workers
    share = 1.0  # of the requests that decode
    for _ in range(TURNS):
        asked = [{**one, "at_once": n} for one, n in zip(decoders, np.maximum(slots * share, 1.0), strict=True)]
        step = points_predict.decoding(asked)
        tpot, first = _alone(step, fixed, rows[0]["stack"], tech)
        first = first + queue * fixed.requests * one_s
        decode_s = step.output * tpot
        waiting = waits_s(fixed.requests, one_s, first + decode_s)
        share = (share + decode_s / (first + decode_s + waiting)) / 2
    return tpot, first + waiting


def _alone(step: points_predict.Parts, fixed: Pools, stack: str, tech: Technology) -> tuple[Any, Any]:
    """TPOT without any prefill between, and TTFT of who does not wait."""
    alone = replace(step, prefill=fixed.prefill, turn=0.0, at_once=step.running)
    tpot, first = points_predict.times(alone, stack, tech)
    return tpot, first + fixed.sent


def waits_s(requests: Any, one_s: Any, elsewhere_s: Any) -> Any:
    """How long a request waits for a pool that takes one every `one_s`, of which the others are elsewhere for
    `elsewhere_s`.

    >>> float(waits_s(100, 0.1, 0.0))  # nobody is elsewhere: 99 are before it
    9.9
    >>> float(waits_s(1, 0.1, 5.0).round(3))  # nobody else is there
    0.0
    """
    over = one_s * requests - elsewhere_s
    return (over + np.sqrt(over**2 + 4 * one_s * elsewhere_s)) / 2 - one_s


def pools(rows: Sequence[Inputs]) -> Pools:
    """Of `rows` that differ in numbers only."""
    ones = [worker(row, "prefill") for row in rows]
    before, after = (np.array([count(row[f"{pool}_workers"]) for row in rows], float) for pool in POOLS)
    requests = after * [worker(row, "decode")["at_once"] for row in rows]
    sent = np.array([sent_s(row) for row in rows])
    return Pools(requests, before, after, points_predict.parts(ones).prefill, points_predict.crowded_s(ones), sent)


def prompts(row: Inputs) -> float:
    """Of the requests at once, those that each worker of the prefill pool prefills."""
    decoding = count(row["decode_workers"]) * worker(row, "decode")["at_once"]
    return float(decoding / count(row["prefill_workers"]))


def floors_s(rows: Sequence[Inputs]) -> list[tuple[float, float]]:
    """The least seconds of a step and of a prefill, each on a worker of its pool."""
    both = [points_predict.floors_s([worker(row, pool) for row in rows]) for pool in ("decode", "prefill")]
    return [(step_s, prefill_s) for (step_s, _), (_, prefill_s) in zip(*both, strict=True)]


def sent_s(row: Inputs) -> float:
    """The cache of a prompt from the chips of a copy to those that decode, over a rack's links or a port a chip."""
    chip, model = names.chip(row["chip"]), names.model(row["model"])
    assert chip is not None and model is not None
    width = 2.0 if weights(row) == "bf16" else 1.0
    held = sum(op.cache_elements_held(float(row["prompt"])) for op in operators(model, "decode").attentions)
    kind, rate = _way(chip, row)
    senders = min(count(row["prefill_chips"]), count(row["decode_chips"]))
    return float(link.hop_s(width * held / senders, rate, NOMINAL.fact("links", kind, "latency")))


def _way(chip: Chip, row: Inputs) -> tuple[str, float]:
    """The link that caches go over, and its bytes a second."""
    total = sum(count(row[f"{pool}_workers"]) * chips(row, pool) for pool in POOLS)
    if chip.name in RACK or total <= NODE:
        return chip.link.kind, chip.link.bandwidth_bytes_per_s
    return OUTSIDE, NOMINAL.fact("links", OUTSIDE, "bandwidth")
