"""Every pure formula once with real quantities: what comes out has the dimension that its name says.

Formulas take plain floats in coherent units; here they get pint quantities in other units of the same kind,
so that a forgotten factor or a wrong operand fails.
"""

import pint
import pytest

from sartor.formulas import economics, roofline, service, tile
from sartor.tech import link, wafer

unit = pint.UnitRegistry()
unit.define("byte_ = [data]")
unit.define("ops = [operations]")
unit.define("usd = [money]")
unit.define("token = [tokens]")
unit.define("cycle = [cycles]")
unit.define("request = [requests]")

GBPS = 1e9 * unit("byte_/second")
TOPS = 1e12 * unit("ops/second")
MS, HOUR = unit.millisecond, unit.hour
MM, CM2 = unit.millimeter, unit.centimeter**2
ONE = unit.dimensionless

# name -> (formula, arguments, the unit of its result)
FORMULAS = {
    "roofline.time_s": (roofline.time_s, (2e9 * unit.ops, 1e6 * unit.byte_, TOPS, GBPS), unit.second),
    "roofline.ridge_ops_per_byte": (roofline.ridge_ops_per_byte, (TOPS, GBPS), unit("ops/byte_")),
    "link.all_reduce_s": (link.all_reduce_s, (1e6 * unit.byte_, 4, GBPS, 1 * MS), unit.second),
    "link.short_all_reduce_s": (link.short_all_reduce_s, (1e6 * unit.byte_, 4, GBPS, 1 * MS), unit.second),
    "link.switched_all_reduce_s": (
        link.switched_all_reduce_s, (1e6 * unit.byte_, 4, GBPS, 1 * MS, 0.3, 9 * MS, 0.4), unit.second,
    ),
    "link.hop_s": (link.hop_s, (1e6 * unit.byte_, GBPS, 1 * MS), unit.second),
    "link.all_to_all_s": (link.all_to_all_s, (1e6 * unit.byte_, 4, GBPS, 1 * MS), unit.second),
    "wafer.dies_per_wafer": (wafer.dies_per_wafer, (8 * CM2, 300 * MM, 3 * MM, 0.1 * MM), ONE),
    "wafer.die_yield": (wafer.die_yield, (8 * CM2, 0.1 / CM2, 3), ONE),
    "economics.nre_usd": (
        economics.nre_usd, (9 * unit.usd, 0.3, 2 * unit.usd, 1.5, *[1 * unit.usd] * 3), unit.usd,
    ),
    "economics.capital_usd": (economics.capital_usd, (9 * unit.usd, 1.7, 0.1), unit.usd),
    "economics.usd_per_mtoken": (
        economics.usd_per_mtoken, (1 * unit.usd / HOUR, 9 * unit.token / MS), unit("usd/token"),
    ),
    "service.capacity_per_s": (
        service.capacity_per_s, (9 * MS, 2 * MS / unit.token, 200 * unit.token, 8, 1), unit("1/second"),
    ),
    "service.tpot_s": (service.tpot_s, (20 * MS, 0.3), unit.second),
    "service.queue_wait_s": (service.queue_wait_s, (0.5, 9 * MS, (1.2, 2.0, 3.0, 4.0, 5.0), 0.8), unit.second),
    "service.slot_wait_s": (service.slot_wait_s, (0.5, 8, 9 * MS, (1.2, 2.0, 3.0, 4.0, 5.0), 0.8), unit.second),
    "service.step_tokens": (
        service.step_tokens, (100 * MS, 20 * MS / unit.token * unit.token, 1000 * unit.dimensionless, 50 * MS),
        unit.dimensionless,
    ),
    "service.tail_s": (service.tail_s, (9 * MS, 0.5, 95.0), unit.second),
}  # fmt: skip
# Formulas whose arguments are not all quantities: years as an exponent, counts, floats of a table.
COUNTS = {"tile.folds"}
RATES = {"economics.annuity_per_s", "economics.running_usd_per_s"}
SUFFIXES = {"s": "second", "usd": "usd", "bytes": "byte_", "ops_per_byte": "ops/byte_"}


def public(module) -> set[str]:
    short = module.__name__.rpartition(".")[2]
    own = (n for n, f in vars(module).items() if getattr(f, "__module__", "") == module.__name__)
    return {f"{short}.{n}" for n in own if not n.startswith("_")}


def test_every_pure_formula_is_here() -> None:
    formulas = set().union(*(public(m) for m in (roofline, tile, link, economics, service, wafer)))
    # Those read the tables, whose units test_units checks.
    assert formulas - {"wafer.good_die_usd", "wafer.whole_wafer_usd"} == set(FORMULAS) | COUNTS | RATES


def quantity(value):
    return value if isinstance(value, unit.Quantity) else value * ONE


@pytest.mark.parametrize("name", FORMULAS)
def test_dimension(name: str) -> None:
    formula, arguments, expected = FORMULAS[name]
    assert quantity(formula(*arguments)).is_compatible_with(expected)


@pytest.mark.parametrize("name", FORMULAS)
def test_other_units_of_the_same_quantities_give_the_same_result(name: str) -> None:
    """Megabytes for bytes and hours for seconds change the numbers, not the answer: no factor hides
    inside."""
    formula, arguments, _ = FORMULAS[name]
    plain = [a.to_base_units().magnitude if isinstance(a, unit.Quantity) else a for a in arguments]
    with_units = quantity(formula(*arguments)).to_base_units().magnitude
    assert with_units == pytest.approx(float(formula(*plain)), rel=1e-9)


@pytest.mark.parametrize("name", [n for n in FORMULAS if n.rpartition("_")[2] in SUFFIXES])
def test_the_name_says_the_unit(name: str) -> None:
    suffix = next(s for s in sorted(SUFFIXES, key=len, reverse=True) if name.endswith(f"_{s}"))
    expected = "1/second" if name.endswith("_per_s") else SUFFIXES[suffix]
    assert unit(expected).is_compatible_with(FORMULAS[name][2])


def test_annuity_is_money_a_second() -> None:
    # The life enters an exponent as a number of years: it is a plain number there.
    paid = economics.annuity_per_s(1000 * unit.usd, 0.1, 4 * economics.YEAR_S)
    assert paid.check("[money]")


def test_running_costs_are_money_a_second() -> None:
    # Staff is paid a year: the formula divides by a plain number of seconds, so it is left out here.
    electricity = 0.085 * unit.usd / unit.kilowatt_hour
    rent = 130 * unit.usd / unit.kilowatt / (730.5 * HOUR)
    staff, drawn, most = 0 * unit.usd / unit.second, 500 * unit.watt, 1 * unit.kilowatt
    power = economics.running_usd_per_s(staff, 0, drawn, 1.2, electricity, most, rent)
    # 0.5 kW x 1.2 x 0.085 USD/kWh + 1 kW x 130 USD / 730.5 h = 0.051 + 0.178 USD an hour.
    assert power.to(unit.usd / HOUR).magnitude == pytest.approx(0.051 + 130 / 730.5)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: roofline.time_s(2e9 * unit.ops, 1e6 * unit.byte_, GBPS, TOPS),  # rates exchanged
        lambda: wafer.die_yield(8 * CM2, 0.1 / MM, 3),  # defects a length
    ],
)
def test_a_wrong_operand_fails(wrong) -> None:
    with pytest.raises(pint.DimensionalityError):
        wrong()
