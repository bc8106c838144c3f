"""Cycles of a pass by the estimate of family `tensor`, in all and by class of instructions, from a row's inputs."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from ..chip.spec import Chip, Memory, Tile
from ..errors import InputError, SartorError
from ..families.tensor.core import BOUNDS
from ..families.tensor.estimate import Replica
from ..families.tensor.family import Tensor
from ..families.tensor.memory_stream import Timing, through
from ..families.tensor.spec import from_chip
from ..tech.dram_timings import of_memory
from ..workload.derive import operators
from ..workload.model import Model
from ..workload.step import Step
from . import names
from .kind import Inputs, Prediction, Refused

KIB = 1024
SLOW = 1e5
FASTEST_GB_PER_S = 5000.0  # two stacks of HBM4 and more
REFRESH_RATES = 4.0  # JEDEC's memories are refreshed from four times as often (hot) to a fourth as often
DIE_KIB = 4_000_000  # of SRAM on a whole field of 858 mm2, 38 Mib a mm2 (N2 in nodes.csv)
BEYOND = "a number is beyond what the hardware is generated with"


def cycles(row: Inputs) -> Prediction:
    """`latency` is all cycles; the head of a prompt's last token is a decoded one's."""
    model = names.model(row["model"])
    if model is None or len(model.layers) != 1:
        return Refused(f"model {row['model']!r} is not known, or its layers are not alike")
    if _beyond(row):
        return Refused(BEYOND)
    if row["layers"] > model.layers[0].count or row["vocabulary"] > model.vocabulary:
        return Refused(f"more layers or rows of the head than {model.name} has")
    if batch(row) > (row["columns"] if row["tokens"] == 1 else 1):
        return Refused("more sequences at once than columns, or a chunk of more than one prompt")
    if row["tokens"] + row["position"] > model.max_context:
        return Refused(f"more tokens than {model.name} holds")
    try:
        return _cycles(row, sliced(model, row["layers"], row["vocabulary"]))
    except SartorError as error:
        return Refused(str(error))
    except (ArithmeticError, ValueError):
        return Refused(BEYOND)


def batch(row: Inputs) -> int:
    """Sequences that decode a token each: one where nothing is said."""
    return int(row["batch"] or 1)


def _beyond(row: Inputs) -> bool:
    """Whether no core is generated with these numbers."""
    bounds = [(row[name], *BOUNDS[name]) for name in ("rows", "lanes", "columns", "vector_lanes")]
    return any(not low <= value <= high or (power and value & (value - 1)) for value, low, high, power in bounds)


def impossible(row: Inputs, measured: float) -> str | None:
    """Why no pass of so many cycles can be as a row says; None where it can, or where it is not predicted."""
    if _share(row["efficiency"]) > 1:
        return "efficiency is a share of the memory's rate: more than 1"
    if _share(row["gb_per_s"]) > FASTEST_GB_PER_S:
        return "gb_per_s: no memory of one core is so fast, or a wrong unit"
    if max(row["scratchpad_kib"], row["fifo_kib"]) > DIE_KIB:
        return "scratchpad_kib or fifo_kib: more than a whole die of SRAM, or a wrong unit"
    if wrong := _memory(row):
        return wrong
    model = names.model(row["model"])
    if model is None or len(model.layers) != 1 or _beyond(row):
        return None
    step = Step(batch(row), row["tokens"], row["position"])
    walked = operators(sliced(model, row["layers"], row["vocabulary"]), "decode")
    # The head only of the last token; each multiplier one product a cycle.
    work = walked.macs(step) - (row["tokens"] - 1) * row["vocabulary"] * model.hidden
    least = work / (row["rows"] * row["lanes"] * row["columns"])
    if measured < 0.5 * least:
        return "fewer cycles than its multipliers take: another core or slice, or a wrong unit"
    return "100,000 times the cycles that its multipliers take: a wrong unit" if measured > SLOW * least else None


def _memory(row: Inputs) -> str | None:
    """What no memory of its kind has, by the timings of dram.csv."""
    timings = of_memory().get(row["memory"].strip().lower())
    if timings is None:
        return None
    cycle_s, refresh_s = (float(t * timings.clock_s) for t in (timings.row_cycle, timings.refresh_interval))
    if _share(row["break_bytes"]) > cycle_s * _share(row["gb_per_s"]) * 1e9:
        return "break_bytes: a new address costs more than a row's whole cycle: it or gb_per_s has a wrong unit"
    rate = _share(row["refresh_ns"]) * 1e-9 / refresh_s
    if rate < 1 / REFRESH_RATES or rate > REFRESH_RATES:
        return "refresh_ns is not that of such a memory: a wrong unit"
    if row["latency_cycles"] / (row["clock_mhz"] * 1e6) > refresh_s:
        return "latency_cycles: longer than from one refresh to the next: it or clock_mhz has a wrong unit"
    return None


def _share(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def sliced(model: Model, layers: int, vocabulary: int) -> Model:
    """Its first layers, and so many rows of its head."""
    return replace(model, layers=(replace(model.layers[0], count=layers),), vocabulary=vocabulary)


def _cycles(row: Inputs, model: Model) -> Prediction:
    chip, step = _chip(row), Step(batch(row), row["tokens"], row["position"])
    walked = operators(model, "decode" if step.tokens == 1 else "prefill")
    done = _replica(chip, row, model.formats).phase(walked, step, keep=True)
    ops: list[Any] = [o for o in done.operators if walked.phase == "decode" or o.name != "head"]
    total = done.latency_s - sum(o.latency_s for o in done.operators if o not in ops)
    vector, cache = sum(o.vector_s for o in ops), sum(o.compute_s for o in ops if o.name == "attention")
    parts = {"latency": total, "vector": vector, "mm_cache": cache, "mm_weights": total - vector - cache}
    return {name: float(s) * chip.clock_hz for name, s in parts.items()}


def _chip(row: Inputs) -> Chip:
    tile = Tile(
        row["rows"], row["lanes"], row["columns"], row["vector_lanes"], _weights(row), kv="int8-g32",
        scratchpad_bytes=row["scratchpad_kib"] * KIB, fifo_bytes=row["fifo_kib"] * KIB,
    )  # fmt: skip
    memory = Memory(row["memory"], 1, 4e9, _number(row, "gb_per_s") * 1e9)
    return Chip("measured", "tensor", "N7", row["clock_mhz"] * 1e6, memory, tile=tile)


def _weights(row: Inputs) -> str:
    """As files spell it."""
    return names.number_format(row["weights"]) or str(row["weights"])


def _replica(chip: Chip, row: Inputs, formats: dict[str, str]) -> Replica:
    """On the memory that the harness had."""
    machine, designs = Tensor(from_chip(chip)).machine, from_chip(chip)
    timing = Timing(
        _number(row, "efficiency"), row["latency_cycles"], _number(row, "break_bytes"),
        _number(row, "refresh_ns") * 1e-9 * chip.clock_hz,
    )  # fmt: skip
    return Replica(replace(machine, **through(timing, designs, machine.port_bytes)), 1, formats)


def _number(row: Inputs, name: str) -> float:
    try:
        value = float(row[name])
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value <= 0:
        raise InputError(f"{name} is not a number above 0")
    return value
