"""What refresh, several streams and writes among reads leave of a DRAM's peak: closed forms over `dram_access.py`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from .dram_access import LONG, bank_clocks, chunk_clocks, commands, places, ways
from .dram_timings import Timings

REFRESHES = ("none", "all", "pb")
# Marks of the controller's write queue: it turns to writes above one and back to reads below the other.
WRITES_FROM, WRITES_TO = 0.8, 0.2
# Of the writes held where the queue spans two rows, those of the other row: read off the runs of the devices that these
# forms were made with (docs/validation.md), where half would be an even part.
OTHER_ROW = 0.45
# Two of the same kind, of streams: two have only each other to wait for, and a run of one goes on so much longer than
# its place in the queue (between 1, where rows are closed at once, and 2, where they are not: `_kept_open`); of each
# stream more, so much less of the time is lost to streams that stay in one bank group.
TWO_STREAMS, ONE_MORE = 1.2, 0.66


def entries(t: Timings, queue: Any) -> Any:
    """Pseudo channels share the queue of their channel."""
    return queue / t.pseudo_channels


def chunk_of(t: Timings, n_bytes: Any) -> Any:
    """Accesses of a chunk in one pseudo channel: neighbors go to each in turn."""
    return np.maximum(n_bytes / t.burst_bytes / t.pseudo_channels, 1.0)


def left_by_refresh(t: Timings, refresh: str, mapping: str = "bgil") -> Any:
    """Share of the time: all banks close, are refreshed and open again; or one bank closes, and what is asked
    meanwhile waits for its command."""
    if refresh == "none":
        return np.ones_like(t.burst, float)
    if refresh == "all":
        return 1 - (t.refresh + t.reopen + t.read_precharge) / t.refresh_interval
    stall = np.where(
        t.stacked > 1, t.pseudo_channels * (t.precharge + t.read_precharge) / t.stacked, t.precharge
    )
    met = t.groups * t.banks if mapping == "badrow" else 1  # only one bank is open
    return 1 - stall / met / t.bank_refresh_interval


def stream(t: Timings, mapping: str, queue: Any) -> Any:
    """Share of the peak that one sequential stream of reads gets, without refresh."""
    return _share(t, chunk_clocks(t, mapping, LONG, entries(t, queue), follows=True) / LONG)


def chunks(t: Timings, mapping: str, n_bytes: Any, queue: Any) -> Any:
    """The same of chunks of `n_bytes` at random places."""
    chunk = chunk_of(t, n_bytes)
    return _share(t, chunk_clocks(t, mapping, chunk, entries(t, queue)) / chunk)


def streams(t: Timings, mapping: str, n_bytes: Any, count: Any, queue: Any) -> Any:
    """The same of `count` sequential streams that take turns after `n_bytes`. One whose banks no other uses finds
    its rows open; the others find them closed, but the queue gathers the accesses of a row: up to twice a
    stream's share."""
    chunk, held = chunk_of(t, n_bytes), entries(t, queue)
    alone = (1 - 1 / places(t, mapping)) ** (count - 1)
    gathered = np.maximum(chunk, 2 * held / count * _longer(t, mapping, count, chunk < held))
    closed = chunk_clocks(t, mapping, gathered, held, at_once=gathered <= chunk) / gathered
    if mapping in ("page", "badrow"):
        # Of two, both are in the bank, and its rows take turns; of more, others go on.
        in_turn = bank_clocks(t, np.minimum(gathered, t.columns)) / gathered
        closed = np.where(count == 2, np.maximum(closed, in_turn), closed)
    return _share(t, alone * _open(t, mapping, chunk, count, held) + (1 - alone) * closed)


def _longer(t: Timings, mapping: str, count: Any, comes_in: Any) -> Any:
    """How much longer than a stream's share of the queue a run is, where rows stay open and its next turn comes in
    meanwhile: two streams have the queue in turn. More, bank by bank, have it less their own share while all are in one
    half of the round (a chance of `count` / 2 ^ (`count` - 1)): from the last one's bank to its next access there no
    other comes."""
    behind = count * np.exp2(1.0 - count) if mapping == "bank" else np.where(count == 2, 1.0, 0.0)
    kept = _kept_open(t) & comes_in
    return np.where(kept, 1 + behind / np.maximum(count - 1, 1), np.where(count == 2, TWO_STREAMS, 1.0))


def _kept_open(t: Timings) -> Any:
    """Whether commands of rows are what rows wait for: one is then not closed before its accesses are served."""
    return commands(t, 1.0, 0.0) > t.spacing


def _open(t: Timings, mapping: str, chunk: Any, count: Any, held: Any) -> Any:
    """Clocks of an access where rows stay open."""
    if mapping in ("bgil", "bank"):
        return chunk_clocks(t, mapping, LONG, held, follows=True) / LONG
    # Few streams: their bank groups are different ones, or not, for good.
    same = (t.same_group / t.burst - 1) / t.groups * ONE_MORE ** (count - 2.0) * (1 - 2.0 / count)
    two = chunk_clocks(t, "page", chunk, held, follows=True) / chunk
    more = chunk_clocks(t, "page", chunk, held) / chunk
    # While one of two waits for its next row, what the queue has of the other goes on: half of the wait is hidden.
    late = np.where(count == 2, np.maximum(t.reopen - held * t.burst, 0) / 2, 0) / t.columns
    return np.where(chunk < t.columns, t.burst * (1 + same) + late, np.where(count == 2, two, more))


def mixed(t: Timings, mapping: str, n_bytes: Any, writes: Any, queue: Any, accesses: Any = LONG) -> Any:
    """The same of a stream of reads and one of writes that take turns at random after `n_bytes`; `writes` is the share
    of those turns that write, strictly between 0 and 1. Both start in the same banks and are `accesses` long.

    Writes gather in their queue and go out in batches; each costs both turns of the bus and, where both streams are in
    the same banks, closing and opening rows twice."""
    # Of one pseudo channel; less than an access where single accesses go to each in turn.
    turn, size = n_bytes / t.burst_bytes / t.pseudo_channels, entries(t, queue)
    # A batch begins with the turn that fills the queue to its mark, and takes the turns that write right after it.
    batch = turn * (np.ceil((WRITES_FROM - WRITES_TO) * size / turn) + writes / (1 - writes))
    lost = _turns(t) + _met(t, mapping, turn, writes, accesses) * _reopened(t, mapping)
    if mapping in ("page", "badrow"):
        lost = lost + _one_group(t, size, turn, writes)
    reads = chunk_clocks(t, mapping, LONG, size, follows=True) / LONG
    slow = replace(t, same_group=t.same_group_write)
    slower = chunk_clocks(slow, mapping, LONG, size, follows=True) / LONG - reads
    # The next rows open while a batch goes out: once a batch, reads need not wait for them.
    ready = np.minimum(batch * (1 - writes) / writes, ways(t, mapping) * t.columns)
    return _share(t, reads + writes * slower + (lost - ready * (reads - t.burst)) / (batch / writes))


def _turns(t: Timings) -> Any:
    """Clocks beyond two accesses: from reads to writes and back."""
    return t.read_write - t.burst + t.write_latency + t.write_read


def _reopened(t: Timings, mapping: str) -> Any:
    """Clocks beyond the turns; the first bank can close while the others of a round are used."""
    round_ = t.burst * (ways(t, mapping) - 1)
    there = np.maximum(t.read_precharge - round_, 0) + t.precharge + t.act_write - t.read_write
    wrote = t.write_latency + t.burst
    back = np.maximum(wrote + t.write_recovery - round_, 0) + t.reopen - wrote - t.write_read
    return np.maximum(there, 0) + np.maximum(back, 0)


def _met(t: Timings, mapping: str, chunk: Any, writes: Any, accesses: Any) -> Any:
    """How often both streams are in the same banks: they part as one goes ahead, at equal rates by a random walk."""
    of, each = places(t, mapping), accesses / t.pseudo_channels
    apart = np.abs(1 - 2 * writes) * each + np.sqrt(each * chunk) * 2 * np.sqrt(writes * (1 - writes))
    together = ways(t, mapping) * t.columns / apart
    return np.where(of > 1, 1 / of + (1 - 1 / of) * together / (1 + together), 1.0)


def _one_group(t: Timings, size: Any, chunk: Any, writes: Any) -> Any:
    """Clocks of a batch of writes that lie in one row, for want of another bank group. Turns of whole rows start with
    a row: beside it the queue has what it kept of the row before, or, one time in so many, the row of the next turn."""
    held, batch = WRITES_FROM * size, (WRITES_FROM - WRITES_TO) * size
    two_rows = np.minimum(1.0, held / t.columns)
    any_part = np.maximum(batch - OTHER_ROW * two_rows * held, 0)
    whole = (1 - writes) * np.maximum(t.columns - WRITES_TO * size, 0)
    return np.where(chunk % t.columns == 0, whole, any_part) * (t.same_group_write - t.burst)


def _share(t: Timings, clocks: Any) -> Any:
    return np.minimum(t.burst / clocks, 1.0)
