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
from sartor.tech import dram, dram_mix, dram_refresh, dram_rounds, dram_streams
from sartor.tech.dram_access import LONG, MAPPINGS, bank_clocks, chunk_clocks
from sartor.tech.dram_timings import device, devices, of_memory
from sartor.tech.technology import NOMINAL, Technology

LPDDR5, HBM3, DDR5 = device("lpddr5-6400"), device("hbm3-6400"), device("ddr5-6400")
DEVICES, MAPPED = st.sampled_from(sorted(devices())), st.sampled_from(MAPPINGS)
QUEUES = st.sampled_from((8, 16, 32, 64, 128))


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


def test_banks_that_are_done_early_turn_one_after_another():
    # HBM3, bank by bank, three accesses of each: 6 clocks, as long as the next takes to open. Four are not seen by a
    # queue of 34, and the first bank waits for the last round.
    assert chunk_clocks(HBM3, "bank", 48.0, 32) == approx(96, rel=0.07)
    assert chunk_clocks(HBM3, "bank", 64.0, 32) > 128 + 30
    # Not where they come in turn with others'.
    assert chunk_clocks(HBM3, "bank", 48.0, 32, at_once=False) > 96 + 30


def test_each_bank_once_is_no_faster_than_a_bank():
    # GDDR7, sixteen banks one after another, one access each: activations take 16 x 4 clocks, but each bank 90.
    assert chunk_clocks(device("gddr7-28000"), "bank", 16.0, 64) == approx(90, rel=0.02)
    # A queue of eight, two of which have left, waits 154 clocks for every ten of LPDDR6.
    assert chunk_clocks(device("lpddr6-10667"), "bank", 16.0, 8) == approx(16 * 155 / 10, rel=0.02)


def test_turns_that_fill_the_queue_wait_for_their_rows():
    # HBM4 by pages, two streams, 12 places, 6 of a pseudo channel, turns of 16: the other's turn is not in the queue
    # while a row opens, 72 clocks, of which 6 x 2 are seen ahead. One time in sixteen they share a bank.
    hbm4 = device("hbm4-8000")
    opened = 2 + (72 - 12) / 32 + 2 / 16
    both = dram_streams.streams(hbm4, "page", 1024, 2, 12)
    assert both == approx(2 / opened, rel=0.15) and both < dram_streams.streams(hbm4, "page", 32, 2, 12)


def test_of_two_streams_one_goes_on_while_the_other_waits():
    # HBM4 at twice the rate, by pages: 66 + 78 clocks to the next row, 32 x 2 of them seen ahead; half of 80 for every
    # 32 accesses of 2 clocks; 6 % of the time they share a bank, which is slower.
    fast = device("hbm4-16000")
    both = dram_streams.streams(fast, "page", 64, 2, 64)
    assert both == approx(2 / (2 + 40 / 32), rel=0.08)
    assert dram_streams.streams(device("hbm2-2400"), "page", 64, 2, 64) > 0.9


def test_rows_that_are_shared_close_before_the_next_turn():
    # LPDDR6, bank groups interleaved, sixteen streams in four sets of banks: a row may close 14 clocks after its first
    # access, and 1.4 of the 10 between two fit into that, not the four that the queue has.
    slow = device("lpddr6-10667")
    shared = dram_streams.streams(slow, "bgil", 32, 16, 128)
    closed = chunk_clocks(slow, "bgil", 4 * 1.4, 128, at_once=False) / (4 * 1.4)
    assert shared == approx(6 / (0.75**15 * 6 + (1 - 0.75**15) * closed), rel=0.01)
    # Turns that bring four accesses of each row do not wait for their own.
    assert dram_streams.streams(slow, "bgil", 512, 16, 128) > 1.2 * shared


def test_while_one_stream_waits_the_others_go_on():
    # HBM4 at twice the rate, bank groups interleaved: 66 + 78 clocks to the next rows, 34 x 2 seen ahead of one stream,
    # of two twice that: of 76 idle clocks for 64 accesses 8 are left. One time in eight they share their banks.
    fast = device("hbm4-16000")
    assert dram_mix.stream(fast, "bgil", 64) == approx(128 / (128 + 76), rel=0.01)
    assert dram_streams.streams(fast, "bgil", 32, 2, 64) > 1.2 * dram_mix.stream(fast, "bgil", 64)


def test_a_turn_of_two_queues_leaves_the_others_no_place():
    t = device("hbm4-8000")
    turns = [dram_streams._open(t, "bgil", chunk, 2, 8.0, 0.9) for chunk in (4.0, 8.0, 12.0, 16.0)]
    alone = float(chunk_clocks(t, "bgil", LONG, 8.0, follows=True) / LONG)
    assert turns[0] == turns[1] < turns[2] < turns[3] == approx(alone)


def test_rows_are_opened_for_one_access_until_the_next_round_is_seen():
    """Of GDDR6, sixteen banks; by runs of Ramulator (seen so: 0.166, 0.168, 0.342, 0.690)."""
    t = device("gddr6-15000")
    # Four streams, 32 and 48 places: less than the 3.5 rounds of the others, and 12 clocks from row to row.
    once = [dram_streams.streams(t, "bank", 8 * 32, 4, queue) for queue in (32, 48)]
    assert once == approx([2 / 12] * 2, rel=0.1)
    # 64 and what comes in while a row opens, 33 / 12: twice its share of each stream is 2.09 of a row; 4.1 of 128.
    assert dram_streams.streams(t, "bank", 8 * 32, 4, 64) == approx(2 * 2.09 / 12, rel=0.05)
    assert dram_streams.streams(t, "bank", 8 * 32, 4, 128) == approx(0.69, rel=0.13)
    # However long the queue, the first read and three 4 apart fit into a row that may close after 12 clocks.
    short = replace(t, row_cycle=33.0 + 33 + 12)
    assert dram_rounds._again(short, 1.0, 4, 1e6) == approx(12 / 4, rel=0.01)
    # HBM2's rows wait for their commands and stay open so long: of three streams the third round is seen.
    assert dram_rounds._seen(device("hbm2-2400"), 3, 32) == 1 > dram_rounds._seen(HBM3, 3, 32)
    # Between, chance says: where streams start.
    seen = [dram_rounds._seen(t, 4, held) for held in (44, 54, 64)]
    assert seen[0] == 0 < seen[1] < 1 == seen[2]


def test_a_turn_is_no_round_where_it_fills_the_queue_or_rows_close_at_once():
    assert dram_rounds.in_rounds(HBM3, 8, 32) and not dram_rounds.in_rounds(HBM3, 32, 32)
    assert not dram_rounds.in_rounds(HBM3, 32, 64)
    # LPDDR6 closes a row 14 clocks after its first access, and two are 10 apart.
    assert not dram_rounds.in_rounds(device("lpddr6-10667"), 1, 64)


def test_rows_that_share_the_bus_of_accesses_leave_them_no_more_than_they_need():
    # LPDDR5, three streams: a row takes 3 commands and 4 clocks, in which the data bus has two accesses: 5 commands.
    assert dram_streams.streams(LPDDR5, "bank", 8 * 32, 3, 128) == approx(2 / 2.5)


@given(DEVICES, st.sampled_from(MAPPINGS), QUEUES, st.floats(32, 2**20))
def test_one_stream_takes_turns_with_nobody(name, mapping, queue, n_bytes):
    t = device(name)
    assert dram_streams.streams(t, mapping, n_bytes, 1, queue) == dram_mix.stream(t, mapping, queue)


def test_the_fullest_set_of_banks():
    streams, likely = dram_streams._fullest(16, 16)
    drawn = np.random.default_rng(1).multinomial(16, np.ones(16) / 16, 20_000).max(1)
    assert likely.sum() == approx(1) and (streams * likely).sum() == approx(drawn.mean(), rel=0.03)
    streams, likely = dram_streams._fullest(3, 16)
    assert likely[0] == approx(15 * 14 / 16**2, rel=0.06)


def test_the_fullest_set_bounds_a_queue_of_less_than_half_a_round():
    # HBM4 by pages, sixteen streams of two accesses, 8 places: a bank that three of them are in gathers 1.5 x 8 / 3 = 4
    # accesses of a row: 3 x 90 clocks for 64 accesses. A run of Ramulator has 0.265 without refresh.
    hbm4 = device("hbm4-8000")
    streams, likely = dram_streams._fullest(16, 16)
    run = np.maximum(1.5 * 8 / streams, 2)
    wait = (likely / (streams * bank_clocks(hbm4, run) / (16 * run)))[1:]  # one alone waits for nobody
    assert dram_streams._short(hbm4, "page", 2.0, 16.0, 8.0, 2.0) == approx(
        1 / (wait.sum() + likely[0] / 2), rel=0.05
    )
    three = 3 * 90 / (16 * 4)
    found, longer = (dram_streams._short(hbm4, "page", 2.0, 16.0, held, three) for held in (8.0, 15.0))
    assert three < found < 1.5 * three and three < longer < found
    assert dram_streams._short(hbm4, "page", 2.0, 16.0, 16.0, 1.0) == 1.0
    assert dram_streams.streams(hbm4, "page", 4 * 32, 16, 16) == approx(0.265, rel=0.15)


def test_a_turn_that_fills_the_queue_is_alone_in_its_bank_group():
    # HBM2 by pages, six streams, 16 places, turns of 16: 8 of a pseudo channel, as many as are held. One pair in four
    # is in one bank group, 2 clocks more each, but two of six only have each other. While a row opens (34 clocks,
    # longer than 8 x 4) the turn before it has 4 clocks an access: where the next is one that others closed. Each of 32
    # accesses waits for its next row, of which 8 x 2 are seen ahead.
    slow, alone = device("hbm2-2400"), (15 / 16) ** 5
    opened = 2 + 2 / 4 * (1 - 2 / 6) + 2 * (1 - alone) + (34 - 16) / 32
    assert dram_streams._open(slow, "page", 8.0, 6, 8.0, alone) == approx(opened, rel=1e-6)
    closed = chunk_clocks(slow, "page", 8.0, 8) / 8
    share = dram_streams.streams(slow, "page", 512, 6, 16)
    # The fullest bank has two of the six or more: a bound beside it, near by.
    assert 0.95 < share / (2 / (alone * opened + (1 - alone) * closed)) < 1


def test_turns_of_two_streams_in_the_same_banks_wait_for_rows():
    # HBM3, turns of 64, 32 of a pseudo channel: one time in four of the same four banks, which close 9 after the last
    # access, which was 3 x 2 after the first bank's, and open 57 later. The two have 1.2 x 32 in turn.
    turn = 1.2 * 32
    closed = (57 + 9 + (turn - 4) * 2) / turn
    share = dram_streams.streams(HBM3, "bgil", 64 * 32, 2, 64)
    assert share == approx(2 / (0.75 * 2 + 0.25 * closed), rel=0.01)


def test_streams_meet_one_by_one():
    # HBM3 by pages: (15 / 16)^15 = 38 % of sixteen streams have their bank alone and lose nothing; the queue gathers
    # 2 x 32 / 16 = 4 accesses of the others' rows.
    alone, closed = (15 / 16) ** 15, chunk_clocks(HBM3, "page", 4.0, 32) / 4
    assert dram_streams.streams(HBM3, "page", 32, 16, 64) == approx(
        2 / (alone * 2 + (1 - alone) * closed), rel=0.01
    )


def test_streams_in_one_half_of_the_round_by_hand():
    # HBM2 bank by bank: rows wait for their commands, 6 clocks each. Of four streams half lie in one half of the
    # round: those runs are 2 x 32 / 3 accesses long and not 16, over the same 16 rows.
    slow = device("hbm2-2400")
    assert dram_streams.streams(slow, "bank", 32, 4, 64) == approx(
        2 / (16 * 6 / ((16 + 64 / 3) / 2)), rel=0.02
    )
    # Of sixteen none do, and two always do: 64 accesses.
    assert dram_streams.streams(slow, "bank", 32, 16, 64) == approx(2 / 6, rel=0.02)
    assert dram_streams.streams(slow, "bank", 32, 2, 64) > 0.9
    # HBM3's rows wait for activations, 6 clocks: each is closed at once.
    assert dram_streams.streams(HBM3, "bank", 32, 4, 64) == approx(2 / 6, rel=0.02)


def test_streams_in_one_set_of_banks_are_as_those_of_a_round():
    # HBM2, bank groups interleaved: of sixteen streams four share each set of four banks; half of the time they are in
    # one half of its round, and the runs of 4 are a sixth longer.
    slow = device("hbm2-2400")
    assert dram_rounds.longer(slow, "bgil", 16, True) == approx(1 + 0.5 / 3)
    assert dram_rounds.longer(slow, "bgil", 6, True) == 1 and dram_rounds.longer(slow, "bgil", 2, True) == 2
    assert dram_streams.streams(slow, "bgil", 32, 16, 64) == approx(2 / (6 / (4 * 7 / 6 / 4)), rel=0.03)


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
