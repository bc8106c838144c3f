"""Kind `area`: dies of public chips in mm2, and their power limits, from what is published of their parts.

Form: the table of docs/validation.md (a CSV); a line is a chip.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import area_limits, area_predict
from .files import packaged
from .kind import Column, Form, Inputs, Prediction, Refused, Row

# Chips that the figures `published` of overheads.csv are fitted to (benchmarks/chip_facts.py).
FITTED_TO = ("tpuv4i", "groqtsp", "mtiav1", "gc200", "a100", "b200", "maia100", "wormhole-n150")
_NAMED = ("chip", "node")
_WORDS = ("class", "mac_fmt", "mem_type")
_COUNTS = ("n_logic_dies", "macs", "mem_units")
_NUMBERS = ("transistors_B", "sram_MB", "clock_GHz", "peak_dense_TOPS", "mem_GBps", "phy_mm2_est")
FORM = Form(
    "chip",
    {name: Column(name) for name in _NAMED} | {name: Column(name, optional=True) for name in _WORDS}
    | {name: Column(name, optional=True, number=True) for name in _NUMBERS}
    | {name: Column(name, optional=True, count=True) for name in _COUNTS},
    {"die_mm2": Column("area", "mm2", optional=True), "tdp_W": Column("power", "W", optional=True)},
)  # fmt: skip


class Area:
    """See the top of this file."""

    def default(self) -> list[Path]:
        return packaged("chips.csv")

    def form(self, row: Mapping[str, Any]) -> Form | str:
        if row.get("class") == "testchip":
            return "a test chip: one core, not a die with all that stands around"
        return FORM if row.get("die_mm2") or row.get("tdp_W") else "neither die_mm2 nor tdp_W"

    def impossible(self, rows: Sequence[Row]) -> Sequence[str | None]:
        return [area_limits.impossible(row) for row in rows]

    def predict(self, rows: Sequence[Inputs]) -> Iterable[Prediction]:
        return [_predicted(row) for row in rows]

    def labels(self, inputs: Inputs) -> Mapping[str, str]:
        known = area_predict.asked(inputs)
        route = "" if isinstance(known, str) else "parts" if known.counted else "transistors"
        return {"kind": "die", "chip": inputs["chip"].lower(), "format": route}


def _predicted(inputs: Inputs) -> Prediction:
    known = area_predict.asked(inputs)
    if isinstance(known, str):
        return Refused(known)
    mm2, watts = area_predict.die_mm2(known), area_predict.power_w(known)
    return {name: value for name, value in (("area", mm2), ("power", watts)) if value is not None}

