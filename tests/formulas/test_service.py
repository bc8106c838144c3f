"""Serving in closed form: exact where queueing theory is, and laws."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from sartor.formulas import service

load = st.floats(0.01, 0.97)
seconds = st.floats(1e-3, 100)
scv = st.floats(0, 20)


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
    assert service.queue_wait_s(0.8, 1.0, 1.0, 1.0) == approx(4)
    assert service.slot_wait_s(0.8, 1, 1.0, 1.0, 1.0) == approx(4)
    # P(wait > t) = rho exp(-(1 - rho) t): 5 % wait longer than ln(0.8 / 0.05) / 0.2 = 13.86 s.
    assert service.tail_s(4.0, 0.8, 95.0) == approx(math.log(16) / 0.2)
    # At load 0.04 fewer than 5 % wait at all.
    assert service.tail_s(0.04 / 0.96, 0.04, 95.0) == 0


def test_md1_is_half_of_mm1() -> None:
    # Pollaczek-Khinchine: with a constant service time the mean wait is half.
    assert service.queue_wait_s(0.8, 1.0, 1.0, 0.0) == approx(2)


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
            assert service.slot_wait_s(rho, servers, 1.0, 1.0, 1.0) == approx(
                erlang_c_wait(rho, servers), rel=0.035
            )
        for rho in (0.3, 0.5, 0.7, 0.8):
            assert service.slot_wait_s(rho, servers, 1.0, 1.0, 1.0) == approx(
                erlang_c_wait(rho, servers), abs=0.04
            )


def test_a_simulated_queue_of_bursts() -> None:
    """Lindley's recursion for one server with bursty arrivals (gamma gaps of scv 4): Kingman's bound is above
    the simulated wait and within a quarter of it at high load."""
    rng = np.random.default_rng(3)
    n, rho, arrival_scv = 200_000, 0.9, 4.0
    gaps = rng.gamma(1 / arrival_scv, arrival_scv / rho, n)
    work = rng.exponential(1.0, n)
    walk = np.concatenate([[0.0], np.cumsum(work[:-1] - gaps[1:])])
    waits = walk - np.minimum.accumulate(walk)
    mean = service.queue_wait_s(rho, 1.0, arrival_scv, 1.0)
    assert waits.mean() <= mean <= 1.25 * waits.mean()


@given(load, seconds, scv, scv)
def test_waits_grow_with_load_and_bursts(
    rho: float, service_s: float, arrivals: float, services: float
) -> None:
    wait = service.queue_wait_s(rho, service_s, arrivals, services)
    assert 0 <= wait <= service.queue_wait_s(rho + 0.02, service_s, arrivals, services)
    assert wait <= service.queue_wait_s(rho, service_s, arrivals + 1, services)


@given(load, st.integers(1, 256), seconds, scv)
def test_more_slots_of_the_same_load_never_wait_longer(
    rho: float, slots: int, holding: float, arrivals: float
) -> None:
    one, two = (service.slot_wait_s(rho, s, holding, arrivals, 1.0) for s in (slots, slots + 1))
    assert two <= one * (1 + 1e-12)


@given(seconds, load, st.floats(50, 98))
def test_a_higher_percentile_never_waits_less(mean: float, rho: float, percentile: float) -> None:
    assert 0 <= service.tail_s(mean, rho, percentile) <= service.tail_s(mean, rho, percentile + 1)
