"""Money: from dies to dollars per million tokens. All rates per second, all money in US dollars."""

from __future__ import annotations

from typing import Any

YEAR_S = 8766 * 3600.0


def nre_usd(
    design_usd: Any,
    complexity: Any,
    mask_set_usd: Any,
    tapeouts: Any,
    ip_usd: Any,
    package_usd: Any,
    software_usd: Any,
) -> Any:
    """What is paid once: design, masks, licensed blocks, package development, software."""
    return design_usd * complexity + mask_set_usd * tapeouts + ip_usd + package_usd + software_usd


def annuity_per_s(principal_usd: Any, rate_per_year: Any, life_s: Any) -> Any:
    """Constant payment that repays a principal with interest over its life (capital recovery factor).

    >>> round(float(annuity_per_s(1000.0, 0.10, 4 * YEAR_S)) * YEAR_S, 1)
    315.5
    """
    years = life_s / YEAR_S
    growth = (1 + rate_per_year) ** years
    return principal_usd * rate_per_year * growth / (growth - 1) / YEAR_S


def capital_usd(chips_usd: Any, server_multiple: Any, network_fraction: Any) -> Any:
    """Chips to a system: boards, host and case as a multiple, then the network."""
    return chips_usd * server_multiple * (1 + network_fraction)


def running_usd_per_s(
    capital: Any,
    opex_fraction: Any,
    it_power_w: Any,
    pue: Any,
    usd_per_j: Any,
    peak_power_w: Any,
    colocation_usd_per_w_s: Any,
) -> Any:
    """Staff and spares, electricity for what is drawn, floor space for what may be drawn."""
    staff = capital * opex_fraction / YEAR_S
    return staff + it_power_w * pue * usd_per_j + peak_power_w * colocation_usd_per_w_s


def usd_per_mtoken(usd_per_s: Any, tokens_per_s: Any) -> Any:
    """Dollars of a million tokens.

    >>> float(usd_per_mtoken(usd_per_s=0.001, tokens_per_s=1000))
    1.0
    """
    return usd_per_s / tokens_per_s * 1e6
