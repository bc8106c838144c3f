"""Closed forms of DRAM: streams that take turns, by hand and by law."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from sartor.tech import dram_mix, dram_rounds, dram_streams
from sartor.tech.dram_access import LONG, MAPPINGS, bank_clocks, chunk_clocks
from sartor.tech.dram_timings import device
from tests.tech.drawn import DEVICES, HBM3, LPDDR5, QUEUES


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
