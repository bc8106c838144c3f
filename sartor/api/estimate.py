"""The time and energy of one phase of a model on one chip."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from ..chip.spec import Chip
from ..errors import InputError, UnknownName
from ..families import priced
from ..families.tensor.sizing import not_generated
from ..formats.spec import format_named
from ..formulas.phase import Phase
from ..search.evaluate import model_bytes, state_bytes, token_bytes
from ..search.explain import phase_rows
from ..tables import draws
from ..tech.technology import NOMINAL, Technology
from ..units import si
from ..validation.bands import step_error
from ..workload.derive import PHASES, operators
from ..workload.find import find_model
from ..workload.model import Model
from ..workload.step import Step
from .find import find_chip

DRAWS, SEED = 400, 1


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

    Returns latency_s, energy_j (chips and memory, idle power included; None: their power is not published),
    tokens_per_s, bound, a breakdown by operator, error: the fractions within which four in five measurements of such
    steps lie (None: of that nothing was measured), what was measured, and what the band does not cover; and note: why
    `build` refuses the chip (None: it does not, or the chip is none to be built).
    """
    chip = find_chip(chip) if isinstance(chip, str) else chip
    model = find_model(model) if isinstance(model, str) else model
    _check(chip, model, phase, batch, context, weights, kv, tensor_parallel)
    step = Step(batch, 1, context) if phase == "decode" else Step(batch, context, 0)
    fixed = model.formats if chip.family == "tensor" and weights is None else {}

    def done_under(tech: Technology) -> tuple[Phase, Any]:
        chips = priced(chip, weights, kv, tech)
        done = chips.replica(tensor_parallel, fixed).phase(operators(model, phase), step, keep=True)  # type: ignore[arg-type]
        return done, chips.static_w * tensor_parallel * done.latency_s

    done, static = done_under(NOMINAL)
    latency, static_j = float(done.latency_s), float(static) if chip.power_known else None
    tokens = batch if phase == "decode" else batch * context
    rows = phase_rows(done)
    spread = (0.0, 0.0)
    if chip.family != "tensor":
        drawn, standing = done_under(Technology(draws(DRAWS, SEED)))
        spread = _spread(drawn.latency_s, drawn.dynamic_j + standing)
    used = weights or (chip.tile.weights if chip.tile else "bf16")
    return {
        "chip": chip.name, "model": model.name, "phase": phase, "batch": batch, "context": context,
        "weights": used, "error": asdict(step_error(chip, phase, used, tensor_parallel, spread, kv or "bf16")),
        "tensor_parallel": tensor_parallel,
        "latency_s": latency, "energy_j": None if static_j is None else float(done.dynamic_j) + static_j,
        "tokens_per_s": tokens / latency,
        "bound": _longest(rows), "dram_bytes": float(done.dram_bytes), "note": not_generated(chip),
        "breakdown": {"time": rows, "energy_j": {k: float(v) for k, v in done.energy_j.items()} | {"static": static_j}},
    }  # fmt: skip


def _spread(latency_s: Any, energy_j: Any) -> tuple[float, float]:
    """Half widths of the 80 % bands of the logarithms of draws."""
    low, high = np.log(np.quantile(np.broadcast_arrays(latency_s, energy_j, np.zeros(DRAWS))[:2], (0.1, 0.9), axis=1))
    time, energy = (high - low) / 2
    return float(time), float(energy)


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
    for option, form in (("weights", weights), ("kv", kv)):
        if form is not None:
            format_named(form, f"--{option}")
            own = chip.tile and getattr(chip.tile, option)
            if own and form != own:
                what = "weights" if option == "weights" else "a cache"
                raise InputError(f"{chip.name}: it takes {what} in {own}, not {form!r} (leave --{option} out)")
    _check_fits(chip, model, weights, tensor_parallel)
    _check_cache_fits(chip, model, batch, context, weights, kv, tensor_parallel)


def _weights_fit(chip: Chip, model: Model, weights: str | None, tensor_parallel: int) -> tuple[float, float]:
    """Bytes of weights on one chip, and of its memory."""
    fixed = model.formats if chip.tile and weights is None else {}
    needed = float(model_bytes(priced(chip, weights), model, fixed)) / tensor_parallel
    return needed, chip.memory.capacity_bytes or chip.sram_bytes


def _check_cache_fits(
    chip: Chip, model: Model, batch: int, context: int, weights: str | None, kv: str | None, tensor_parallel: int
) -> None:
    """What `batch` sequences keep lies beside the weights."""
    needed, capacity = _weights_fit(chip, model, weights, tensor_parallel)
    chips = priced(chip, weights, kv)
    found = operators(model, "decode")
    each = float(token_bytes(chips, found, context, tensor_parallel)) * context
    each += float(state_bytes(found, tensor_parallel))
    if needed + batch * each > capacity:
        raise InputError(
            f"{batch} sequences of {context} tokens keep {si(batch * each, 'B')} on each of {tensor_parallel} x "
            f"{chip.name}, which hold {si(capacity, 'B')}, {si(needed, 'B')} of it weights: "
            f"{_most(capacity - needed, each)}"
        )


def _most(spare_bytes: float, each_bytes: float) -> str:
    """What to try instead."""
    most = int(spare_bytes // each_bytes)
    other = "--context, --tensor-parallel or --kv"
    return f"room for {most} (try --batch {most}, or {other})" if most else f"room for none (try {other})"


def _check_fits(chip: Chip, model: Model, weights: str | None, tensor_parallel: int) -> None:
    needed, capacity = _weights_fit(chip, model, weights, tensor_parallel)
    if needed > capacity:
        tile = chip.tile
        forms = [tile.weights, *tile.mix.values()] if tile else [weights or "bf16"]
        raise InputError(
            f"{model.name} in {', '.join(dict.fromkeys(forms))} takes {si(needed, 'B')} on each of {tensor_parallel} x "
            f"{chip.name}, which hold {si(capacity, 'B')}: too much by {si(needed - capacity, 'B')} "
            "(try --tensor-parallel or fewer bits)"
        )
