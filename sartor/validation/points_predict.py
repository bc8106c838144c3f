"""TTFT and TPOT of a service with a fixed number of requests at once, from one decode step and one prefill.

While a request decodes, each of the others is replaced once, and its successor's prefill takes its share in between.
Stacks fuse the passes between the large operators: `fused` is what is left of them.

    work = step - (1 - fused) x passes + prefill_share x (running - 1) / output x prefill
    TPOT = factor x work + step_start
    TTFT = first_start + steps_waited x step + prefill x (prefills + queue x running) + waiting

As many requests run as the memory holds the cache of (points_room.py), and as the service was started for, where that
is said; each of the others waits for one of them to end:

    waiting = (requests / running - 1) x (output x TPOT + TTFT of one that runs)

Joules a token of all chips, of which a prompt's are those of one among many, since stacks prefill beside decoding:

    joules = (joules of a step + idle power x TPOT) / running + joules of a prompt / output

The figures of a serving stack (serving_stacks.csv) are fitted to measured points (benchmarks/stack_facts.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import Unsupported
from ..families.gpu.copies import Apart, phase
from ..families.gpu.estimate import Replica
from ..families.gpu.family import Existing
from ..families.gpu.passes import Setting
from ..formats.spec import format_named
from ..tech.technology import NOMINAL, Technology
from ..workload.derive import operators
from ..workload.step import Step
from . import names, points_sampling
from .gpu_work import grouped
from .kind import Inputs, Prediction, Refused
from .points_formats import TRAINED, weights
from .points_layout import arranged, known
from .points_room import room
from .points_sampling import sampled

STACKS = ("vllm", "trtllm", "sglang")
OTHER = "other"  # any stack that was not measured: figures fitted to all of them together
RESERVE = ("trtllm",)  # start a request only with room for all its tokens; the others evict (GUARANTEED_NO_EVICT)
FULL_PASS = 8192.0  # tokens of a prefill with prompts enough (max_num_tokens and chunked_prefill_size of the stacks)


def predict(rows: Sequence[Inputs], tech: Technology = NOMINAL) -> list[Prediction]:
    """One prediction a row, in its order."""
    return grouped([arranged(row) for row in rows], group, lambda alike: _alike(alike, tech))


def group(inputs: Inputs) -> tuple[Any, ...]:
    named = ("chip", "model", "format", "chips", "copies", "stack")
    said = (inputs.get(name) for name in ("cache", "sampling"))
    return *(inputs[name] for name in named), *said, inputs.get("whole", False)


@dataclass(frozen=True)
class Parts:
    """Seconds of a decode step, of the passes and kernel starts in it, of a prefill, and of it what others wait for;
    requests; joules of a step beside idle power; arrays [rows]."""

    step: Any
    passes: Any
    prefill: Any
    turn: Any
    running: Any
    at_once: Any
    output: Any
    step_j: Any = 0.0


def parts(rows: Sequence[Inputs]) -> Parts:
    """Of `rows` that differ in numbers only; arranged."""
    first, copies = rows[0], rows[0]["copies"]
    model = names.model(first["model"])
    assert model is not None
    one = Step(1, np.array([r["prompt"] for r in rows], float), 0.0)
    _, replica, _ = _served(first)
    prefill = phase(replica, copies, operators(model, "prefill"), one, one, whole=first.get("whole", False))
    # Copies prefill side by side; what all do together is in everybody's way.
    turn = prefill.own.latency_s / copies + prefill.together.latency_s
    zero = np.zeros(len(rows))
    return replace(decoding(rows), prefill=zero + prefill.latency_s, turn=zero + turn)


def decoding(rows: Sequence[Inputs]) -> Parts:
    """The same without any prefill."""
    first, copies = rows[0], rows[0]["copies"]
    prompt, output, at_once = (np.array([r[name] for r in rows], float) for name in ("prompt", "output", "at_once"))
    model, (existing, replica, formats) = names.model(first["model"]), _served(first)
    assert model is not None
    held = np.array([holds(r) for r in rows])
    kept = prompt + output if first["stack"] in RESERVE else held
    most = np.array([r.get("most", np.inf) for r in rows], float)
    running = np.minimum(np.minimum(at_once, most), room(existing, model, formats, first["chips"], copies, kept))
    mine, all_of_them = Step(np.maximum(running / copies, 1.0), 1, held), Step(running, 1, held)
    whole = first.get("whole", False)
    step = phase(replica, copies, operators(model, "decode"), mine, all_of_them, keep=True, whole=whole)
    passes = sum(op.vector_s for op in (*step.own.operators, *step.together.operators))
    zero = np.zeros(len(rows))
    drawn_s, drawn_j = points_sampling.cost(existing.machine, model, sampled(first.get("sampling")), running / copies)
    seconds = (zero + step.latency_s + drawn_s, zero + passes, zero, zero)
    return Parts(*seconds, running, at_once, output, zero + step.dynamic_j + copies * drawn_j)


def holds(row: Inputs) -> float:
    """Tokens in the cache of one that runs: in the middle of its output where nothing else is said."""
    held = row.get("held")
    return float(held) if known(held) else row["prompt"] + row["output"] / 2


def crowded_s(rows: Sequence[Inputs]) -> Any:
    """Seconds that a prompt takes of a worker that has more of them than it can start; arrays [rows]."""
    found, prompts = _crowded(rows)
    return found.latency_s / prompts


def joules(rows: Sequence[Inputs], p: Parts, tpot: Any) -> Any:
    """A token of all chips, idle power included; arrays [rows]."""
    found, prompts = _crowded(rows)
    idle_w = _served(rows[0])[0].static_w * rows[0]["chips"]
    return (p.step_j + idle_w * tpot) / p.running + found.dynamic_j / prompts / p.output


def _crowded(rows: Sequence[Inputs]) -> tuple[Apart, Any]:
    """A pass of prompts, all copies side by side, each as many as fill `FULL_PASS` tokens, and how many they are."""
    first, copies = rows[0], rows[0]["copies"]
    model = names.model(first["model"])
    assert model is not None
    prompt = np.array([r["prompt"] for r in rows], float)
    each = np.ceil(FULL_PASS / prompt)
    _, replica, _ = _served(first)
    mine, all_of_them = Step(each, prompt, 0.0), Step(copies * each, prompt, 0.0)
    whole = first.get("whole", False)
    return phase(replica, copies, operators(model, "prefill"), mine, all_of_them, whole=whole), copies * each


def _served(first: Inputs) -> tuple[Existing, Replica, Any]:
    """Chip and replica of rows like `first`, and the formats of its tensors."""
    chip, model, form = names.chip(first["chip"]), names.model(first["model"]), weights(first)
    assert chip is not None and model is not None
    cache = names.number_format(first.get("cache") or "") or ("bf16" if form == "bf16" else "fp8-e4m3")
    own = model.formats if form in TRAINED else {}
    existing = Existing(chip, model.weights if own else form, cache)
    # Stacks cast activations in the passes before, and pad nothing.
    setting = Setting(casts=False, pads=False)
    alone = any(names.weight_only(said) for said in (first["format"], first["model"]) if said)
    machine = replace(existing.machine, weight_only=alone)
    return existing, Replica(machine, first["chips"], existing.weights, cache, own, setting), own or form


def times(p: Parts, stack: str, tech: Technology) -> tuple[Any, Any]:
    """TPOT and TTFT under a serving stack."""

    def fact(name: str) -> Any:
        return tech.fact("serving_stacks", stack, name)

    between = (p.running - 1) / p.output * p.turn
    work = p.step - (1 - fact("fused")) * p.passes + fact("prefill_share") * between
    tpot = fact("factor") * work + fact("step_start")
    own = p.prefill * fact("prefills") + p.turn * (fact("queue") * p.running)
    first = fact("first_start") + fact("steps_waited") * p.step + own
    return tpot, first + (p.at_once / p.running - 1) * (p.output * tpot + first)


def _alike(rows: Sequence[Inputs], tech: Technology) -> Sequence[Prediction]:
    try:
        found = parts(rows)
    except Unsupported as unsupported:
        return [Refused(str(unsupported))] * len(rows)
    tpot, ttft = times(found, rows[0]["stack"], tech)
    each = zip(tpot, ttft, joules(rows, found, tpot), strict=True)
    return [{"tpot": a, "ttft": b, "energy": c} for a, b, c in each]


def prompts(row: Inputs) -> float:
    """Of the requests at once, all of which these chips prefill."""
    return float(arranged(row)["at_once"])


def floors_s(rows: Sequence[Inputs]) -> list[tuple[float, float]]:
    """The least seconds of a step, what every token needs of the weights read once at the peak, and of a prefill, its
    arithmetic at the peak."""
    return [_floors_s(arranged(row) if "form" in row else row) for row in rows]


def _floors_s(row: Inputs) -> tuple[float, float]:
    chip, model = names.chip(row["chip"]), names.model(row["model"])
    assert chip is not None and model is not None
    bits = format_named(weights(row)).element_bits
    elements = sum(g.weight_elements_read(Step(1, 1, 0)) for g in operators(model, "decode").gemms)
    step_s = elements * bits / 8 / row["chips"] / chip.memory.bandwidth_bytes_per_s
    ops = 2 * operators(model, "prefill").macs(Step(1, row["prompt"], 0))
    return float(step_s), float(ops / row["chips"] / max(chip.peaks.values()))
