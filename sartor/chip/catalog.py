"""The chips that exist as a list: one plain dict a chip, in coherent units, for `sartor list chips`."""

from __future__ import annotations

from typing import Any

from .presets import names, preset
from .spec import Chip


def rows() -> list[dict[str, Any]]:
    """One row a preset, by vendor and year.

    >>> [row["node"] for row in rows() if row["name"] == "h100-sxm"]
    ['N4']
    """
    chips = sorted(map(preset, names()), key=lambda chip: (chip.vendor, chip.year or 0, chip.name))
    return [row(chip) for chip in chips]


def row(chip: Chip) -> dict[str, Any]:
    """What a list shows of `chip`. A chip without off-chip memory streams its weights from SRAM, so that its
    capacity and bandwidth are the SRAM's."""
    memory = chip.memory
    on_die = memory.kind == "sram"
    peak_format, peak = best_peak(chip)
    return {
        "name": chip.name,
        "vendor": chip.vendor,
        "year": chip.year,
        "family": chip.family,
        "node": chip.node,
        "memory": memory.kind,
        "capacity_bytes": chip.sram_bytes if on_die else memory.capacity_bytes,
        "bandwidth_bytes_per_s": chip.sram_bandwidth_bytes_per_s if on_die else memory.bandwidth_bytes_per_s,
        "peak_ops_per_s": peak,
        "peak_format": peak_format,
        "tdp_w": chip.tdp_w,
        "purchase_usd": chip.price.purchase_usd,
        "rental_usd_per_s": chip.price.rental_usd_per_s,
        "price_date": chip.price.date,
        "status": chip.status,
        "source": chip.source,
        "note": chip.note,
    }


def best_peak(chip: Chip) -> tuple[str, float | None]:
    """The number format with the highest dense peak, and that peak; the first of equals."""
    if not chip.peaks:
        return "", None
    name = max(chip.peaks, key=lambda fmt: chip.peaks[fmt])
    return name, chip.peaks[name]
