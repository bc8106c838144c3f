"""The economics of a study: who pays for what, over how long; facts from economics.csv unless the study says."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any

from ..errors import InputError
from ..families.priced import Priced
from ..formulas import economics
from ..tables import table
from ..tech.technology import Technology

BASES = ("cost", "vendor", "rental")
MOST_MADE = 1e12  # chips: more than were made of anything


@dataclass(frozen=True)
class Economy:
    """`profile`: a row of economics.csv. `volume`: chips made, over which what is paid once is spread; of infinitely
    many nothing is left of it.
    `given`: figures of that row which the study states itself, in coherent units."""

    profile: str = "datacenter"
    volume: float = 100_000
    given: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        if not (0 < self.volume <= MOST_MADE or self.volume == inf):
            raise InputError(f"volume = {self.volume:g} must be above 0 and at most {MOST_MADE:g}")

    def figure(self, tech: Technology, quantity: str) -> Any:
        stated = dict(self.given)
        return stated[quantity] if quantity in stated else tech.fact("economics", self.profile, quantity)

    def once(self, tech: Technology) -> dict[str, Any]:
        """The terms of economics.nre_usd that do not depend on the design."""
        names = {
            "complexity": "complexity",
            "tapeouts": "tapeouts",
            "ip_usd": "ip_nre",
            "software_usd": "software_nre",
        }
        return {term: self.figure(tech, quantity) for term, quantity in names.items()}

    @property
    def device(self) -> bool:
        return self.profile == "device"


def chip_price_usd(chips: Priced, economy: Economy, tech: Technology, basis: str) -> Any:
    """What one chip costs whoever runs it: at cost, or at a vendor's margin (an existing chip: its price)."""
    price = getattr(getattr(chips, "chip", None), "price", None)
    if basis == "vendor" and price is not None:
        return price.purchase_usd if price.purchase_usd is not None else float("nan")
    at_cost = chips.chip_usd(economy.volume, economy.once(tech))
    return at_cost / (1 - economy.figure(tech, "vendor_margin")) if basis == "vendor" else at_cost


# What a system costs over its chips: over what they cost to make, and over what they are sold for. The same boards
# and hosts are a smaller multiple of a price that has a margin in it.
_SYSTEM = {"cost": "server_multiple", "vendor": "bought_multiple"}


def usd_per_s(
    chip_usd: Any, mean_w: Any, peak_w: Any, economy: Economy, tech: Technology, basis: str = "cost"
) -> Any:
    """Owning one chip in its system: capital repaid with interest, staff, electricity, floor space.

    `mean_w`, `peak_w`: of the chip and its memory; the host adds its share. `basis`: of `chip_usd`.
    """

    def of(quantity: str) -> Any:
        return economy.figure(tech, quantity)

    capital = economics.capital_usd(chip_usd, of(_SYSTEM[basis]), of("network_fraction"))
    host = 1 + of("host_power_fraction")
    running = economics.running_usd_per_s(
        capital,
        of("opex_fraction"),
        mean_w * host,
        of("pue"),
        of("electricity"),
        peak_w * host,
        of("colocation"),
    )
    return economics.annuity_per_s(capital, of("wacc"), of("lifetime")) + running


def figures(economy: Economy) -> dict[str, dict[str, Any]]:
    """Every figure used, for the table of assumptions."""
    stated = dict(economy.given)
    rows = {}
    for (item, quantity), fact in table("economics").facts.items():
        if item == economy.profile:
            value = stated.get(quantity, fact.value)
            rows[quantity] = {"value": value, "fact": fact, "stated": quantity in stated}
    return rows
