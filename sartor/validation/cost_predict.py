"""What a published figure of kind `cost` is predicted to be: a chip's bill, a part of it, or an hour of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from ..chip.spec import Chip
from ..families import priced
from ..families.gpu.family import Existing
from ..search.economy import Economy, usd_per_s
from ..tables import table
from ..tech.technology import NOMINAL
from . import names

PARTS = ("die", "memory")
_WHAT = {"total": "bill", "logic": "die", "hbm": "memory"}
_ITEM = re.compile(r"^(.*?)_(total|logic|hbm)(?:_.*)?$", re.IGNORECASE)
FIRST_YEAR = 2025  # of hourly prices: those of the shortage before say nothing of what an hour costs


@dataclass(frozen=True)
class Asked:
    """One figure: of what chip, and what of it."""

    chip: Chip
    what: str  # bill, die, memory or rental


def asked(group: str, item: str, date: str) -> Asked | str:
    """What a row asks for, or why it is not predicted."""
    if group == "gpu_rental":
        name, what = item, "rental"
        if "hyperscaler" in date:
            return "a hyperscaler's list price: three to five times what others ask for the same hour"
        year = re.search(r"20\d\d(?![\d.])", date)
        if date and not year:
            return f"date {date!r} names no year"
        if year and int(year.group()) < FIRST_YEAR:
            return f"an hour before {FIRST_YEAR}: prices of the shortage"
    else:
        found = _ITEM.match(item)
        if not found:
            return f"item {item!r} is not a chip's total, logic or hbm"
        name, what = found.group(1), _WHAT[found.group(2).lower()]
    if name.upper().startswith("GB"):
        return "a board of GPUs and a CPU"
    chip = names.chip(name)
    return Asked(chip, what) if chip else f"chip {name!r} is not known"


def usd(a: Asked) -> float | str:
    """In USD, or USD a second; or why there is none."""
    if a.what == "rental":
        return _rental(a.chip)
    if a.what == "memory":
        return memory_usd(a.chip)
    if a.what == "die" and a.chip.die_mm2:
        return float(Existing(a.chip).dies_usd)
    bill = float(priced(a.chip).limits["unit_usd"])
    return bill if np.isfinite(bill) else "its die is not published"


def memory_usd(chip: Chip, end: str = "value") -> float:
    """Its memory, at the price of memories.csv or an end of its range."""
    return float(getattr(table("memories").fact(chip.memory.kind, "price"), end)) * chip.memory.capacity_bytes


def _rental(chip: Chip) -> float | str:
    """Owning a bought chip in a bought server, over the share of its hours that are sold."""
    if chip.price.purchase_usd is None or chip.tdp_w is None:
        return "no purchase price, or no power"
    sold = NOMINAL.fact("economics", "datacenter", "duty")
    return float(usd_per_s(chip.price.purchase_usd, chip.tdp_w * sold, chip.tdp_w, Economy(), NOMINAL, "vendor")) / sold
