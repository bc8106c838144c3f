"""TTFT and TPOT of a service with a fixed number of requests at once, from one decode step and one prefill.

While a request decodes, each of the others is replaced once, and its successor's prefill takes its share in between:

    work = step + (expert_factor - 1) x experts + prefill_share x (requests - 1) / output x prefill
    TPOT = factor x work + step_start
    TTFT = first_start + steps_waited x step + prefill x (prefills + queue x requests)

The figures of a serving stack (serving_stacks.csv) are fitted to measured points (benchmarks/stack_facts.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import Unsupported
from ..families.gpu.family import Existing
from ..formats.spec import format_named
from ..tech.technology import NOMINAL, Technology
from ..workload.derive import operators
from ..workload.operators import Step
from . import names
from .gpu_work import grouped
from .kind import Inputs, Prediction, Refused

STACKS = ("vllm", "trtllm", "sglang")
_WEIGHTS = {"fp8": "fp8-e4m3", "fp4": "nvfp4", "bf16": "bf16", "int4": "int4-g32", "": "bf16"}
_TRAINED = {"mxfp4"}  # formats that a model's own checkpoint is in, whatever a row calls them


def weights(inputs: Inputs) -> str:
    """The format of the weights: `fp4` of a model that was trained so is its own."""
    model = names.model(inputs["model"])
    if model and _TRAINED & {model.weights, *model.formats.values()}:
        return "mxfp4"
    return _WEIGHTS.get(inputs["format"] or "", str(inputs["format"]))


def predict(rows: Sequence[Inputs], tech: Technology = NOMINAL) -> list[Prediction]:
    """One prediction a row, in its order."""
    return grouped(rows, group, lambda alike: _alike(alike, tech))


def group(inputs: Inputs) -> tuple[Any, ...]:
    return inputs["chip"], inputs["model"], inputs["format"], inputs["chips"], inputs["stack"]


@dataclass(frozen=True)
class Parts:
    """Seconds of one decode step, of the experts in it, and of one prefill; arrays [rows]."""

    step: Any
    experts: Any
    prefill: Any
    at_once: Any
    output: Any


def parts(rows: Sequence[Inputs]) -> Parts:
    """Of `rows` that differ in numbers only."""
    first = rows[0]
    prompt, output, at_once = (np.array([r[name] for r in rows], float) for name in ("prompt", "output", "at_once"))
    chip, model, form = names.chip(first["chip"]), names.model(first["model"]), weights(first)
    assert chip is not None and model is not None
    cache = "bf16" if form == "bf16" else "fp8-e4m3"
    own = model.formats if form in _TRAINED else {}
    replica = Existing(chip, model.weights if own else form, cache).replica(first["chips"], own)
    step = replica.phase(operators(model, "decode"), Step(at_once, 1, prompt + output / 2), keep=True)
    prefill = replica.phase(operators(model, "prefill"), Step(1, prompt, 0.0))
    experts = sum(op.latency_s for op in step.operators if op.name.startswith("expert"))
    return Parts(step.latency_s + 0 * at_once, experts + 0 * at_once, prefill.latency_s + 0 * at_once, at_once, output)


def times(p: Parts, stack: str, tech: Technology) -> tuple[Any, Any]:
    """TPOT and TTFT under a serving stack."""

    def fact(name: str) -> Any:
        return tech.fact("serving_stacks", stack, name)

    between = (p.at_once - 1) / p.output * p.prefill
    work = p.step + (fact("expert_factor") - 1) * p.experts + fact("prefill_share") * between
    first = p.prefill * (fact("prefills") + fact("queue") * p.at_once)
    tpot = fact("factor") * work + fact("step_start")
    return tpot, fact("first_start") + fact("steps_waited") * p.step + first


def _alike(rows: Sequence[Inputs], tech: Technology) -> Sequence[Prediction]:
    try:
        found = parts(rows)
    except Unsupported as unsupported:
        return [Refused(str(unsupported))] * len(rows)
    tpot, ttft = times(found, rows[0]["stack"], tech)
    return [{"tpot": a, "ttft": b} for a, b in zip(tpot, ttft, strict=True)]


def floors_s(rows: Sequence[Inputs]) -> list[float]:
    """The least seconds of a step: what every token needs of the weights, read once at the peak."""
    return [_floor_s(row) for row in rows]


def _floor_s(row: Inputs) -> float:
    chip, model = names.chip(row["chip"]), names.model(row["model"])
    assert chip is not None and model is not None
    bits = format_named(weights(row)).element_bits
    elements = sum(g.weight_elements_read(Step(1, 1, 0)) for g in operators(model, "decode").gemms)
    return float(elements * bits / 8 / row["chips"] / chip.memory.bandwidth_bytes_per_s)



