"""What serving costs: chips in their systems by the second, and what they drew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..families.priced import Priced
from ..formulas.economics import usd_per_mtoken
from ..search.economy import Economy, chip_price_usd, usd_per_s
from ..tech.technology import NOMINAL


@dataclass(frozen=True)
class Drawn:
    """Chips of one kind, and what all of them drew together. `peak_w`: in the second that drew most."""

    chips: Priced
    count: float  # on average
    mean_w: float
    peak_w: float


def drawn(chips: Priced, count: float, joules: np.ndarray, width_s: float, span_s: float) -> Drawn:
    """From each bin's dynamic energy [bins]: chips draw their static power all the time."""
    static = float(chips.static_w) * count
    return Drawn(chips, count, static + float(joules.sum()) / span_s, static + float(joules.max()) / width_s)


def rates_usd_per_s(parts: list[Drawn], economy: Economy) -> dict[str, float | None]:
    """By price basis; None where a chip has no such price."""
    rates = {basis: sum(_owned(part, economy, basis) for part in parts) for basis in ("cost", "vendor")}
    rented = [_rented(part) for part in parts]
    return {
        **{basis: float(rate) if np.isfinite(rate) else None for basis, rate in rates.items()},
        "rental": None if None in rented else sum(r for r in rented if r is not None),
    }


def power_known(parts: list[Drawn]) -> bool:
    """Whether what they draw is all that they draw."""
    return all(chip.power_known for part in parts if (chip := getattr(part.chips, "chip", None)) is not None)


def _owned(part: Drawn, economy: Economy, basis: str) -> Any:
    price = chip_price_usd(part.chips, economy, NOMINAL, basis)
    mean_w, peak_w = part.mean_w / part.count, part.peak_w / part.count
    return usd_per_s(price, mean_w, peak_w, economy, NOMINAL, basis) * part.count


def _rented(part: Drawn) -> float | None:
    price = getattr(getattr(part.chips, "chip", None), "price", None)
    rate = None if price is None else price.rental_usd_per_s
    return None if rate is None else float(rate) * part.count


def bill(parts: list[Drawn], span_s: float, tokens: float, economy: Economy) -> dict[str, Any]:
    """Energy and dollars of `span_s` seconds in which `tokens` were given; no energy (None) where a chip's power is not
    published."""
    known = power_known(parts)
    joules = sum(part.mean_w for part in parts) * span_s if known else None
    rates = rates_usd_per_s(parts, economy)
    per_token = {
        basis: None if rate is None or not tokens else usd_per_mtoken(rate, tokens / span_s)
        for basis, rate in rates.items()
    }
    return {
        "energy_j": joules, "j_per_token": None if joules is None or not tokens else joules / tokens,
        "power_w": {"mean": None if joules is None else joules / span_s,
                    "peak": sum(part.peak_w for part in parts) if known else None},
        "usd": {basis: None if rate is None else rate * span_s for basis, rate in rates.items()},
        "usd_per_mtoken": per_token,
    }  # fmt: skip
