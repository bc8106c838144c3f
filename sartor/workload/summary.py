"""What a model asks for, in one dictionary of plain values: `sartor read MODEL`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ..errors import InputError
from . import sizes
from .derive import PHASES, operators
from .gemm import Gemm
from .gemms import Phase
from .model import Model
from .operators import Operator
from .step import Step


def summary(
    model: Model,
    batch: int = 1,
    context: int = 1024,
    weights: str | Mapping[str, str] | None = None,
    kv: str = "bf16",
) -> dict[str, Any]:
    """Totals of `model`, and of each phase for `batch` sequences: prefill of a prompt of `context` tokens,
    and one decode step after it. `weights` as in `sizes.tensor_formats`."""
    if batch < 1 or context < 1:
        raise InputError(f"batch = {batch} and context = {context} must be at least 1")
    steps = {"prefill": Step(batch, context, 0), "decode": Step(batch, 1, context)}
    return {
        "name": model.name,
        "family": model.family,
        "layers": sum(layer.count for layer in model.layers),
        "hidden": model.hidden,
        "vocabulary": model.vocabulary,
        "max_context": model.max_context,
        "parameters": sizes.parameters(model),
        "active_parameters": sizes.active_parameters(model),
        "formats": sizes.tensor_formats(model, weights),
        "weight_bytes": sizes.weight_bytes(model, weights),
        "kv_format": kv,
        "kv_bytes_per_token": sizes.cache_bytes_per_token(model, kv),
        "state_bytes_per_sequence": sizes.state_bytes(model),
        "batch": batch,
        "context": context,
        "phases": {phase: phase_summary(model, phase, steps[phase], weights, kv) for phase in PHASES},
        "source": model.source,
        "kind": model.kind,
        "note": model.note,
    }


def phase_summary(
    model: Model, phase: Phase, step: Step, weights: str | Mapping[str, str] | None, kv: str
) -> dict[str, Any]:
    """Totals of one step, and its operators."""
    ops, formats = operators(model, phase), sizes.tensor_formats(model, weights)
    read = sum(g.weight_elements_read(step) * sizes.element_bytes(formats[g.tensor], g.k) for g in ops.gemms)
    read += sizes.vector_elements_read(model, step) * sizes.element_bytes(formats["norm"], 1)
    looked_up = sum(
        t.elements_read(step) * sizes.element_bytes(formats["embedding"], t.width) for t in ops.lookups
    )
    cache = [(a, sizes.element_bytes(kv, a.cached)) for a in ops.attentions]
    states = sum(r.state_elements(step.batch) * sizes.element_bytes("fp32", r.state) for r in ops.recurrences)
    return {
        "tokens": step.rows,
        "macs": ops.macs(step),
        "weight_bytes_read": read + looked_up,
        "cache_bytes_read": sum(a.cache_elements_read(step) * each for a, each in cache),
        "cache_bytes_written": sum(a.cache_elements_written(step) * each for a, each in cache),
        "state_bytes_read": states if phase == "decode" else 0,
        "state_bytes_written": states,
        "vector_lane_ops": sum(v.lane_ops(step) for v in ops.vectors),
        "operators": [_row(op, step) for op in ops.all],
    }


def _row(op: Operator, step: Step) -> dict[str, Any]:
    """The shape of an operator with what it costs in this step."""
    shape = {k: v for k, v in dataclasses.asdict(op).items() if v not in (None, False)}
    row: dict[str, Any] = {"kind": type(op).__name__.lower(), **shape}
    if isinstance(op, Gemm):
        row["rows"] = op.rows(step)
    if hasattr(op, "macs"):
        row["macs"] = op.macs(step)
    if hasattr(op, "lane_ops"):
        row["lane_ops"] = op.lane_ops(step)
    return row
