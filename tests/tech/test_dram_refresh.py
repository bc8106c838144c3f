"""Closed forms of DRAM: refresh, by hand and by law."""


import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from sartor.tech import dram_mix, dram_refresh
from sartor.tech.dram_timings import device
from tests.tech.drawn import DEVICES, HBM3, LPDDR5, QUEUES


def test_refresh_of_banks_that_a_stream_goes_over_in_the_same_order():
    # HBM4: two banks of 32 accesses of 2 clocks are done in 128 clocks, but the next bank is refreshed after 244. Half
    # of the time the other dies' banks are refreshed. It starts behind the first: 560 clocks, 244 of which go on.
    hbm4 = device("hbm4-8000")
    caught = (560 / 244 - 1) / 32
    left = dram_mix.left_to_stream(hbm4, "pb", "bgil", 0.97)
    assert left == approx(0.5 + 0.5 * 128 / 244 / 0.97 - caught)
    assert left < dram_mix.left_by_refresh(hbm4, "pb") == dram_mix.left_to_stream(hbm4, "pb", "page", 0.97)
    # HBM3 takes 256 clocks for four banks: refresh, every 195, goes ahead of it.
    assert dram_mix.left_to_stream(HBM3, "pb", "bgil", 1.0) == dram_mix.left_by_refresh(HBM3, "pb")


def test_a_visit_that_fills_the_queue_stands_until_the_bank_is_refreshed():
    """Of HBM3: 32 accesses of a row and 8 places of a pseudo channel; a bank has a sixteenth of all visits."""
    t, half = HBM3, lambda queue: 0.5
    # A bank is refreshed for 320 clocks every 195 while its die has its turn. A visit lasts 32 * 2 / 0.5 = 128 clocks:
    # the queue is full after a quarter of it, and one that is caught has more left than the queue holds 7 times of 8.
    comes, caught = (320 - 128 / 4 * 31 / 32) ** 2 / 2, (320 + 57) * 128 * 7 / 8
    stood = (comes + caught) / 195 / 128 / 16
    assert dram_refresh.left_by_held(t, "page", 64 * 32, 16, half) == approx(1 - (1 - 1 / (1 + stood)) / 2)


def test_held_accesses_leave_a_shorter_queue():
    """Of HBM2, single accesses over all banks, half as fast with half the queue: the longer a queue, the more go on."""
    t = device("hbm2-2400")
    held = [dram_refresh.left_by_held(t, "bank", 32, queue, lambda q: q / 64) for queue in (8, 64)]
    rate = 8 / 64 * 2 / 2
    met = rate / 2 / 16 * (193**2 / 2 + (193 + 34) * 193 / 2) / 147
    more = np.cumprod([1, *(met * (8 - k) / 8 / (k + 1) for k in range(8))])
    assert held[0] == approx(sum(m * (8 - k) / 8 for k, m in enumerate(more)) / sum(more))
    assert dram_refresh.left_by_held(t, "bank", 32, 64, lambda q: 0.9) > held[0]


def test_writes_to_a_bank_in_refresh_keep_the_bus_from_turning_back():
    """With 8 places the bus turns back when one write is left: two that are held stop all; with 64 hardly ever."""
    t, same = device("hbm2e-3600"), lambda queue: 0.5
    short, long = (dram_refresh.left_by_held(t, "bank", 0, queue, same, 1.0) for queue in (8, 64))
    reads = dram_refresh.left_by_held(t, "bank", 0, 8, same)
    assert short < 0.8 < 0.95 < reads and long > 0.99
    # Of half as many, half as many come.
    some = dram_refresh.left_by_held(t, "bank", 0, 8, same, 0.5)
    assert short < some < 1 and 1 / some - 1 < (1 / short - 1) / 2


def test_one_bank_is_refreshed_once_a_round():
    assert dram_refresh.left_to_one_bank(LPDDR5) == approx(1 - 112 / 391 / 16)
    assert dram_refresh.left_to_one_bank(HBM3) == approx(1 - 320 / 195 / 32)


@given(DEVICES, st.sampled_from(("page", "bgil", "bank")), QUEUES, st.floats(32, 2**20))
def test_refresh_of_banks_takes_a_part(name, mapping, queue, n_bytes):
    t = device(name)
    if t.bank_refresh_interval:
        left = dram_refresh.left_by_held(
            t, mapping, n_bytes, queue, lambda q: dram_mix.chunks(t, mapping, n_bytes, q)
        )
        assert 0 < left <= 1
