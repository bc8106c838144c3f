"""Kind `serving`, measured points: mean TTFT and TPOT of a service under a fixed number of requests at once.

Forms: the table of docs/validation.md (a CSV), of chips that do both phases and of pools of chips for either. Recorded
runs, request by request, are `serving.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from . import names, points_columns, points_layout, points_predict, points_sampling, pools_predict
from .gpu_limits import CLOCK_ROOM, SLOW
from .kind import Column, Form, Inputs, Prediction, Refused, Row
from .points_columns import column
from .points_formats import as_named, weights
from .points_sampling import sampled

_MEASURED = points_columns.MEASURED
JOULES = {"J_per_token": Column("energy", "J", optional=True)}  # of all chips, a token of the output
_POOLS_COLUMNS = {"num_workers": "workers", "tp_size": "chips", "pp_size": "stages", "attention_dp_size": "copies",
                  "moe_ep_size": "ranks"}  # fmt: skip
_SERVICE = {
    "system": column("system", "chip"), "model_path": column("model_path", "model"),
    "precision": column("precision", "format", optional=True), "backend": column("backend", "stack", optional=True),
    "dtype": Column("arithmetic", optional=True, instead=True),
    "isl": column("isl", "prompt", whole=True), "osl": column("osl", "output", whole=True),
    "concurrency": column("concurrency", "requests", optional=True, count=True, instead=True),
}  # fmt: skip
FORM = Form(
    "point",
    {
        **_SERVICE, "mode": Column("mode", optional=True),
        "batch_size": column("batch_size", "at_once", optional=True, whole=True, instead=True),
        "tp_size": column("tp_size", "chips", whole=True),
        "pp_size": column("pp_size", "stages", optional=True, count=True),
        "attention_dp_size": column("attention_dp_size", "copies", optional=True, count=True),
        "moe_tp_size": Column("expert_parts", optional=True, count=True),
        "moe_ep_size": column("moe_ep_size", "expert_ranks", optional=True, count=True),
        "max_num_seqs": column("max_num_seqs", "most", optional=True, count=True),
        "context": Column("held", optional=True, number=True),  # tokens that a request holds, in the mean
        "kv_cache_dtype": Column("cache", optional=True), "sampling": Column("sampling", optional=True),
    },
    _MEASURED | JOULES,
    mend=points_columns.settled,
)  # fmt: skip
POOLS = Form(
    "pools",
    {
        **_SERVICE, "decode_batch_size": Column("at_once", optional=True, count=True),
        **{f"{pool}_{at}": Column(f"{pool}_{name}", optional=True, count=True)
           for pool in pools_predict.POOLS for at, name in _POOLS_COLUMNS.items()},
    },
    _MEASURED,
    mend=points_columns.settled_pools,
)  # fmt: skip
OWN = ("", "agg", "aggregated")  # modes of chips that do both phases
MODES = {**dict.fromkeys(OWN, FORM), "disagg": POOLS, "disaggregated": POOLS}
MOST_AT_ONCE = 100_000
SLOWEST_START_S = 1.0
EXCHANGED = 4.0  # no service starts a request in a fourth of a token's time; of 2,012 TTFT is five times TPOT at least
STRETCHED = 4  # times the context of its checkpoint that a model is served with, its RoPE scaled (YaRN)
MOST_TOGETHER = 72  # chips of one worker: a rack
MOST_CHIPS = 8  # in one node: beyond, links are slower and rows say nothing of them, but in a rack that links all


class Points:
    """See the top of this file."""

    def default(self) -> list[Path]:
        return []

    def form(self, row: Mapping[str, Any]) -> Form | str:
        if _mode(row) in OWN and any(row.get(name) for name in JOULES):
            return FORM
        return points_columns.nothing_measured(row) or MODES.get(_mode(row), FORM)

    def impossible(self, rows: Sequence[Row]) -> Sequence[str | None]:
        known = [row for row in rows if refusal(row.inputs) is None]
        floors = iter([_of(row.inputs).floors_s([row.inputs])[0] for row in known])
        return [_impossible(row, *next(floors)) if refusal(row.inputs) is None else None for row in rows]

    def predict(self, rows: Sequence[Inputs]) -> Iterable[Prediction]:
        found: list[Prediction] = [Refused(refusal(row) or "") for row in rows]
        for how in (points_predict, pools_predict):
            mine = [i for i, row in enumerate(rows) if found[i] == Refused("") and _of(row) is how]
            for i, one in zip(mine, how.predict([rows[i] for i in mine]), strict=True):
                found[i] = one
        return found

    def labels(self, inputs: Inputs) -> Mapping[str, str]:
        chip, model = names.chip(inputs["chip"]), names.model(inputs["model"])
        return {"kind": inputs.get("form", FORM.name), "chip": chip.name if chip else "",
                "format": weights(inputs), "stack": inputs["stack"],
                "model": model.name if model else ""}  # fmt: skip


def _of(inputs: Inputs) -> ModuleType:
    """What predicts rows of this form."""
    return pools_predict if inputs["form"] == POOLS.name else points_predict


def _mode(row: Mapping[str, Any]) -> str:
    return str(row.get("mode") or "").strip().lower()


def _impossible(row: Row, step_s: float, prefill_s: float) -> str | None:
    if points_layout.experts_on_too_many(row.inputs):
        return "moe_ep_size: experts on more chips than there are"
    tpot, ttft = (row.measured.get(name, math.inf) for name in ("tpot", "ttft"))
    if tpot < step_s:
        return "faster than the DRAM's peak: more than one token a step, or a wrong unit"
    if EXCHANGED * ttft < tpot < math.inf:
        return "a first token far sooner than the next one: the columns of TTFT and TPOT are exchanged, or a wrong unit"
    if ttft < prefill_s / CLOCK_ROOM:
        return "a first token faster than the peak of the arithmetic: a prompt that was cached, or a wrong unit"
    # Each of the requests at once has its prompt computed within its latency.
    if _of(row.inputs).prompts(row.inputs) * prefill_s > CLOCK_ROOM * (ttft + row.inputs["output"] * tpot):
        return "more prompts a second than the peak of the arithmetic: cached ones, or fewer requests than the row says"
    if SLOW * step_s + SLOWEST_START_S < tpot < math.inf:
        return "hundreds of times slower than the chip: the unit of time may be wrong"
    return None


def refusal(inputs: Inputs) -> str | None:
    """Why the estimate does not stand for a row; None where it does."""
    for what, found in (("chip", names.chip), ("model", names.model)):
        if found(inputs[what]) is None:  # type: ignore[operator]
            return f"{what} {inputs[what]!r} is not known"
    model, form = names.model(inputs["model"]), weights(inputs)
    if names.number_format(form) is None:
        return f"format {form!r} is not known"
    if not as_named(inputs):
        return f"format {inputs['format']!r} is not that of {inputs['model']!r}"
    if model and max(inputs["prompt"] + inputs["output"], points_predict.holds(inputs)) > STRETCHED * model.max_context:
        return f"prompt and output are longer than {model.name} holds"
    if inputs.get("cache") and names.number_format(inputs["cache"]) is None:
        return f"a cache in {inputs['cache']!r} is not known"
    if sampled(inputs.get("sampling")) not in points_sampling.BYTES:
        return f"sampling {inputs['sampling']!r} is none of {', '.join(filter(None, points_sampling.BYTES))}"
    if inputs["form"] != POOLS.name and _mode(inputs) not in MODES:
        return f"mode {inputs['mode']!r} is not known (agg, disagg)"
    if inputs["form"] == POOLS.name:
        return _pools_refusal(inputs)
    if inputs["at_once"] > MOST_AT_ONCE:
        return "more requests at once than any service takes"
    if points_layout.arranged(inputs)["chips"] > (MOST_TOGETHER if _in_rack(inputs) else MOST_CHIPS):
        return "more than one node"
    return "pipeline stages: not modeled" if points_layout.count(inputs["stages"]) > 1 else None


def _in_rack(inputs: Inputs) -> bool:
    chip = names.chip(inputs["chip"])
    return chip is not None and chip.name in pools_predict.RACK


def _pools_refusal(inputs: Inputs) -> str | None:
    pools, number = pools_predict.POOLS, points_layout.count
    if any(not points_layout.known(inputs[f"{pool}_{what}"]) for pool in pools for what in ("workers", "chips")):
        return "prefill and decode apart, and how many workers each has is not said: requests a worker are not known"
    if not points_layout.known(inputs["at_once"]):
        return "prefill and decode apart, and the requests of a worker that decodes are not said"
    if number(inputs["at_once"]) * pools_predict.chips(inputs, "decode") > MOST_AT_ONCE:
        return "more requests at once than any service takes"
    if max(pools_predict.chips(inputs, pool) for pool in pools) > MOST_TOGETHER:
        return "more chips together than were measured"
    return "pipeline stages: not modeled" if any(number(inputs[f"{p}_stages"]) > 1 for p in pools) else None


def as_rows(rows: Sequence[Row]) -> list[Row]:
    """Those that the estimate stands for, and of which both times were measured."""
    return [row for row in rows if refusal(row.inputs) is None and len(row.measured) == len(_MEASURED)]
