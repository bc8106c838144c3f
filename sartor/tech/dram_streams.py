"""Several sequential streams that take turns in one channel of a DRAM: closed forms over `dram_access.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from .dram_access import LONG, bank_clocks, chunk_clocks, commands, places, ways
from .dram_mix import chunk_of, entries, share
from .dram_timings import Timings

# Two figures read off runs, as `dram_access.py` says. Two streams have only each other to wait for, and a run of one
# goes on so much longer than its place in the queue (between 1, where rows are closed at once, and 2, where they are
# not: `_kept_open`); of each stream more, so much less of the time is lost to streams that stay in one bank group.
TWO_STREAMS, ONE_MORE = 1.2, 0.66


def streams(t: Timings, mapping: str, n_bytes: Any, count: Any, queue: Any) -> Any:
    """Share of the peak that `count` sequential streams get together, which take turns after `n_bytes`. One whose
    banks no other uses finds its rows open; the others find them closed, but the queue gathers the accesses of a row:
    up to twice a stream's share."""
    chunk, held = chunk_of(t, n_bytes), entries(t, queue)
    alone = (1 - 1 / places(t, mapping)) ** (count - 1)
    gathered = _gathered(t, mapping, chunk, count, held)
    closed = chunk_clocks(t, mapping, gathered, held, at_once=gathered <= chunk) / gathered
    if mapping in ("page", "badrow"):
        # Of two, both are in the bank, and its rows take turns; of more, others go on.
        in_turn = bank_clocks(t, np.minimum(gathered, t.columns)) / gathered
        closed = np.where(count == 2, np.maximum(closed, in_turn), closed)
    if mapping == "bgil":
        in_turn = (t.reopen + t.read_precharge + (gathered - t.groups) * t.burst) / gathered
        # Where the queue has no others, it waits when the next turn is in the same banks.
        next_one = np.where(chunk >= held, 1 / places(t, mapping) / np.maximum(1 - alone, 1e-9), 0)
        closed = closed + next_one * np.maximum(in_turn - closed, 0)
    return share(t, alone * _open(t, mapping, chunk, count, held, alone) + (1 - alone) * closed)


def _gathered(t: Timings, mapping: str, chunk: Any, count: Any, held: Any) -> Any:
    """Accesses of a run. Where all banks are shared, a row stays open only until it may close for those that came
    before: of a turn's own accesses none did."""
    share = 2 * held / count * _longer(t, mapping, count, chunk < held)
    # Less than half a round beyond the first finds no row open while streams are in step. They are, or are not, by
    # chance: half of it. Pseudo channels that share a queue are not.
    once = np.where((mapping == "bank") & (t.pseudo_channels == 1), ways(t, mapping), share)
    share = np.where((share > once) & (share < 1.5 * once), (share + once) / 2, share)
    runs = np.maximum(chunk, share)
    lasts = ways(t, mapping) * np.maximum(_window(t) / t.same_group, 1)
    shared = count > np.maximum(places(t, mapping), 2)
    return np.where(shared, np.minimum(runs, np.maximum(lasts, chunk)), runs)


def _longer(t: Timings, mapping: str, count: Any, comes_in: Any) -> Any:
    """How much longer than a stream's share of the queue a run is, where rows stay open and its next turn comes in
    meanwhile: two streams have the queue in turn. More, bank by bank, have it less their own share while all are in one
    half of the round (a chance of `count` / 2 ^ (`count` - 1)): from the last one's bank to its next access there no
    other comes."""
    behind = count * np.exp2(1.0 - count) if mapping == "bank" else np.where(count == 2, 1.0, 0.0)
    kept = _kept_open(t) & comes_in
    return np.where(kept, 1 + behind / np.maximum(count - 1, 1), np.where(count == 2, TWO_STREAMS, 1.0))


def _window(t: Timings) -> Any:
    """Clocks from a row's first access until it may close for one that came before the next."""
    return np.maximum(t.row_cycle - t.precharge - t.act_read, t.read_precharge)


def _kept_open(t: Timings) -> Any:
    """Whether commands of rows are what rows wait for: one is then not closed before its accesses are served."""
    return commands(t, 1.0, 0.0) > t.spacing


def _open(t: Timings, mapping: str, chunk: Any, count: Any, held: Any, alone: Any) -> Any:
    """Clocks of an access where rows stay open."""
    if mapping in ("bgil", "bank"):
        # While one waits for its rows, the others go on until the queue is full of its accesses; a turn as long as two
        # queues leaves them no place.
        others = (count - 1) * np.clip(2 * held - chunk, 0, held)
        return chunk_clocks(t, mapping, LONG, held + others, follows=True) / LONG
    short = _within_rows(t, chunk, count, held, alone)
    two = chunk_clocks(t, "page", chunk, held, follows=True) / chunk
    more = chunk_clocks(t, "page", chunk, held) / chunk
    return np.where(chunk < t.columns, short, np.where(count == 2, two, more))


def _within_rows(t: Timings, chunk: Any, count: Any, held: Any, alone: Any) -> Any:
    """The same by pages, of turns shorter than a row."""
    # Few streams: their bank groups are different ones, or not, for good.
    others = np.where(chunk < held, ONE_MORE ** (count - 2.0), 1.0)  # go on, if the queue has them
    same = (t.same_group / t.burst - 1) / t.groups * others * (1 - 2.0 / count)
    # While one waits for its next row, what the queue has of the others goes on, of one other for half of the wait;
    # nothing does while a turn fills the queue.
    waits = np.where(chunk >= held, 1.0, np.where(count == 2, 0.5, 0.0))
    late = waits * np.maximum(t.reopen - held * t.burst, 0) / t.columns
    short = t.burst * (1 + same) + late
    # A turn that fills the queue is alone in its bank group while the row of the next one opens.
    lonely = t.burst + (t.same_group - t.burst) * (1 - alone) * np.minimum(
        t.reopen / (t.same_group * chunk), 1
    )
    return short + np.where(chunk >= held, lonely - t.burst, 0)
