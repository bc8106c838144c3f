"""The time and energy of one phase of a model on one chip."""

from __future__ import annotations

from typing import Any

from ..chip.spec import Chip
from ..errors import InputError, UnknownName
from ..families import priced
from ..formats.spec import format_named
from ..search.explain import phase_rows
from ..validation.bands import band
from ..workload.derive import PHASES, operators
from ..workload.find import find_model
from ..workload.model import Model
from ..workload.operators import Step
from ..workload.sizes import weight_bytes
from .find import find_chip


def estimate(
    chip: str | Chip,
    model: str | Model,
    phase: str = "decode",
    batch: int = 1,
    context: int = 2048,
    weights: str | None = None,
    kv: str | None = None,
    tensor_parallel: int = 1,
) -> dict[str, Any]:
    """One step of the whole model, head included. Decode: one token for each of `batch` sequences that have `context`
    tokens. Prefill: `batch` prompts of `context` tokens.

    Returns latency_s, energy_j (chips and memory, idle power included), tokens_per_s, bound, a breakdown by operator,
    and error: the fractions within which four in five measurements of such steps lie (None: none were made).
    """
    chip = find_chip(chip) if isinstance(chip, str) else chip
    model = find_model(model) if isinstance(model, str) else model
    _check(chip, model, phase, batch, context, weights, kv, tensor_parallel)
    step = Step(batch, 1, context) if phase == "decode" else Step(batch, context, 0)
    chips = priced(chip, weights, kv)
    fixed = model.formats if chip.family == "tensor" and weights is None else {}
    done = chips.replica(tensor_parallel, fixed).phase(operators(model, phase), step, keep=True)  # type: ignore[arg-type]
    latency = float(done.latency_s)
    tokens = batch if phase == "decode" else batch * context
    rows = phase_rows(done)
    static_j = float(chips.static_w) * tensor_parallel * latency
    used = weights or (chip.tile.weights if chip.tile else "bf16")
    return {
        "chip": chip.name, "model": model.name, "phase": phase, "batch": batch, "context": context,
        "weights": used, "error": _error(chip, phase, used), "tensor_parallel": tensor_parallel,
        "latency_s": latency, "energy_j": float(done.dynamic_j) + static_j, "tokens_per_s": tokens / latency,
        "bound": _longest(rows), "dram_bytes": float(done.dram_bytes),
        "breakdown": {"time": rows, "energy_j": {k: float(v) for k, v in done.energy_j.items()} | {"static": static_j}},
    }  # fmt: skip


def _error(chip: Chip, phase: str, weights: str) -> dict[str, Any] | None:
    """Fractions within which four in five measurements lie, and the chip they were made on; None: none was made."""
    time, energy = (band(chip, phase, weights, quantity) for quantity in ("latency", "energy"))
    return {"latency": time.fraction, "energy": energy.fraction, "on": time.on} if time and energy else None


def _longest(rows: list[dict[str, Any]]) -> str:
    """The resource that bounds most of the time."""
    seconds: dict[str, float] = {}
    for row in rows:
        seconds[row["bound"]] = seconds.get(row["bound"], 0.0) + row["latency_s"]
    return max(seconds, key=lambda k: seconds[k])


def _check(
    chip: Chip,
    model: Model,
    phase: str,
    batch: int,
    context: int,
    weights: str | None,
    kv: str | None,
    tensor_parallel: int,
) -> None:
    if phase not in PHASES:
        raise UnknownName("phase", phase, PHASES)
    for name, value in (("batch", batch), ("context", context), ("tensor_parallel", tensor_parallel)):
        if not 1 <= value <= 10**9:
            raise InputError(f"{name} = {value} must be between 1 and 1,000,000,000")
    if context > model.max_context:
        raise InputError(
            f"context = {context} is beyond the {model.max_context} tokens that {model.name} holds"
        )
    for form in filter(None, (weights, kv)):
        format_named(form)
    if chip.tile and weights not in (None, chip.tile.weights):
        raise InputError(
            f"{chip.name}: its decoder takes {chip.tile.weights} weights, not {weights!r} (leave --weights out)"
        )
    _check_fits(chip, model, weights, tensor_parallel)


def _check_fits(chip: Chip, model: Model, weights: str | None, tensor_parallel: int) -> None:
    form = weights or (chip.tile.weights if chip.tile else "bf16")
    needed = weight_bytes(model, form) / tensor_parallel
    capacity = chip.memory.capacity_bytes or chip.sram_bytes
    if needed > capacity:
        raise InputError(
            f"{model.name} in {form} takes {needed / 1e9:.1f} GB on each of {tensor_parallel} x {chip.name}, which "
            f"hold {capacity / 1e9:.1f} GB: too much by {(needed - capacity) / 1e9:.1f} GB "
            "(try --tensor-parallel or fewer bits)"
        )
