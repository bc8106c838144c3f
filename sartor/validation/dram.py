"""Kind `dram`: what share of its peak one channel of a DRAM gives, measured or simulated cycle by cycle.

Form: the table of docs/validation.md (a CSV); a line is a device, a pattern, an address mapping and a controller.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import dram_predict
from .files import packaged
from .kind import Column, Form, Inputs, Prediction, Refused, Row

# Devices whose runs the closed forms were made with, or were looked at while they were mended; all others are unseen.
DEVELOPED_ON = (
    "ddr4-2133", "ddr4-2400", "ddr4-2666", "ddr4-2933", "ddr4-3200", "ddr5-3200", "ddr5-4800", "ddr5-5600",
    "ddr5-6000", "ddr5-6400", "ddr5-6800", "ddr5-7200", "gddr6-12000", "gddr6-13000", "gddr6-14000", "gddr6-15000",
    "gddr6-16000", "gddr6-18000", "gddr6-20000", "gddr7-28000", "hbm2-1600", "hbm2-2000", "hbm2-2400", "hbm2-2600",
    "hbm2-2800", "hbm2e-3000", "hbm2e-3200", "hbm2e-3400", "hbm2e-3600", "hbm3-4800", "hbm3-5200", "hbm3-5600",
    "hbm3-5800", "hbm3-6000", "hbm3-6400", "hbm3e-8000", "hbm3e-8800", "hbm3e-9000", "hbm3e-9200", "hbm3e-9800",
    "hbm4-6400", "hbm4-7000", "hbm4-8000", "hbm4-9000", "hbm4-10000", "hbm4-11000", "hbm4-12000", "hbm4-16000",
    "lpddr5-3733", "lpddr5-4267", "lpddr5-5000", "lpddr5-5500", "lpddr5-6400", "lpddr5x-7500", "lpddr5x-8000",
    "lpddr5x-8533", "lpddr5x-9000", "lpddr5x-9600", "lpddr5x-10667", "lpddr6-8533", "lpddr6-9600", "lpddr6-10667",
    "lpddr6-11733", "lpddr6-12800", "lpddr6-14400",
)  # fmt: skip
_INPUTS = {
    "device": Column("device"), "tx_bytes": Column("tx_bytes", whole=True),
    "page_bytes": Column("page_bytes", whole=True), "pattern": Column("pattern"),
    "param": Column("param", optional=True), "chunk_bytes": Column("chunk_bytes", optional=True, number=True),
    "mapping": Column("mapping"), "refresh": Column("refresh"), "queue": Column("queue", whole=True),
    "scheduler": Column("scheduler", optional=True), "n_tx": Column("n_tx", optional=True, count=True),
    "write_share": Column("write_share", optional=True), "streams": Column("streams", optional=True),
}  # fmt: skip
_RATES = {"peak_gbs": Column("peak", "GB/s", optional=True), "gbs": Column("rate", "GB/s", optional=True)}
FORM = Form("share", _INPUTS, {"eff": Column("efficiency")}, _RATES)
SHORT = 32  # places of a queue, of all pseudo channels
# Above the nominal peak by rounding of the clock, and by requests that still wait when a run ends.
MOST = 1.02


class Dram:
    """See the top of this file."""

    def default(self) -> list[Path]:
        return packaged("dram.csv")

    def form(self, row: Mapping[str, Any]) -> Form | str:
        return FORM

    def impossible(self, rows: Sequence[Row]) -> Sequence[str | None]:
        return [_impossible(row) for row in rows]

    def predict(self, rows: Sequence[Inputs]) -> Iterable[Prediction]:
        return [_predicted(row) for row in rows]

    def labels(self, inputs: Inputs) -> Mapping[str, str]:
        return {"kind": inputs["pattern"], "chip": inputs["device"].lower(), "format": _alike(inputs)}


def _alike(inputs: Inputs) -> str:
    """Rows with which one is judged: of its mapping, or of what is harder to say, whatever the mapping."""
    if dram_predict.refreshed(inputs) == "pb":
        return "banks refreshed one by one"
    if inputs["queue"] < SHORT:
        return "short queue"
    return "in step or not" if dram_predict.by_chance(inputs) else inputs["mapping"]


def _predicted(inputs: Inputs) -> Prediction:
    asked = dram_predict.asked(inputs)
    return Refused(asked) if isinstance(asked, str) else {"efficiency": dram_predict.share(asked)}


def _impossible(row: Row) -> str | None:
    if why := dram_predict.impossible(row.inputs):
        return why
    share, peak = row.measured["efficiency"], row.beside.get("peak")
    if share > MOST:
        return "eff: faster than the DRAM's peak (a fraction is meant, not percent), or a wrong unit"
    if peak is None:
        return None
    if "rate" in row.beside and not 0.97 < row.beside["rate"] / (share * peak) < 1.03:
        return "gbs is not eff times peak_gbs: a unit is wrong"
    asked = dram_predict.asked(row.inputs)
    if not isinstance(asked, str) and not 0.9 < peak / float(asked.timings.peak_bytes_per_s) < 1.1:
        return "peak_gbs is not that of the device's channel, in GB/s: another width, or a wrong unit"
    return None
