"""Dies on a wafer, their yield and price, and packages: by hand, laws, published prices."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from sartor.tables import table
from sartor.tech import package, wafer
from sartor.tech.technology import NOMINAL, Technology

area = st.floats(10, 850)
N4 = table("nodes").index("N4")


def test_h100_class_die_by_hand() -> None:
    # 814 mm2 with a scribe of 0.1 mm: 28.63^2 = 819.7 mm2. pi 294^2 / 4 / 819.7 - pi 294 / sqrt(2 x 819.7) =
    # 82.8 - 22.8.
    assert wafer.dies_per_wafer(814, 300, 3, 0.1) == approx(60.0, abs=0.1)
    # (1 + 814 x 0.0008 / 3)^-3 = 1.2171^-3.
    assert wafer.die_yield(814, 0.0008, 3) == approx(0.555, abs=0.001)
    # Spare cores repair half of it: (1 + 407 x 0.0008 / 3)^-3.
    assert wafer.die_yield(407, 0.0008, 3) == approx(0.734, abs=0.001)


def test_price_of_a_good_h100_class_die() -> None:
    # (17,000 USD / 60.0 dies + 0.03 x 814 of sort) / (0.734 x 0.98) = (283.4 + 24.4) / 0.719 = 428 USD.
    # Published guesses: 155-400 USD (siliconanalysts), at the wafer prices of 2022-2024.
    assert wafer.good_die_usd(NOMINAL, N4, 814) == approx((17_000 / 60.0 + 24.42) / (0.734 * 0.98), rel=2e-3)


def test_yield_tends_to_poisson_without_clustering() -> None:
    # alpha to infinity: exp(-0.651) = 0.5215.
    assert wafer.die_yield(814, 0.0008, 1e7) == approx(np.exp(-814 * 0.0008), rel=1e-6)


@given(area, st.floats(1e-5, 5e-3), st.floats(1, 10))
def test_yield_is_a_share_and_falls_with_area(mm2: float, d0: float, alpha: float) -> None:
    assert 0 < wafer.die_yield(mm2 * 1.1, d0, alpha) < wafer.die_yield(mm2, d0, alpha) < 1


@given(area)
def test_a_larger_die_costs_more_a_mm2(mm2: float) -> None:
    small, large = (wafer.good_die_usd(NOMINAL, N4, a) / a for a in (mm2, 1.1 * mm2))
    assert small < large * (1 + 1e-3) and wafer.dies_per_wafer(1.1 * mm2, 300, 3, 0.1) < wafer.dies_per_wafer(
        mm2, 300, 3, 0.1
    )


@given(area)
def test_dies_are_fewer_than_the_area_allows(mm2: float) -> None:
    assert wafer.dies_per_wafer(mm2, 300, 3, 0.1) * mm2 < np.pi * 147**2


def body_usd(kind: str, dies: int, mm2: float, stacks: int) -> float:
    """What the package itself costs: no silicon, no memory, no test, nothing lost."""
    row = table("packages").index(kind)
    whole = package.packaged_usd(NOMINAL, row, dies, 0.0, mm2, stacks, 0.0) - NOMINAL.column(
        "packages", "test", row
    )
    return float(whole * NOMINAL.column("packages", "bond_yield", row) ** (dies + stacks))


def test_packages_cost_what_is_published() -> None:
    # H100: 814 mm2 and 5 stacks, 600-900 USD (siliconanalysts): 200 + 0.36 x 814 + 5 x 50 = 743.
    assert 600 <= body_usd("cowos-s", 1, 814, 5) <= 900
    # B200: two dies of 800 mm2, 8 stacks, 1,000-1,300 (Epoch): 250 + 0.3 x 1600 + 400 = 1130.
    assert 1000 <= body_usd("cowos-l", 2, 1600, 8) <= 1300
    # MI300X: 1480 mm2 of base dies, 8 stacks, 900-1,600 (siliconanalysts): 200 + 533 + 400.
    assert 900 <= body_usd("cowos-s", 4, 1480, 8) <= 1600
    # A large organic package, 60-150 (recalled): 12 + 0.08 x 800 = 76.
    assert 60 <= body_usd("fcbga", 1, 800, 0) <= 150


def test_everything_on_the_package_must_bond() -> None:
    # cowos-l, 2 dies of 500 USD, 8 stacks of 360, 1130 of package: 5010 / 0.985^10 + 300 of test.
    row = table("packages").index("cowos-l")
    whole = package.packaged_usd(NOMINAL, row, 2, 1000.0, 1600.0, 8, 2880.0)
    assert whole == approx(5010 / 0.985**10 + 300)
    # Lost: 817 USD. Published for a B200: 900-1,100 (Epoch), at dearer memory.
    assert whole - 5310 == approx(817, abs=1)


@given(st.floats(0, 1e4), st.integers(1, 8), st.integers(0, 12))
def test_more_parts_cost_more_than_their_sum(dies_usd: float, dies: int, stacks: int) -> None:
    row = table("packages").index("cowos-s")
    one = package.packaged_usd(NOMINAL, row, dies, dies_usd, 800.0, stacks, 100.0 * stacks)
    more = package.packaged_usd(NOMINAL, row, dies, dies_usd, 800.0, stacks + 1, 100.0 * (stacks + 1))
    assert more > one + 100


def test_ranges_go_through_to_the_die() -> None:
    from sartor.tables import draws, high, low

    spread = wafer.good_die_usd(Technology(draws(200, 1)), N4, 814.0)
    assert spread.shape == (200,)
    ends = [wafer.good_die_usd(Technology(end), N4, 814.0) for end in (low, high)]
    assert spread.std() / spread.mean() > 0.05
    assert min(ends) < np.median(spread) < 2 * max(ends)
