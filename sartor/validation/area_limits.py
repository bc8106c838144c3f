"""Chips that cannot be as a row of kind `area` says: columns that do not agree, or a die that nothing fits on.

Ranges of public chips are those of chips.csv, and `ALIKE` either way of them.
"""

from __future__ import annotations

from ..tables import table
from . import area_predict
from .area_predict import Known
from .kind import Inputs, Row

RETICLE_MM2, LARGEST_MM2 = 858.0, 50_000.0  # a field; the square that is cut out of a wafer of 300 mm
MOST_W_PER_MM2 = 3.0
DENSEST_PER_MM2 = 400e6  # transistors
# Of public chips: 0.0016 (Loihi, not predicted) to 0.7 W and 0.09 to 6 T multiply-adds and adds a second a mm2.
LEAST_W_PER_MM2, LEAST_OPS_PER_MM2, MOST_OPS_PER_MM2 = 0.002, 0.005e12, 100e12
ALIKE = 4.0  # a peak and what multipliers and clock come to: pairs of narrow ones, sparse peaks, boosted clocks
OTHER_MEMORY = 5.0  # a stack's or device's rate and that of its kind: DDR3 counted as DDR5, rows of an unusual width
BIT_TRANSISTORS = 6  # of an SRAM cell
LEAST_SHARE, MOST_SHARE = 0.35, 1.28  # transistors a mm2 over the logic density of the node: MI250X, GroqTSP
LEAST_BYTES, MOST_BYTES = 125.0, 9553.0  # of SRAM a multiplier: KunlunK200, GC200
LEAST_PHY, MOST_PHY = 1.36, 3.12  # interfaces over those that its memory and a host port need: H200, MTIAv1


def impossible(row: Row) -> str | None:
    """Why there is no such chip; None where there can be, or where nothing is predicted of it."""
    known = area_predict.asked(row.inputs)
    if isinstance(known, str):
        return None
    mm2, watts = row.measured.get("area"), row.measured.get("power")
    if why := _at_odds(row.inputs):
        return why
    if mm2 is not None and (why := _does_not_fit(known, mm2)):
        return why
    if why := _sram(row.inputs, known) or _interfaces(row.inputs):
        return why
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
    if rate is not None and not 1 / OTHER_MEMORY < rate < OTHER_MEMORY:
        return "mem_GBps is not that of so many mem_units of mem_type: a wrong unit"
    return None


def _interfaces(inputs: Inputs) -> str | None:
    phy = area_predict.phy_of_kind(inputs)
    if phy is not None and not LEAST_PHY / ALIKE < phy < MOST_PHY * ALIKE:
        return "phy_mm2_est is not what so many mem_units of mem_type take: a wrong unit"
    return None


def _sram(inputs: Inputs, known: Known) -> str | None:
    """SRAM beside what it is made of and what it feeds."""
    sram_bytes = (area_predict.number(inputs, "sram_MB") or 0.0) * 1e6
    if sram_bytes and known.transistors and known.transistors < BIT_TRANSISTORS * 8 * sram_bytes:
        return "transistors_B are fewer than its SRAM has: it or sram_MB has a wrong unit"
    macs = area_predict.multipliers(inputs)[0]
    if sram_bytes and macs and not LEAST_BYTES / ALIKE < sram_bytes / macs < MOST_BYTES * ALIKE:
        return "sram_MB is not what so many multipliers work on: it, macs, peak_dense_TOPS or clock_GHz is wrong"
    return None


def _does_not_fit(known: Known, mm2: float) -> str | None:
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
    if known.transistors and not LEAST_SHARE / ALIKE < _density(known, mm2) < MOST_SHARE * ALIKE:
        return "transistors_B are not those of such a die in its node: it or die_mm2 has a wrong unit"
    return None


def _density(known: Known, mm2: float) -> float:
    """Transistors a mm2 over those of the node's logic."""
    node = table("nodes").items[known.node]
    return (known.transistors or 0.0) / mm2 / area_predict.figure("nodes", node, "logic_density")
