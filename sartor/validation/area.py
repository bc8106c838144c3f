"""Kind `area`: dies of public chips in mm2, and their power limits, from what is published of their parts.

Form: the table of docs/validation.md (a CSV); a line is a chip.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import area_predict
from .files import packaged
from .kind import Column, Form, Inputs, Prediction, Refused, Row

# Chips that the figures `published` of overheads.csv are fitted to (benchmarks/chip_facts.py).
FITTED_TO = ("tpuv4i", "groqtsp", "mtiav1", "gc200", "a100", "b200", "maia100", "wormhole-n150")
_NAMED = ("chip", "node")
_WORDS = ("class", "mac_fmt", "mem_type")
_NUMBERS = ("n_logic_dies", "transistors_B", "sram_MB", "macs", "clock_GHz", "peak_dense_TOPS", "mem_units", "mem_GBps",
            "phy_mm2_est")  # fmt: skip
FORM = Form(
    "chip",
    {name: Column(name) for name in _NAMED} | {name: Column(name, optional=True) for name in _WORDS}
    | {name: Column(name, optional=True, number=True) for name in _NUMBERS},
    {"die_mm2": Column("area", "mm2", optional=True), "tdp_W": Column("power", "W", optional=True)},
)  # fmt: skip
RETICLE_MM2, LARGEST_MM2 = 858.0, 50_000.0  # a field; the square that is cut out of a wafer of 300 mm
MOST_W_PER_MM2 = 3.0
DENSEST_PER_MM2 = 400e6  # transistors
# Of public chips: 0.0016 (Loihi, not predicted) to 0.7 W and 0.09 to 6 T multiply-adds and adds a second a mm2.
LEAST_W_PER_MM2, LEAST_OPS_PER_MM2, MOST_OPS_PER_MM2 = 0.002, 0.005e12, 100e12
ALIKE = 4.0  # a peak and what multipliers and clock come to: pairs of narrow ones, sparse peaks, boosted clocks
OTHER_MEMORY = 5.0  # a stack's or device's rate and that of its kind: DDR3 counted as DDR5, rows of an unusual width


class Area:
    """See the top of this file."""

    def default(self) -> list[Path]:
        return packaged("chips.csv")

    def form(self, row: Mapping[str, Any]) -> Form | str:
        if row.get("class") == "testchip":
            return "a test chip: one core, not a die with all that stands around"
        return FORM if row.get("die_mm2") or row.get("tdp_W") else "neither die_mm2 nor tdp_W"

    def impossible(self, rows: Sequence[Row]) -> Sequence[str | None]:
        return [_impossible(row) for row in rows]

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


def _impossible(row: Row) -> str | None:
    known = area_predict.asked(row.inputs)
    if isinstance(known, str):
        return None
    mm2, watts = row.measured.get("area"), row.measured.get("power")
    if why := _at_odds(row.inputs):
        return why
    if mm2 is not None:
        if mm2 > LARGEST_MM2 or 1.02 * RETICLE_MM2 * known.dies < mm2 < LARGEST_MM2 / 2:
            return "die_mm2 is more than so many dies can have: a wafer's, or a wrong unit"
        if known.sram_mm2 is not None and known.sram_mm2 > mm2:
            return "die_mm2 is less than its SRAM takes: a wrong unit"
        if known.phy_mm2 > mm2:
            return "die_mm2 is less than its interfaces take: mem_units or phy_mm2_est, or a wrong unit"
        if known.macs_mm2 is not None and known.macs_mm2 > mm2:
            return "die_mm2 is less than its multipliers take: macs, peak_dense_TOPS or clock_GHz has a wrong unit"
        if known.ops_per_s and not LEAST_OPS_PER_MM2 < known.ops_per_s / mm2 < MOST_OPS_PER_MM2:
            return "a peak that no such die has: peak_dense_TOPS, or macs and clock_GHz, has a wrong unit"
        if known.transistors and known.transistors / mm2 > DENSEST_PER_MM2:
            return "more transistors than any node has on such a die: a wrong unit"
    if mm2 is not None and watts is not None and not LEAST_W_PER_MM2 < watts / mm2 < MOST_W_PER_MM2:
        much = "more than a die can be cooled of" if watts > mm2 else "less than such a die rests with"
        return f"tdp_W is {much}: a wrong unit"
    return None


def _at_odds(inputs: Inputs) -> str | None:
    """Columns that do not agree."""
    macs, clock, peak = (area_predict.number(inputs, name) for name in ("macs", "clock_GHz", "peak_dense_TOPS"))
    if macs and clock and peak and not 1 / ALIKE < 2 * macs * clock / 1e3 / peak < ALIKE:
        return "peak_dense_TOPS is not twice macs times clock_GHz: a wrong unit"
    rate = area_predict.rate_of_kind(inputs)
    if rate is not None and not 1 / OTHER_MEMORY**2 < rate < OTHER_MEMORY:
        return "mem_GBps is not that of so many mem_units of mem_type: a wrong unit"
    return None
