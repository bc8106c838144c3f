"""Kind `serving`, measured points: mean TTFT and TPOT of a service under a fixed number of requests at once.

Form: the table of docs/validation.md (a CSV). Recorded runs, request by request, are `serving.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import names, points_layout, points_predict
from .gpu_limits import CLOCK_ROOM, SLOW
from .kind import Column, Form, Inputs, Prediction, Refused, Row

_WHOLE = ("isl", "osl", "batch_size", "tp_size")
FORM = Form(
    "point",
    {
        "system": Column("chip"), "model_path": Column("model"), "precision": Column("format", optional=True),
        "backend": Column("stack"), "mode": Column("mode"), "isl": Column("prompt", whole=True),
        "osl": Column("output", whole=True), "batch_size": Column("at_once", whole=True),
        "tp_size": Column("chips", whole=True), "pp_size": Column("stages", optional=True),
        "attention_dp_size": Column("copies", optional=True), "moe_tp_size": Column("expert_parts", optional=True),
        "moe_ep_size": Column("expert_ranks", optional=True),
    },
    {"silicon_tpot_ms": Column("tpot", "ms"), "silicon_ttft_ms": Column("ttft", "ms")},
)  # fmt: skip
MOST_AT_ONCE = 100_000
SLOWEST_START_S = 1.0
MOST_CHIPS = 8  # in one node: beyond, links are slower and rows say nothing of them


class Points:
    """See the top of this file."""

    def default(self) -> list[Path]:
        return []

    def form(self, row: Mapping[str, Any]) -> Form | str:
        if row.get("mode") == "disagg":
            return "prefill and decode on different chips: another form"
        return FORM if "silicon_tpot_ms" in row else "no column 'silicon_tpot_ms': not a form of kind serving"

    def impossible(self, rows: Sequence[Row]) -> Sequence[str | None]:
        known = [row for row in rows if refusal(row.inputs) is None]
        floors = iter(points_predict.floors_s([row.inputs for row in known]))
        return [_impossible(row, *next(floors)) if refusal(row.inputs) is None else None for row in rows]

    def predict(self, rows: Sequence[Inputs]) -> Iterable[Prediction]:
        refused = [refusal(row) for row in rows]
        found = iter(points_predict.predict([r for r, why in zip(rows, refused, strict=True) if why is None]))
        return [next(found) if why is None else Refused(why) for why in refused]

    def labels(self, inputs: Inputs) -> Mapping[str, str]:
        chip, model = names.chip(inputs["chip"]), names.model(inputs["model"])
        return {"kind": "point", "chip": chip.name if chip else "", "format": points_predict.weights(inputs),
                "stack": inputs["stack"], "model": model.name if model else ""}  # fmt: skip


def _impossible(row: Row, step_s: float, prefill_s: float) -> str | None:
    if row.measured["tpot"] < step_s:
        return "faster than the DRAM's peak: more than one token a step, or a wrong unit"
    if row.measured["ttft"] < prefill_s / CLOCK_ROOM:
        return "a first token faster than the peak of the arithmetic: a prompt that was cached, or a wrong unit"
    if row.measured["tpot"] > SLOW * step_s + SLOWEST_START_S:
        return "hundreds of times slower than the chip: the unit of time may be wrong"
    return None


def refusal(inputs: Inputs) -> str | None:
    """Why the estimate does not stand for a row; None where it does."""
    for what, found in (("chip", names.chip), ("model", names.model)):
        if found(inputs[what]) is None:  # type: ignore[operator]
            return f"{what} {inputs[what]!r} is not known"
    model, form = names.model(inputs["model"]), points_predict.weights(inputs)
    if names.number_format(form) is None:
        return f"format {form!r} is not known"
    if model and inputs["prompt"] + inputs["output"] > model.max_context:
        return f"prompt and output are longer than {model.name} holds"
    if inputs["at_once"] > MOST_AT_ONCE:
        return "more requests at once than any service takes"
    if inputs["stack"] not in points_predict.STACKS:
        return f"serving stack {inputs['stack']!r} was not measured"
    if points_layout.arranged(inputs)["chips"] > MOST_CHIPS:
        return "more than one node"
    return "pipeline stages: not modeled" if points_layout.count(inputs["stages"]) > 1 else None


def as_rows(rows: Sequence[Row]) -> list[Row]:
    """Those that the estimate stands for."""
    return [row for row in rows if refusal(row.inputs) is None and np.isfinite(row.measured["tpot"])]
