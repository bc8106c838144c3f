"""Money: by hand, and laws."""

from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from sartor.formulas import economics
from sartor.formulas.economics import YEAR_S
from sartor.formulas.phase import OperatorTime, Phase

usd = st.floats(0, 1e9)


def test_annuity_by_hand() -> None:
    # 1000 USD at 10 % over 4 years: 1000 x 0.1 x 1.4641 / 0.4641 = 315.47 a year.
    assert economics.annuity_per_s(1000, 0.10, 4 * YEAR_S) * YEAR_S == approx(315.47, abs=0.01)


@given(st.floats(1, 1e9), st.floats(0.01, 0.5), st.integers(1, 10))
def test_an_annuity_repays_the_principal(principal: float, rate: float, years: int) -> None:
    paid = economics.annuity_per_s(principal, rate, years * YEAR_S) * YEAR_S
    owed = principal
    for _ in range(years):
        owed = owed * (1 + rate) - paid
    assert owed == approx(0, abs=1e-6 * principal)


def test_nre_by_hand() -> None:
    # 271 MUSD of design x 0.35 + 12 x 1.5 of masks + 4 + 5 + 10 = 131.85 MUSD.
    assert economics.nre_usd(271e6, 0.35, 12e6, 1.5, 4e6, 5e6, 10e6) == approx(131.85e6)


def test_a_server_by_hand() -> None:
    # 8 chips of 5,000 USD: 40,000 x 1.7 x 1.12 = 76,160 USD with server and network.
    assert economics.capital_usd(40_000, 1.7, 0.12) == approx(76_160)
    # A year: 5 % of it, 4 kW x 1.2 x 8766 h x 0.085 USD, 6 kW x 12 months x 130 USD.
    year = (
        economics.running_usd_per_s(76_160, 0.05, 4000, 1.2, 0.085 / 3.6e6, 6000, 0.13 / (YEAR_S / 12))
        * YEAR_S
    )
    assert year == approx(76_160 * 0.05 + 4 * 1.2 * 8766 * 0.085 + 6 * 12 * 130)


def test_published_cost_of_an_h100_hour() -> None:
    # 8 x H100 at 280,000 USD, 10.2 kW, 4 years at 10 %, 130 USD a kW and month: 1.70 USD a GPU and hour
    # (our cost survey; SemiAnalysis index of October 2025: 1.70), staff and PUE of 1.0 left out there.
    capital = economics.annuity_per_s(280_000, 0.10, 4 * YEAR_S)
    running = economics.running_usd_per_s(
        280_000, 0.0, 10_200, 1.2, 0.085 / 3.6e6, 10_200, 0.13 / (YEAR_S / 12)
    )
    assert (capital + running) / 8 * 3600 == approx(1.70, rel=0.05)


def test_dollars_per_million_tokens_by_hand() -> None:
    # 3.6 USD an hour is 0.001 USD a second; at 500 tokens a second a million takes 2000 s: 2 USD.
    assert economics.usd_per_mtoken(3.6 / 3600, 500) == approx(2)


@given(usd, usd, st.floats(1, 1e6))
def test_money_adds_up_and_grows(chips: float, more: float, power: float) -> None:
    def year(c: float, w: float) -> float:
        capital = economics.capital_usd(c, 1.7, 0.12)
        return economics.annuity_per_s(capital, 0.1, 4 * YEAR_S) + economics.running_usd_per_s(
            capital, 0.05, w, 1.2, 2e-8, w, 5e-8
        )

    assert year(chips, power) <= year(chips + more, power) <= year(chips + more, 2 * power)


def test_a_phase_adds_up_its_operators() -> None:
    phase = Phase(keep=True)
    phase.add(OperatorTime("a", 3.0, 1.0, 2.0, 0.5, 0.1, 100.0, 7.0), chips=4)
    phase.add(OperatorTime("b", 2.0, 2.0, 1.0, 0.5, 0.1, 10.0, 7.0), chips=4)
    assert (phase.latency_s, phase.dram_bytes) == (5.0, 440.0)
    assert [op.bound for op in phase.operators] == ["memory", "compute"]
    phase.energy_j = {"compute": 1.0, "memory": 2.5}
    assert phase.dynamic_j == 3.5
