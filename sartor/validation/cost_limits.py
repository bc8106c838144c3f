"""What no chip, no part of one and no hour of one can cost: a figure beyond is in another unit, or of another thing."""

from __future__ import annotations

import math

from ..tables import table
from ..units import factor
from . import cost_predict
from .cost_predict import Asked
from .kind import Row

# No list of hyperscalers asks more than 15 an hour, no chip's bill is a server's.
LEAST_USD, MOST_USD, LEAST_USD_H, MOST_USD_H = 1.0, 60_000.0, 0.01, 30.0
MEMORY = 2.0  # prices of memory double or halve within a year (README)
WAFERS = 2.0  # nobody publishes what they pay: analysts' dies of an H100 are 155 to 400 USD
MONTH_H = 730.5  # who pays what a chip costs for a month of it buys it
ROUNDED = 1.01  # a value beside its own range
WAFER_MM2 = math.pi * 150**2


def impossible(row: Row) -> str | None:
    """Why nothing costs what a row says; None where it can."""
    value, hourly = row.measured["cost"], row.inputs["group"] == "gpu_rental"
    low, high = row.beside.get("low", 0.0), row.beside.get("high", math.inf)
    if low > high:
        return "low is above high"
    if not low / ROUNDED <= value <= high * ROUNDED:
        return "value is not between low and high: a column has a wrong unit"
    least, most = (LEAST_USD_H / 3600, MOST_USD_H / 3600) if hourly else (LEAST_USD, MOST_USD)
    if not least <= value <= most:
        return f"value is not what {'an hour of a chip' if hourly else 'a chip'} can cost: a server's, or a wrong unit"
    asked = cost_predict.asked(row.inputs["group"], row.inputs["item"], row.inputs.get("date") or "")
    return None if isinstance(asked, str) else LIMITS[asked.what](asked, value)


def _bill(a: Asked, usd: float) -> str | None:
    if usd < cost_predict.memory_usd(a.chip, "low") / MEMORY:
        return "less than half of what its memory alone costs"
    if usd > (a.chip.price.purchase_usd or math.inf):
        return "a bill above the price that the chip is sold for: a wrong unit"
    return None


def _memory(a: Asked, usd: float) -> str | None:
    low, high = (cost_predict.memory_usd(a.chip, end) for end in ("low", "high"))
    return None if low / MEMORY <= usd <= high * MEMORY else "its memory costs no such price a GB: a wrong unit"


def _die(a: Asked, usd: float) -> str | None:
    """A die is no dearer than a wafer, and no cheaper than half of its share of one."""
    if a.chip.die_mm2 is None:
        return None
    wafer = table("nodes").fact(a.chip.node, "wafer_price")
    if usd > wafer.high * a.chip.dies:
        return "dies dearer than wafers: a wrong unit"
    share = wafer.low * a.chip.die_mm2 / WAFER_MM2
    return "dies cheaper than half of their share of a wafer: a wrong unit" if usd < share / WAFERS else None


def _rental(a: Asked, usd_per_s: float) -> str | None:
    watts, price = a.chip.tdp_w, a.chip.price.purchase_usd
    power = table("economics").fact("datacenter", "electricity").low
    if watts and usd_per_s < watts * power:
        return "an hour for less than its electricity: a wrong unit"
    if price and usd_per_s * MONTH_H * factor("h") > price:
        return "an hour of which a month costs as much as the chip: a day's, or a wrong unit"
    return None


LIMITS = {"bill": _bill, "memory": _memory, "die": _die, "rental": _rental}
