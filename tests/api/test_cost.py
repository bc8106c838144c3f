"""What `sartor cost` says of owning a chip at cost and at its price."""

import pytest
from pytest import approx

from sartor.api.cost import cost
from sartor.chip.presets import preset
from sartor.families import priced
from sartor.search.economy import Economy, usd_per_s
from sartor.tech.technology import NOMINAL
from sartor.validation.cost_predict import Asked, usd


def test_an_hour_of_a_bought_gpu_by_hand() -> None:
    # 30,000 x 1.25 x 1.12 = 42,000 USD, 0.31547 of it a year and 5 % for staff; 700 W x 0.6 x 1.45 x 1.2 at 0.085
    # USD/kWh: 544.6; 1.015 kW of floor space at 130 a month: 1,583.4. 17,478 USD over 8,766 hours.
    figures = cost("h100-sxm")["figures"]
    assert figures["price_usd"]["nominal"] == 30_000
    assert figures["usd_per_hour_bought"]["nominal"] == approx(1.994, abs=2e-3)
    # At cost the boards and the host are a larger multiple of a smaller sum.
    unit = figures["unit_usd"]["nominal"]
    rest = (0.31547 + 0.05) * unit * 1.7 * 1.12 + 544.6 + 1583.4
    assert figures["usd_per_hour"]["nominal"] == approx(rest / 8766, rel=1e-3)


def test_what_is_beside_the_chips_costs_about_as_much_on_both_bases() -> None:
    # Of a chip of 400 USD: 280 beside it at cost; sold at 1,000, the server at 1,250: 250 beside it.
    economy = Economy()
    at_cost, at_price = 400 * 0.7, 400 / (1 - economy.figure(NOMINAL, "vendor_margin")) * 0.25
    assert at_price == approx(at_cost, rel=0.15)
    cheap, dear = (float(usd_per_s(1000.0, 0.0, 0.0, economy, NOMINAL, basis)) for basis in ("vendor", "cost"))
    assert dear / cheap == approx(1.7 / 1.25)


def test_a_chip_that_is_a_wafer_costs_a_wafer() -> None:
    # N5: 17,000 USD and 46,225 mm2 of sort, over the line's yield; on its assembly, which is dearer.
    figures = cost("wse-3")["figures"]
    sorted_usd = NOMINAL.fact("nodes", "N5", "wafer_price") + 46225 * NOMINAL.fact("overheads", "die", "sort_per_mm2")
    assert figures["dies_usd"]["nominal"] == approx(sorted_usd / NOMINAL.fact("overheads", "die", "line_yield"))
    assert figures["dies_usd"]["nominal"] < figures["unit_usd"]["nominal"] < 0.1 * figures["price_usd"]["nominal"]
    assert usd(Asked(preset("wse-3"), "die")) == figures["dies_usd"]["nominal"]
    assert "die_yield" not in figures and "die_yield" in cost("h100-sxm")["figures"]


@pytest.mark.parametrize("name", ["mi355x", "tpu-v4"])
def test_a_chip_without_a_price_is_not_priced(name: str) -> None:
    assert priced(preset(name)).limits["unit_usd"] > 0
    assert "price_usd" not in cost(name)["figures"]
