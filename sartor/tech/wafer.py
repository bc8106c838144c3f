"""Silicon on a wafer: dies, yield, and the price of a good die."""

from __future__ import annotations

from typing import Any

import numpy as np

from .technology import Technology


def dies_per_wafer(die_mm2: Any, diameter_mm: Any, edge_mm: Any, scribe_mm: Any) -> Any:
    """Gross dies: circle over area less a rim of partial dies.

    Source: de Vries, "Investigation of gross die per wafer formulas", IEEE TSM 18(1), 2005; first-order form.

    >>> round(float(dies_per_wafer(814.0, 300.0, 3.0, 0.1)))
    60
    """
    pitch_mm2 = (np.sqrt(die_mm2) + scribe_mm) ** 2
    usable_mm = diameter_mm - 2 * edge_mm
    gross = np.pi * usable_mm**2 / (4 * pitch_mm2) - np.pi * usable_mm / np.sqrt(2 * pitch_mm2)
    return np.maximum(gross, 0.1)


def die_yield(critical_mm2: Any, d0_per_mm2: Any, alpha: Any) -> Any:
    """Share of dies without a fatal defect, negative-binomial clustering.

    Source: Stapper, IBM J. Res. Dev. 27(6), 1983, eq. 9.

    >>> round(float(die_yield(814.0, 0.0008, 3.0)), 3)
    0.555
    """
    # (1 + x) ** -alpha; exponentials and logarithms are vectorized, powers are not.
    return np.exp(-alpha * np.log(1 + critical_mm2 * d0_per_mm2 / alpha))


def good_die_usd(tech: Technology, node: Any, die_mm2: Any) -> Any:
    """Wafer price over good dies, with wafer sort; redundancy repairs its share of the area."""

    def die(quantity: str) -> Any:
        return tech.fact("overheads", "die", quantity)

    gross = dies_per_wafer(die_mm2, die("wafer_diameter"), die("edge_exclusion"), die("scribe"))
    critical = die_mm2 * (1 - die("redundancy"))
    good = die_yield(critical, tech.column("nodes", "d0", node), die("alpha")) * die("line_yield")
    wafer = tech.column("nodes", "wafer_price", node)
    return (wafer / gross + die("sort_per_mm2") * die_mm2) / good


def whole_wafer_usd(tech: Technology, node: Any, chip_mm2: Any) -> Any:
    """A wafer that is one chip, with its sort: defects cost cores, of which there are spare ones, and no wafers
    (Cerebras, Hot Chips 31, 2019: 1 to 1.5 % spare; recalled). What is lost is lost by the line."""
    sort_usd = tech.fact("overheads", "die", "sort_per_mm2") * chip_mm2
    return (tech.column("nodes", "wafer_price", node) + sort_usd) / tech.fact("overheads", "die", "line_yield")
