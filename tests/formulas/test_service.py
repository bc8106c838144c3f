"""Serving in closed form: exact where queueing theory is, and laws."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from sartor.formulas import service
from sartor.workload.traffic import WINDOWS, dispersion

load = st.floats(0.01, 0.97)
seconds = st.floats(1e-3, 100)
scv = st.floats(0, 20)


def same(dispersion: float) -> tuple[float, ...]:
    """At every window."""
    return (dispersion,) * len(WINDOWS)



def test_capacity_by_hand() -> None:
    # A request takes one prefill of 0.1 s and 200 steps of 20 ms that it shares with 7 others: 0.1 + 0.5 =
    # 0.6 s.
    assert service.capacity_per_s(0.1, 0.02, 200, 8, 1) == approx(1 / 0.6)
    # Two pipeline stages work on two requests at once.
    assert service.capacity_per_s(0.1, 0.02, 200, 8, 2) == approx(2 / 0.6)


def test_tpot_by_hand() -> None:
    # Prefill has a fifth of the time: four steps of 20 ms take 100 ms.
    assert service.tpot_s(0.02, 0.2) == approx(0.025)


def test_mm1_is_exact() -> None:
    # M/M/1, one job of 1 s, load 0.8: mean wait rho / (1 - rho) = 4 s. One server with slots is the same
    # queue: the power sqrt(2 (1 + 1)) - 1 = 1.
    assert service.queue_wait_s(0.8, 1.0, same(1.0), 1.0) == approx(4)
    assert service.slot_wait_s(0.8, 1, 1.0, same(1.0), 1.0) == approx(4)
    # P(wait > t) = rho exp(-(1 - rho) t): 5 % wait longer than ln(0.8 / 0.05) / 0.2 = 13.86 s.
    assert service.tail_s(4.0, 0.8, 95.0) == approx(math.log(16) / 0.2)
    # At load 0.04 fewer than 5 % wait at all.
    assert service.tail_s(0.04 / 0.96, 0.04, 95.0) == 0


def test_md1_is_half_of_mm1() -> None:
    # Pollaczek-Khinchine: with a constant service time the mean wait is half.
    assert service.queue_wait_s(0.8, 1.0, same(1.0), 0.0) == approx(2)


def erlang_c_wait(rho: float, servers: int) -> float:
    """Mean wait of M/M/c in service times, exact."""
    offered = rho * servers
    terms = [offered**k / math.factorial(k) for k in range(servers)]
    last = offered**servers / math.factorial(servers) / (1 - rho)
    return last / (sum(terms) + last) / (servers * (1 - rho))


def test_many_servers_are_near_erlang_c() -> None:
    # Sakasegawa's approximation against the exact mean: within 3 % at high load, where waits matter; below it
    # within 4 % of the time a slot is held, where the wait itself is no more than that for many slots.
    for servers in (1, 2, 4, 8, 16, 32):
        for rho in (0.9, 0.95):
            assert service.slot_wait_s(rho, servers, 1.0, same(1.0), 1.0) == approx(
                erlang_c_wait(rho, servers), rel=0.035
            )
        for rho in (0.3, 0.5, 0.7, 0.8):
            assert service.slot_wait_s(rho, servers, 1.0, same(1.0), 1.0) == approx(
                erlang_c_wait(rho, servers), abs=0.04
            )


def test_a_simulated_queue_of_bursts() -> None:
    """Lindley's recursion for one server with bursty arrivals (gamma gaps of scv 4): Kingman's bound is above
    the simulated wait and within a quarter of it at high load."""
    rng = np.random.default_rng(3)
    n, rho, arrival_scv = 200_000, 0.9, 4.0
    gaps = rng.gamma(1 / arrival_scv, arrival_scv / rho, n)
    work = rng.exponential(1.0, n)
    waits = waits_of(gaps, work)
    mean = service.queue_wait_s(rho, 1.0, same(arrival_scv), 1.0)
    assert waits.mean() <= mean <= 1.25 * waits.mean()


def waits_of(gaps: np.ndarray, work: np.ndarray) -> np.ndarray:
    """Lindley's recursion."""
    walk = np.concatenate([[0.0], np.cumsum(work[:-1] - gaps[1:])])
    return walk - np.minimum.accumulate(walk)


def test_busy_and_quiet_times_by_robust_queueing() -> None:
    """Arrivals at random, at a rate that is half as high or one and a half times as high for a thousand services each:
    in small windows nothing to be seen, but the queue grows all through the busy ones. The old formula, which sees the
    gaps alone, is a tenth of the simulated wait."""
    rng = np.random.default_rng(4)
    n, rho = 400_000, 0.8
    busy = np.repeat(rng.random(n // 1000) < 0.5, 1000)
    rate = np.where(busy, 1.5, 0.5)
    gaps = rng.exponential(1.0, n) / (rate / (1 / np.mean(1 / rate))) / rho
    work = rng.exponential(1.0, n)
    simulated = waits_of(gaps, work).mean()
    spread = dispersion(np.cumsum(gaps))
    assert spread[0] < 1.6 < 20 < spread[3]
    gaps_alone = service.queue_wait_s(rho, 1.0, same(gaps.var() / gaps.mean() ** 2), 1.0)
    assert gaps_alone < 0.15 * simulated
    assert service.queue_wait_s(rho, 1.0, spread, 1.0) == approx(simulated, rel=0.5)


def test_the_worst_window_by_hand() -> None:
    # At load 0.5 a window of n arrivals has idle time for n more: worst of sqrt(2 n (I + c2)) - n. I + c2 = 2 up to 23
    # arrivals: n = 1, 2 - 1 = 1. At 181 and beyond 400: the least n there, 181: sqrt(2 181 400) - 181 = 199.5.
    found = service.queue_wait_s(0.5, 1.0, (1.0, 1.0, 1.0, 399.0, 399.0), 1.0)
    assert found == approx(200, rel=0.01)


def test_bursts_leave_fewer_slots_free() -> None:
    # At 0.5 of 64 slots nobody waits; where 32 arrivals come in bursts of 16, it is as if there were 4 slots.
    calm = service.slot_wait_s(0.5, 64, 64.0, same(1.0), 1.0)
    bursts = service.slot_wait_s(0.5, 64, 64.0, same(16.0), 1.0)
    one = service.queue_wait_s(0.5, 1.0, same(16.0), 1.0)
    assert calm < 0.01 and bursts == approx(one * 0.5 ** (10**0.5 - 2))


@given(load, seconds, scv, scv)
def test_waits_grow_with_load_and_bursts(
    rho: float, service_s: float, arrivals: float, services: float
) -> None:
    wait = service.queue_wait_s(rho, service_s, same(arrivals), services)
    assert 0 <= wait <= service.queue_wait_s(rho + 0.02, service_s, same(arrivals), services)
    assert wait <= service.queue_wait_s(rho, service_s, same(arrivals + 1), services)


@given(load, st.integers(1, 256), seconds, scv)
def test_more_slots_of_the_same_load_never_wait_longer(
    rho: float, slots: int, holding: float, arrivals: float
) -> None:
    one, two = (service.slot_wait_s(rho, s, holding, same(arrivals), 1.0) for s in (slots, slots + 1))
    assert two <= one * (1 + 1e-12)


@given(seconds, load, st.floats(50, 98))
def test_a_higher_percentile_never_waits_less(mean: float, rho: float, percentile: float) -> None:
    assert 0 <= service.tail_s(mean, rho, percentile) <= service.tail_s(mean, rho, percentile + 1)
