"""What a chip costs: die, yield, package, memory, what is paid once, and owning it; with ranges."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from ..chip.spec import WHOLE_WAFER, Chip
from ..errors import Unsupported
from ..families import priced
from ..families.tensor.family import Tensor
from ..families.tensor.sizing import not_generated
from ..search.economy import Economy, chip_price_usd, usd_per_s
from ..tables import draws, table
from ..tech import wafer
from ..tech.technology import Technology
from ..validation import bands
from .find import find_chip

DRAWS = 2000
_SEED = 1
_HOUR_S = 3600.0


def cost(chip: str | Chip, volume: float = 100_000, device: bool = False) -> dict[str, Any]:
    """Each figure as {low, nominal, high}: the 10th and 90th percentile over draws of every fact from its range.

    Owning is per hour of one chip in its system at its busy power. Existing chips: their bill of materials from the
    published die, and their price. Bought: at the vendor's price, or a new chip at a vendor's margin. `error`: four in
    five published bills, and for a generated chip dies and power limits of public ones by their parts, lie within such
    a fraction of ours (None: it is published, or unchecked). `note`: why `build` refuses the chip (None: it does not,
    or the chip is none to be built).
    """
    chip = find_chip(chip) if isinstance(chip, str) else chip
    if chip.tile is None and chip.die_mm2 is None:
        raise Unsupported(f"{chip.name}: its die area is not published, so its cost cannot be estimated")
    economy = Economy("device" if device else "datacenter", volume)
    exact = _figures(chip, economy, Technology())
    drawn = _figures(chip, economy, Technology(draws(DRAWS, _SEED)))
    rows = {name: _range(exact[name], drawn[name]) for name in exact}
    return {
        "chip": chip.name, "volume": volume, "economics": economy.profile, "node": chip.node, "dies": chip.dies,
        "package": chip.package, "figures": rows, "price": dataclasses.asdict(chip.price),
        "error": _errors(chip), "note": not_generated(chip),
    }  # fmt: skip


def _errors(chip: Chip) -> dict[str, float | None]:
    """Die and power of a chip that exists are its data sheet's."""
    ours = chip.tile is not None
    return {
        "unit_usd": bands.of_fact("cost", "bill"),
        "die_mm2": bands.of_fact("area", "die parts") if ours else None,
        "power_w": bands.of_fact("area", "die parts power") if ours else None,
    }


def _range(exact: Any, drawn: Any) -> dict[str, float]:
    low, high = np.quantile(np.broadcast_to(drawn, (DRAWS,)), (0.1, 0.9))
    return {"low": float(low), "nominal": float(np.ravel(exact)[0]), "high": float(high)}


def _figures(chip: Chip, economy: Economy, tech: Technology) -> dict[str, Any]:
    """All figures, floats or [draws]."""
    chips = priced(chip, tech=tech, device=economy.device)
    die = chips.limits["die_mm2"]
    node = table("nodes").index(chip.node)
    d0, alpha = tech.column("nodes", "d0", node), tech.fact("overheads", "die", "alpha")
    repaired = die * (1 - tech.fact("overheads", "die", "redundancy"))
    at_cost = chip_price_usd(chips, economy, tech, "cost")
    watts = chip.tdp_w or busy_w(chips)
    figures = {
        "die_mm2": die,
        **({} if chip.package == WHOLE_WAFER else {"die_yield": wafer.die_yield(repaired, d0, alpha)}),
        "dies_usd": wafer.good_die_usd(tech, node, die) * chip.dies if chip.tile else chips.dies_usd,  # type: ignore[attr-defined]
        "unit_usd": chips.limits["unit_usd"],
        "unit_usd_with_nre": at_cost,
        "power_w": watts,
        "usd_per_hour": usd_per_s(at_cost, watts * economy.figure(tech, "duty"), watts, economy, tech)
        * _HOUR_S,
    }
    price = chip_price_usd(chips, economy, tech, "vendor")
    if np.all(np.isfinite(price)):
        drawn_w = watts * economy.figure(tech, "duty")
        figures["price_usd"] = price
        figures["usd_per_hour_bought"] = usd_per_s(price, drawn_w, watts, economy, tech, "vendor") * _HOUR_S
    if isinstance(chips, Tensor):
        figures["nre_usd"] = chips.nre_usd(economy.once(tech))
        figures |= {f"{part}_usd": usd for part, usd in chips.physical.parts_usd.items() if part != "die"}
        figures |= {f"area_{part}_mm2": mm2 for part, mm2 in chips.physical.area_mm2.items()}
    return figures


def busy_w(chips: Any) -> Any:
    """A generated chip at full rate: every MAC and the whole memory bandwidth busy, leakage and standby."""
    m, d = chips.machine, chips.designs
    macs_per_s = d.rows * d.lanes * d.columns * d.cores * d.clock_hz
    bytes_per_s = m.bytes_per_cycle * d.cores * d.clock_hz
    return macs_per_s * m.mac_j + bytes_per_s * (m.dram_j_per_byte + m.sram_j_per_byte) + chips.static_w
