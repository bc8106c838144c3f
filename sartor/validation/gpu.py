"""Kind `gpu`: seconds and joules of GEMMs, attention and whole steps on one GPU.

Forms: the JSON lines that `sartor measure gpu` writes, and tables of GEMM latencies (docs/validation.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import gpu_limits, gpu_predict, gpu_shapes, names
from .files import packaged
from .gpu_columns import as_called
from .gpu_work import CACHE
from .kind import Column, Form, Inputs, Prediction, Refused, Row
from .ticks import settled

_WHOLE = {name: Column(name, whole=True) for name in ("m", "n", "k", "batch", "context")}
_CHIP = {"gpu": Column("chip")}
_TIMED = {"s": Column("latency", "s"), "J": Column("energy", "J", optional=True)}
_BESIDE = {"W": Column("power", "W", optional=True), "sm_mhz": Column("clock", "MHz", optional=True),
           "window_s": Column("window", "s", optional=True), "ticks": Column("ticks", optional=True)}  # fmt: skip
_STEP = {**_CHIP, "model": Column("model"), "dt": Column("format"), "b": _WHOLE["batch"]}
_HEADS = {name: Column(to, whole=True) for name, to in (("hq", "heads"), ("hkv", "kv_heads"), ("d", "head_dim"))}
_ATTENTION = {**_CHIP, "b": _WHOLE["batch"], **_HEADS}

MEASURED = {
    "decode": Form("decode", {**_STEP, "ctx": _WHOLE["context"]}, _TIMED, _BESIDE, mend=settled),
    "prefill": Form("prefill", {**_STEP, "seq": _WHOLE["context"]}, _TIMED, _BESIDE, mend=settled),
    "gemm": Form("gemm", {**_CHIP, "dt": Column("format"), "M": _WHOLE["m"], "K": _WHOLE["k"], "N": _WHOLE["n"]},
                 _TIMED, _BESIDE, mend=settled),
    "attn_decode": Form("attn_decode", {**_ATTENTION, "ctx": _WHOLE["context"]}, _TIMED, _BESIDE, mend=settled),
    "attn_prefill": Form("attn_prefill", {**_ATTENTION, "seq": _WHOLE["context"]}, _TIMED, _BESIDE, mend=settled),
}  # fmt: skip
# As serving stacks call them: with their kernels, and the cast of the activations to narrow operands is part of it.
TABLE = Form(
    "gemm", {**_CHIP, "gemm_dtype": Column("format"), "m": _WHOLE["m"], "n": _WHOLE["n"], "k": _WHOLE["k"]},
    {"median_us": Column("latency", "us")}, fixed={"called": True},
)  # fmt: skip
# As aiconfigurator-core has them (systems/data): operators of one serving stack, called as the stack calls them.
_CALL = {"device": Column("chip")}
_CALLED = {"latency": Column("latency", "ms")}
_STACK = {
    **_CALL, "batch_size": _WHOLE["batch"], "num_heads": _HEADS["hq"], "num_key_value_heads": _HEADS["hkv"],
    "head_dim": _HEADS["d"], "attn_dtype": Column("arithmetic"), "kv_cache_dtype": Column("cache"),
    "window_size": Column("window", optional=True),
}  # fmt: skip
CALLS = {
    "gemm": Form("gemm", {**_CALL, "gemm_dtype": Column("format"), **{name: _WHOLE[name] for name in "mnk"}}, _CALLED,
                 fixed={"called": True}),
    "context_attention": Form("attn_prefill", {**_STACK, "isl": _WHOLE["context"]}, _CALLED, fixed={"called": True}),
    # `step` tokens are in the cache when one more comes.
    "generation_attention": Form("attn_decode", {**_STACK, "step": _WHOLE["context"]}, _CALLED, fixed={"called": True}),
}  # fmt: skip
STEPS = ("decode", "prefill")  # of whole models
# Rows of our own files that measure nothing an estimate is made for.
SEVERAL = ("tp", "tp_size", "tensor_parallel", "pp", "pp_size", "gpus", "n_gpus", "num_gpus", "world_size")
OTHER = ("copy", "read", "idle", "check", "machine", "done", "error")


class Gpu:
    """See the top of this file."""

    def default(self) -> list[Path]:
        return packaged("h100.jsonl")

    def form(self, row: Mapping[str, Any]) -> Form | str:
        several = next((name for name in SEVERAL if str(row.get(name) or 1) not in ("1", "1.0")), None)
        if several:
            return f"{several} = {row[several]}: measured on several chips, which no form of kind gpu says"
        if "op_name" in row:
            return CALLS.get(str(row["op_name"]), f"op_name {row['op_name']!r} is not one of {', '.join(CALLS)}")
        if "gemm_dtype" in row:
            return TABLE
        kind = row.get("kind")
        if kind is None:
            return "neither a column 'kind' nor 'gemm_dtype': not a form of kind gpu"
        if not isinstance(kind, str):
            return f"kind is no word, but {str(kind)[:20]}"
        kind = kind.strip().lower()
        if kind in OTHER:
            return f"kind {kind!r}: nothing is predicted for it"
        if kind not in MEASURED:
            return f"kind {kind!r} is not one of {', '.join(MEASURED)}"
        if row.get("err"):
            return f"{kind}: measuring failed"
        return as_called(MEASURED[kind], row, gpu_shapes.OPTIONAL if kind in STEPS else {})

    def impossible(self, rows: Sequence[Row]) -> Sequence[str | None]:
        known = [row for row in rows if _unknown(row.inputs) is None]
        why = iter(gpu_limits.impossible(known))
        return [next(why) if _unknown(row.inputs) is None else None for row in rows]

    def predict(self, rows: Sequence[Inputs]) -> Iterable[Prediction]:
        refused = [_unknown(row) for row in rows]
        known = [row for row, why in zip(rows, refused, strict=True) if why is None]
        predicted = iter(gpu_predict.predict(known))
        return [next(predicted) if why is None else Refused(why) for why in refused]

    def labels(self, inputs: Inputs) -> Mapping[str, str]:
        chip, form = names.chip(inputs["chip"]), names.number_format(inputs.get("format", "bf16"))
        found = {"kind": inputs["form"], "chip": chip.name if chip else "", "format": form or ""}
        if "format" in inputs and form:
            found["format"] += names.kernel(inputs["format"])
        model = gpu_shapes.model(inputs) if "model" in inputs else None
        return found | ({"model": model.name} if model else {})


def _unknown(inputs: Inputs) -> str | None:
    """What a row names that we do not know."""
    if names.chip(inputs["chip"]) is None:
        return f"chip {inputs['chip']!r} is not known"
    if "model" in inputs and (why := gpu_shapes.why_not(inputs)):
        return why
    if "format" in inputs and names.number_format(inputs["format"]) is None:
        return f"format {inputs['format']!r} is not known"
    for what in ("arithmetic", "cache"):
        if what in inputs and names.number_format(inputs[what]) != CACHE:
            return f"attention with {what} in {inputs[what]}: it is estimated in {CACHE} alone"
    if str(inputs.get("window") or 0) != "0":
        return "attention with a window: kernels of it were not measured"
    return None
