"""Where a token's dollars go, for one design."""

from __future__ import annotations

from typing import Any

from ..families.tensor.family import Tensor
from ..formulas import economics
from ..tech.technology import NOMINAL
from .economy import Economy
from .result import Deployment, Result


def chip_parts_usd(chips: Tensor, economy: Economy) -> dict[str, float]:
    """One chip at cost: die, memory, package and test, and its share of what is paid once."""
    once = chips.nre_usd(economy.once(NOMINAL)) / economy.volume
    parts = {name: float(value) for name, value in chips.physical.parts_usd.items()}
    return {**parts, "design, masks, licenses, software": float(once)}


def nre_parts_usd(chips: Tensor, economy: Economy) -> dict[str, float]:
    """What is paid once."""
    own, once = chips.physical.nre, economy.once(NOMINAL)
    return {
        "design": float(own["design_usd"] * once["complexity"]),
        "masks": float(own["mask_set_usd"] * once["tapeouts"]),
        "package": float(own["package_usd"]),
        "licenses": float(once["ip_usd"]),
        "software": float(once["software_usd"]),
    }


def token_parts_usd(result: Result, how: Deployment, mean_w: float, economy: Economy) -> dict[str, float]:
    """Dollars per million output tokens by where they go; the sum is `usd_per_mtoken`."""

    def of(quantity: str) -> Any:
        return economy.figure(NOMINAL, quantity)

    chip_usd = float(result.chip_usd)
    system = economics.capital_usd(chip_usd, of("server_multiple"), of("network_fraction"))
    host = 1 + of("host_power_fraction")
    per_s = {
        "chip and memory": economics.annuity_per_s(chip_usd, of("wacc"), of("lifetime")),
        "board, host, network": economics.annuity_per_s(system - chip_usd, of("wacc"), of("lifetime")),
        "staff and spares": economics.running_usd_per_s(system, of("opex_fraction"), 0, 1, 0, 0, 0),
        "electricity": economics.running_usd_per_s(0, 0, mean_w * host, of("pue"), of("electricity"), 0, 0),
        "floor space": economics.running_usd_per_s(
            0, 0, 0, 1, 0, float(result.power_w) * host, of("colocation")
        ),
    }
    tokens = float(result.tokens_per_s) * of("duty") / how.chips
    return {name: float(value) / tokens * 1e6 for name, value in per_s.items()}
