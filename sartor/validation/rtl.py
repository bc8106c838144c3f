"""Kind `rtl`: cycles of a pass on a generated core, counted by the RTL in its simulator.

Form: the table of docs/validation.md; a line is a core, its memory as the harness had it, layers of a model and a pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import rtl_predict
from .files import packaged
from .kind import Column, Form, Inputs, Prediction, Row

CLASSES = "vector", "mm_cache", "mm_weights"
ALL = 0.99  # of a pass is in one class or another: its counters count each cycle once
ROUNDED = 1.001  # means of several runs, rounded one by one
_WHOLE = (
    "rows", "lanes", "columns", "vector_lanes", "scratchpad_kib", "fifo_kib", "clock_mhz", "latency_cycles", "layers",
    "vocabulary", "tokens", "position",
)  # fmt: skip
_TEXT = ("weights", "memory", "gb_per_s", "efficiency", "refresh_ns", "model")
FORM = Form(
    "pass",
    {name: Column(name, whole=True) for name in _WHOLE} | {name: Column(name) for name in _TEXT}
    | {"break_bytes": Column("break_bytes", count=True), "batch": Column("batch", whole=True, optional=True)},
    {"cycles": Column("latency"), **{name: Column(name, optional=True) for name in CLASSES}},
)


class Rtl:
    """See the top of this file."""

    def default(self) -> list[Path]:
        return packaged("rtl.csv")

    def form(self, row: Mapping[str, Any]) -> Form | str:
        return FORM

    def impossible(self, rows: Sequence[Row]) -> Sequence[str | None]:
        return [_impossible(row) for row in rows]

    def predict(self, rows: Sequence[Inputs]) -> Iterable[Prediction]:
        return [rtl_predict.cycles(row) for row in rows]

    def labels(self, inputs: Inputs) -> Mapping[str, str]:
        core = "{rows}x{lanes}x{columns}-v{vector_lanes}-{memory}".format(**inputs)
        kind = "prefill" if inputs["tokens"] > 1 else "batch" if rtl_predict.batch(inputs) > 1 else "decode"
        return {"kind": kind, "chip": core, "format": inputs["weights"],
                "slice": f"{inputs['layers']} x {inputs['vocabulary']}"}  # fmt: skip


def _impossible(row: Row) -> str | None:
    wrong = rtl_predict.impossible(row.inputs, row.measured["latency"])
    if wrong:
        return wrong
    classes = sum(row.measured.get(name, 0) for name in CLASSES)
    if classes > ROUNDED * row.measured["latency"]:
        return "its classes take more cycles than the pass"
    if all(name in row.measured for name in CLASSES) and classes < ALL * row.measured["latency"]:
        return "its classes do not add up to the cycles of the pass: a column has a wrong unit"
    return None
