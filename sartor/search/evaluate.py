"""A chip at work: its phases, its service, its money, and how far it is inside every limit.

The same code prices one chip and millions: every figure is a float or an array [designs].
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..families.priced import Priced, Replica
from ..formulas import economics, service
from ..formulas.phase import Phase
from ..tech.technology import NOMINAL, Technology
from ..workload.model import Model
from ..workload.operators import Operators
from ..workload.sizes import class_elements, part_elements
from ..workload.step import Step
from ..workload.workload import Workload
from .economy import Economy, chip_price_usd, usd_per_s
from .result import Budget, Deployment, Result

HIDDEN_BYTES = 2.0  # an activation on its way to the next stage
MAX_STRETCH = 0.98  # prefill may take no more of a machine than this before decode would stop


def evaluate(
    chips: Priced,
    work: Workload,
    how: Deployment,
    economy: Economy,
    budget: Budget,
    tech: Technology = NOMINAL,
    basis: str = "cost",
    keep: bool = False,
) -> Result:
    """Price `chips` serving `work`, deployed `how`."""
    replica = chips.replica(how.tensor_parallel, work.formats)
    steps = work.prefill_step(), work.tail_prefill_step(), work.decode_step(how.batch)
    prefill = replica.phase(work.prefill, steps[0], keep)
    tail = replica.phase(work.prefill, steps[1], energy=False)
    decode = replica.phase(work.decode, steps[2], keep)
    passed = [_through(p, s, replica, work, how) for p, s in zip((prefill, tail, decode), steps, strict=True)]
    served = _serve(passed[0], passed[1], passed[2], work, how, work.slo.tpot_s * (1 - budget.margin))
    joules = _joules(prefill, decode, chips.static_w, work, how)
    duty = economy.figure(tech, "duty")
    # Idle hours still leak: dynamic energy is per request, static power all day long.
    static_j = chips.static_w * how.chips / (served["requests_per_s"] * duty)
    request_j = joules["request"] + static_j
    mean_w = request_j * served["requests_per_s"] * duty / how.chips
    price = chip_price_usd(chips, economy, tech, basis)
    rate = usd_per_s(price, mean_w, joules["peak_w"], economy, tech, basis) * how.chips
    weight_bytes, cache_bytes = stored_bytes(chips, work, how)
    tokens = served["requests_per_s"] * work.demand.output_mean
    result = Result(
        usd_per_mtoken=economics.usd_per_mtoken(rate, tokens * duty), j_per_token=request_j / work.demand.output_mean,
        latency_s=served["latency_s"], ttft_s=served["ttft_s"], tpot_s=served["tpot_s"], tokens_per_s=tokens,
        requests_per_s=served["requests_per_s"], power_w=joules["peak_w"], chip_usd=price, usd_per_s=rate,
        prefill_s=passed[0], decode_s=passed[2], weight_bytes=weight_bytes, cache_bytes=cache_bytes,
        phases={"prefill": prefill, "decode": decode} if keep else {},
    )  # fmt: skip
    result.violations = _violations(result, chips, work, how, budget, tech)
    return result


def _through(phase: Phase, step: Step, replica: Replica, work: Workload, how: Deployment) -> Any:
    """Seconds of a pass through all stages, with the hops between them."""
    if np.ndim(how.stages) == 0 and how.stages == 1:
        return phase.latency_s
    return phase.latency_s + (how.stages - 1) * replica.hop_s(step.rows * (work.model.hidden * HIDDEN_BYTES))


def _serve(
    prefill_s: Any, tail_s: Any, decode_s: Any, work: Workload, how: Deployment, tpot_s: float
) -> dict[str, Any]:
    """Waits and rates of one replica. Of the `stages`, each is a server of its own for throughput; a request
    passes them all, so that its latency does not shrink. `tpot_s`: that users bear."""
    d = work.demand
    capacity = service.capacity_per_s(prefill_s, decode_s, d.output_mean, how.batch, how.stages)
    rate = how.load * capacity
    share = np.minimum(rate * prefill_s / how.stages, MAX_STRETCH)
    tpot = service.tpot_s(decode_s, share)
    holding = d.output_mean * tpot
    length_scv = d.prompt_square_mean / d.prompt_mean**2 - 1
    # While prompts queue, requests that decode take their step beside every chunk of them.
    chunk = service.step_tokens(prefill_s, decode_s, d.prompt_mean, tpot_s)
    turn_s = prefill_s + decode_s * ((1 - 1 / how.batch) * d.prompt_mean / chunk)
    queued = np.minimum(rate * turn_s / how.stages, MAX_STRETCH)
    places = how.batch * how.stages
    # Of those in line, half of the others at most come first: who else comes waits for a place.
    line = np.minimum(service.queue_wait_s(queued, turn_s, d.dispersion, length_scv), (places - 1) / 2 * turn_s)
    slots = service.slot_wait_s(how.load, places, places / capacity, d.dispersion, d.output_scv)
    wait = line + slots
    tail = service.tail_s(line, queued, work.slo.percentile) + service.tail_s(
        slots, how.load, work.slo.percentile
    )
    return {
        "requests_per_s": rate,
        "tpot_s": tpot,
        "ttft_s": tail + tail_s + decode_s,  # a step under way is not interrupted
        "latency_s": wait + prefill_s + holding,
    }


def _joules(prefill: Phase, decode: Phase, static_w: Any, work: Workload, how: Deployment) -> dict[str, Any]:
    """Dynamic energy of a request, and what one chip draws in its busiest phase."""
    steps = work.demand.output_mean / how.batch
    prefill_j, decode_j = prefill.dynamic_j, decode.dynamic_j
    peak = np.maximum(prefill_j / prefill.latency_s, decode_j / decode.latency_s) / how.tensor_parallel
    return {"request": prefill_j + decode_j * steps, "peak_w": peak + static_w}


def stored_bytes(chips: Priced, work: Workload, how: Deployment) -> tuple[Any, Any]:
    """Weights and cache on one chip. A stage keeps its layers' cache of the requests of all stages."""
    d = work.demand
    tokens = np.maximum(how.batch * (d.prompt_mean + d.output_mean), d.context_max)
    cache = cache_token_bytes(chips, work, d.context_max, how.tensor_parallel) * tokens
    state = state_request_bytes(work, how.tensor_parallel) * how.batch
    return weight_bytes(chips, work) / how.chips, cache + state


def weight_bytes(chips: Priced, work: Workload) -> Any:
    """Of the whole model, as these chips store it."""
    return model_bytes(chips, work.model, work.formats)


def model_bytes(chips: Priced, model: Model, formats: Mapping[str, str]) -> Any:
    """Of all weights of `model` on these chips, part by part; `formats` by tensor class, where they are fixed."""
    bits: Any = 0.0
    for (tensor, part), count in _elements(chips, model).items():
        own = tensor in ("norm", "router", "embedding") and part not in chips.mixed
        bits = bits + chips.weight_bits(formats.get(tensor, "bf16" if own else None), part) * float(count)
    return bits / 8


def _elements(chips: Priced, model: Model) -> dict[tuple[str, str], int]:
    """As fine as the chips' formats: by tensor class, and by part where parts have their own."""
    if chips.mixed:
        return part_elements(model)
    return {(tensor, tensor): count for tensor, count in class_elements(model).items()}


def cache_token_bytes(chips: Priced, work: Workload, context: Any, split: Any) -> Any:
    """Cache of one token on one of `split` chips side by side, in a sequence of `context` tokens."""
    return token_bytes(chips, work.decode, context, split)


def token_bytes(chips: Priced, decode: Operators, context: Any, split: Any) -> Any:
    """The same for the operators of a model."""
    bits: Any = 0.0
    for op in decode.attentions:
        share = np.minimum(split, op.kv_heads)
        bits = bits + op.cache_elements_held(context) / context / share * chips.cache_bits
    return bits / 8


def state_request_bytes(work: Workload, split: Any) -> Any:
    """Recurrent state of one request on one of `split` chips side by side."""
    return state_bytes(work.decode, split)


def state_bytes(decode: Operators, split: Any) -> Any:
    """Recurrent state of one sequence on one of `split` chips side by side."""
    bits: Any = 0.0
    for state in decode.recurrences:
        bits = bits + state.state_elements(1) * 16.0 / split
    return bits / 8


def _violations(
    r: Result, chips: Priced, work: Workload, how: Deployment, budget: Budget, tech: Technology
) -> dict[str, Any]:
    """Every limit as value / limit, what is estimated with its margin."""
    usable = tech.fact("overheads", "memory", "usable_fraction")
    capacity = np.maximum(chips.capacity_bytes * usable, 1.0)
    counted = {
        "memory capacity": (r.weight_bytes + r.cache_bytes, capacity),
        "chips": (how.chips, budget.chips),
        "batch": (how.batch * how.stages, budget.batch),
        "scratchpad": (chips.room_ratio(work.decode, work.demand.context_max, how.tensor_parallel), 1.0),
        "balance": (chips.limits.get("balance", 0.0), 1.0 if "balance" in chips.limits else None),
        "clock": (chips.limits.get("voltage", 0.0), 1.0 if "voltage" in chips.limits else None),
    }
    estimated = {
        "ttft": (r.ttft_s, work.slo.ttft_s),
        "tpot": (r.tpot_s, work.slo.tpot_s),
        "power": (r.power_w, budget.power_w),
        "system power": (r.power_w * how.chips, budget.system_power_w),
        "die area": (chips.limits["die_mm2"], budget.die_mm2),
        "unit cost": (chips.limits["unit_usd"], budget.unit_usd),
    }
    room = 1 - budget.margin
    ratios = {name: value / limit for name, (value, limit) in counted.items() if limit is not None}
    return ratios | {
        name: value / (limit * room) for name, (value, limit) in estimated.items() if limit is not None
    }
