"""Closed forms of DRAM: cases by hand, and what holds whatever the pattern."""

import csv
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from sartor.errors import InputError, UnknownName
from sartor.tables import KINDS, data_text, draws, table
from sartor.tech import dram, dram_mix, dram_streams
from sartor.tech.dram_access import LONG, chunk_clocks
from sartor.tech.dram_timings import device, devices, of_memory
from sartor.tech.technology import NOMINAL, Technology
from tests.tech.drawn import DDR5, DEVICES, HBM3, LPDDR5, MAPPED, QUEUES


def test_refresh_by_hand():
    # LPDDR5: 224 clocks of refresh, 15 to close, 15 to open, 8 before closing, of 3,125.
    assert dram_mix.left_by_refresh(LPDDR5, "all") == approx(1 - 262 / 3125)
    # A bank at a time: one closes in 15 clocks, every 391.
    assert dram_mix.left_by_refresh(LPDDR5, "pb") == approx(1 - 15 / 391)
    assert dram_mix.left_by_refresh(LPDDR5, "none") == 1


def test_single_accesses_are_as_fast_as_rows_open():
    # HBM3: five activations in 24 clocks, an access of 2 clocks each: a third, and a little less for banks met again.
    assert dram_mix.chunks(HBM3, "bgil", 32, 64) == approx(1 / 3, rel=0.05)
    # LPDDR5: four commands on one bus for each access of 2 clocks, and 16 clocks for five activations.
    assert dram_mix.chunks(LPDDR5, "page", 32, 64) == approx(1 / 2, rel=0.03)


def test_one_bank_after_the_other_is_a_row_s_whole_time():
    # Open 15, 63 accesses 4 apart, 8 before closing, close 15: 290 clocks for 64 accesses of 2.
    assert chunk_clocks(LPDDR5, "badrow", 64.0, 64, follows=True) == approx(290)
    assert dram_mix.stream(LPDDR5, "badrow", 64) == approx(128 / 290)


def test_a_short_queue_waits_for_the_next_rows():
    # HBM3, bank groups interleaved: sets of 4 x 32 accesses of 2 clocks; 57 to open the next, of which (8 + 2) x 2
    # are seen ahead with 8 accesses a pseudo channel.
    assert dram_mix.stream(HBM3, "bgil", 16) == approx(256 / (256 + 57 - 20), rel=0.01)
    assert dram_mix.stream(HBM3, "bgil", 128) == approx(1, rel=0.01)


def test_turns_of_the_bus_by_hand():
    # LPDDR5, half writes, far apart and turns of one: 39 writes fill the queue from one mark to the other, one more
    # follows; as many reads. Lost: 12 - 2 clocks from reads to writes, 9 + 5 back; a fourth of the time rows are closed
    # and opened: 8 - 6 + 15 + 15 - 12 = 20 more there, 28 + 30 - 5 - 6 = 47 back.
    lost = 24 + (20 + 47) / 4
    assert dram_mix.mixed(LPDDR5, "bgil", 32, 0.5, 64, accesses=1e12) == approx(
        2 / (2 + lost / (40 / 0.5)), rel=0.001
    )


def test_batches_of_writes_by_hand():
    # Turns of 16: three fill 38.4 places, and half the time another follows: 48 + 16. Bank by bank, where both streams
    # are in all banks: closing can begin while the others of a round are read, but not before the bus turns; there
    # 0 + 15 + 15 - 12 = 18, back 39 - 30 + 30 - 11 - 5 = 23. The 64 reads that follow have their rows open.
    stream = 2 / dram_mix.stream(LPDDR5, "bank", 64)
    lost = 24 + 18 + 23 - 64 * (stream - 2)
    assert dram_mix.mixed(LPDDR5, "bank", 512, 0.5, 64) == approx(2 / (stream + lost / (64 / 0.5)), rel=1e-6)


def test_turns_of_whole_rows_lie_in_one_bank_group():
    # Turns of a row, 64: beside it lie 12.8 of the row before, so 51.2 of a batch wait for their bank group, 2 clocks
    # each, unless another turn follows. Turns of half a row leave two rows in the queue more often.
    gap = [1 / dram_mix.mixed(LPDDR5, "page", n, 0.1, 64, accesses=1e12) for n in (2048, 1024)]
    assert gap[0] > gap[1]


def test_chunks_at_random_sets_of_banks_by_hand():
    # HBM3, 16 accesses, 8 of a pseudo channel in two of each of four banks: such a set is taken for 57 + 9 + 16 clocks.
    # The queue has (32 + 2) / 8 + 1 chunks, in 4 x (1 - (3 / 4) ^ 5.25) = 3.1 of the four sets.
    assert chunk_clocks(HBM3, "bgil", 8.0, 32) == approx(82 / 3.1, rel=0.08)
    # A chunk that the queue does not hold is alone in it: one time in four the next is in the same banks, and what is
    # seen ahead, 10 accesses, does not hide its 57 clocks.
    assert chunk_clocks(HBM3, "bgil", 32.0, 8) == approx(64 + 57 - 20 + (66 - 8) / 4, rel=0.01)


def test_a_chunk_that_is_no_whole_row_is_in_two():
    # LPDDR5 by pages: 48 accesses at a multiple of 48 are in one row of 64, or 32 and 16, or 16 and 32, or in one: one
    # row and a half of 32 in the mean, of which one is in any bank and the others follow.
    slow = replace(LPDDR5, columns=32.0)  # a chunk of 32 is a whole row
    any_bank, follows = (float(chunk_clocks(slow, "page", 32.0, 64, follows=so)) for so in (False, True))
    assert chunk_clocks(LPDDR5, "page", 48.0, 64) == approx(any_bank + follows / 2, rel=1e-6)
    # 128 are two whole rows, and the next chunk starts in another bank group than the second.
    assert chunk_clocks(LPDDR5, "page", 128.0, 64) == approx(256, rel=0.01)


def test_few_writes_leave_banks_open():
    # HBM4 bank by bank, 64 places, half writes, turns of one: a batch is (39 + 1) / 2 writes over all of 16 banks. With
    # 16 places it is (10 + 1) / 2 of them, and a third of 27 and 75 clocks for closing and opening would be lost; but
    # ten held open those 5.5 rows no faster than 52 / 10 and 72 / 10 clocks each, 2 of which are the access's.
    lost = 25 - 2 + 10 + 9 + 5.5 * (52 / 10 - 2) + 5.5 * (72 / 10 - 2)
    assert 5.5 * (72 / 10 - 2) > 75 * 5.5 / 16 and 5.5 * (52 / 10 - 2) > 27 * 5.5 / 16
    hbm4 = device("hbm4-8000")
    stream = 2 / dram_mix.stream(hbm4, "bank", 16)
    # Eight places see a fourth of a row ahead: so much of the 5.5 reads that follow have their rows open.
    clocks = stream + (lost - 5.5 / 4 * (stream - 2)) / 11
    assert dram_mix.mixed(hbm4, "bank", 32, 0.5, 16) == approx(2 / clocks, rel=1e-6)


def test_short_rows_in_a_short_queue_open_side_by_side():
    # HBM3 by pages, single accesses: eight of a pseudo channel held, two that left and the next are in
    # 16 x (1 - (15 / 16)^11) = 8.1 of 16 banks, each of which takes 72 clocks.
    assert chunk_clocks(HBM3, "page", 1.0, 8) == approx(72 / 8.1, rel=0.02)
    # Where bank groups interleave, an access is of one bank too, not of a set of four: met again one time in 16.
    assert chunk_clocks(HBM3, "bgil", 1.0, 8) == approx(72 / 8.1, rel=0.1)


def test_writes_of_one_bank_group_are_slow_in_ddr5():
    # A row of 64 writes takes its bank group 64 clocks each; 66 entries see 42 of the next row's meanwhile, so 22 are
    # left to its own time, of 64 clocks for 8 of the bus.
    long = dram_mix.mixed(DDR5, "page", 64 * 64 * 4096, 1 - 1e-3, 64, accesses=1e12)
    assert 8 / long == approx(22 * 64 / 64, rel=0.05)
    even = replace(DDR5, same_group_write=DDR5.same_group)
    assert dram_mix.mixed(even, "page", 64 * 64 * 4096, 1 - 1e-3, 64, accesses=1e12) == approx(1, rel=0.02)


def test_a_batch_over_several_rows_goes_over_their_bank_groups():
    # DDR5 by pages, turns of one: 205 writes of 256 places lie in 3.2 rows of 64, in as many bank groups: 0.9 x 3.2 /
    # 4.2 of them are beside the fullest one, which has 14 of the 154 that go out; in one row all but a few would wait.
    alone = dram_mix._one_group(DDR5, 256.0, 1.0, 0.5, 0.0)
    assert alone == approx((153.6 - 0.45 * 6.4 / 4.2 * 204.8) * 56, rel=1e-6)
    assert dram_mix._one_group(DDR5, 16.0, 1.0, 0.5, 0.0) == approx((9.6 - 0.45 * 0.2 * 12.8) * 56)
    # In so short a queue they wait as a stream does: those clocks are not lost twice.
    assert dram_mix._one_group(DDR5, 16.0, 1.0, 0.5, 500.0) == approx(
        (9.6 - 0.45 * 0.2 * 12.8) * 56 - 500 * 0.8**3
    )
    assert dram_mix._one_group(DDR5, 80.0, 1.0, 0.5, 500.0) == dram_mix._one_group(DDR5, 80.0, 1.0, 0.5, 0.0)


@given(DEVICES, MAPPED, QUEUES, st.floats(32, 2**20))
def test_a_share_is_a_share(name, mapping, queue, n_bytes):
    t = device(name)
    shares = [dram_mix.stream(t, mapping, queue), dram_mix.chunks(t, mapping, n_bytes, queue),
              dram_streams.streams(t, mapping, n_bytes, 4, queue),
              dram_mix.mixed(t, mapping, n_bytes, 0.3, queue)]  # fmt: skip
    assert all(0 < share <= 1 for share in shares)


@given(DEVICES, MAPPED, st.floats(32, 2**20))
def test_a_longer_queue_never_hurts_a_stream(name, mapping, n_bytes):
    t, queues = device(name), np.array([8.0, 16, 32, 64, 128])
    assert (np.diff(dram_mix.stream(t, mapping, queues)) >= -1e-9).all()


@given(DEVICES, MAPPED, QUEUES)
def test_slower_rows_are_never_faster(name, mapping, queue):
    t = device(name)
    slow = replace(
        t,
        act_read=t.act_read * 2,
        precharge=t.precharge * 2,
        four_act=t.four_act * 2,
        row_cycle=t.row_cycle * 2,
    )
    for n_bytes in (32.0, 512.0, 8192.0):
        before = dram_mix.chunks(t, mapping, n_bytes, queue)
        assert dram_mix.chunks(slow, mapping, n_bytes, queue) <= before * (1 + 1e-9)


@given(st.lists(st.floats(32, 2**20), min_size=1, max_size=5), DEVICES, MAPPED)
def test_arrays_are_rows_of_floats(sizes, name, mapping):
    t = device(name)
    together = dram_mix.chunks(t, mapping, np.array(sizes), 64)
    assert together == approx([float(dram_mix.chunks(t, mapping, size, 64)) for size in sizes])


def test_a_device_at_another_rate_keeps_its_times():
    slow = device("HBM3-3200")
    assert slow.peak_bytes_per_s == approx(HBM3.peak_bytes_per_s / 2)
    assert slow.refresh * slow.clock_s == approx(HBM3.refresh * HBM3.clock_s)
    assert slow.same_group == HBM3.same_group
    for name in ("HBM9-1000", "HBM3", "HBM3-fast"):
        with pytest.raises(UnknownName, match="DRAM device"):
            device(name)


def test_times_are_whole_clocks():
    # LPDDR5X: 5 ns between activations, tRRD, are 5.3 clocks at 8,533 MT/s: six. At 10,667 they are 6.7: seven, and
    # not six of the slower device and a fourth, eight.
    assert device("lpddr5x-8533").act_act == 6 and device("lpddr5x-10667").act_act == 7
    whole = [getattr(t, name) for t in devices().values() for name in ("row_cycle", "four_act", "refresh")]
    assert all(clocks == int(clocks) for clocks in whole)


def test_accesses_of_a_bank_group_are_so_long_apart_in_ddr():
    # tCCD_L is 5 ns in DDR5: 8 clocks of 1.25 GHz, no fewer than a burst; 16 at 3.2 GHz. HBM's is two accesses.
    assert device("ddr5-3200").same_group == 8 and device("ddr5-7200").same_group == 18
    assert device("ddr4-2666").same_group == 7 and device("hbm3-9000").same_group == 4


def test_a_memory_without_timings_is_not_taken_to_be_perfect(monkeypatch):
    known = {kind: timings for kind, timings in of_memory().items() if kind != "lpddr5x"}
    monkeypatch.setattr(dram, "of_memory", lambda: known)
    with pytest.raises(InputError, match=r"memories.csv: lpddr5x has no timings.* a row of dram.csv whose memory"):
        dram.stream_bytes_per_s(Technology(), table("memories").index("lpddr5x"), 1e9)


def test_every_memory_of_the_table_has_timings():
    assert set(of_memory()) == set(table("memories").items) - {"sram"}
    for kind, t in of_memory().items():
        peak = table("memories").fact(kind, "bandwidth").value
        channels = peak / float(t.peak_bytes_per_s)
        assert channels == approx(round(channels), rel=0.15) and channels > 0.9, (
            kind
        )  # GDDR6 at 14, not 16 Gb/s


def test_every_device_says_where_it_is_from():
    for row in csv.DictReader(data_text("dram.csv").splitlines()):
        assert (
            row["kind"] in KINDS and len(row["source"]) > 5 and re.fullmatch(r"20\d\d-[01]\d", row["date"])
        ), row["device"]


def test_what_estimates_take():
    kinds = np.arange(len(table("memories").items))
    shares = dram.stream_bytes_per_s(NOMINAL, kinds, 1.0)
    assert ((shares > 0.8) & (shares <= 1)).all()
    drawn = dram.stream_bytes_per_s(Technology(draws(50, 1)), kinds, 1.0)
    assert drawn.shape == (len(kinds), 50) and np.std(drawn[0]) > 0.005
    assert dram.break_bytes(NOMINAL, table("memories").index("sram")) == 1


def test_pages_on_many_channels_lose():
    # Striping a page over channels leaves each a shorter piece.
    shares = [float(dram.page_share("hbm3", 32 * 1024, channels)) for channels in (1, 4, 16, 64)]
    assert shares == sorted(shares, reverse=True) and shares[0] > 0.88 and shares[-1] < 0.6


def test_a_stream_without_end_is_one_chunk():
    assert chunk_clocks(LPDDR5, "bgil", LONG, 64, follows=True) / LONG == approx(2, rel=1e-3)
