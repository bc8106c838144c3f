"""What refresh and writes among reads leave of a DRAM's peak: closed forms over `dram_access.py`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from .dram_access import IN_FLIGHT, LONG, RAMP, chunk_clocks, places, ways
from .dram_timings import Timings

# Marks of the controller's write queue, as Ramulator has them: it turns to writes above one and back to reads below the
# other.
WRITES_FROM, WRITES_TO = 0.8, 0.2
# Of the writes held where the queue spans two rows, those of the other row: read off runs (docs/validation-method.md),
# where half would be an even part; of more rows, as much more.
OTHER_ROW = 0.45


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
    met = t.groups * t.banks if mapping == "badrow" else 1  # only one bank is open
    return 1 - t.precharge / met / t.bank_refresh_interval


def left_to_stream(t: Timings, refresh: str, mapping: str, got: Any) -> Any:
    """The same of a stream that gets so much of the peak. Where dies take turns to be refreshed and bank groups are
    interleaved, it goes over the banks in the order of their refresh: behind one it waits for each, once for all of
    its time."""
    left = left_by_refresh(t, refresh, mapping)
    if refresh != "pb" or mapping != "bgil":
        return left
    behind = ways(t, mapping) * t.columns * t.burst / t.bank_refresh_interval
    caught = (t.bank_refresh / t.bank_refresh_interval - 1) / (t.groups * t.banks * t.stacked)
    slow = 1 - np.maximum(1 - behind / got, 0) / t.stacked - np.maximum(caught, 0)
    return np.where((t.stacked > 1) & (behind < got), np.minimum(left, slow), left)


def stream(t: Timings, mapping: str, queue: Any) -> Any:
    """Share of the peak that one sequential stream of reads gets, without refresh."""
    return share(t, chunk_clocks(t, mapping, LONG, entries(t, queue), follows=True) / LONG)


def chunks(t: Timings, mapping: str, n_bytes: Any, queue: Any) -> Any:
    """The same of chunks of `n_bytes` at random places."""
    chunk = chunk_of(t, n_bytes)
    return share(t, chunk_clocks(t, mapping, chunk, entries(t, queue)) / chunk)


def mixed(t: Timings, mapping: str, n_bytes: Any, writes: Any, queue: Any, accesses: Any = LONG) -> Any:
    """The same of a stream of reads and one of writes that take turns at random after `n_bytes`; `writes` is the share
    of those turns that write, strictly between 0 and 1. Both start in the same banks and are `accesses` long.

    Writes gather in their queue and go out in batches; each costs both turns of the bus and, where both streams are in
    the same banks, closing and opening rows twice."""
    # Of one pseudo channel; less than an access where single accesses go to each in turn.
    turn, size = n_bytes / t.burst_bytes / t.pseudo_channels, entries(t, queue)
    # A batch begins with the turn that fills the queue to its mark, and takes the turns that write right after it.
    batch = turn * (np.ceil((WRITES_FROM - WRITES_TO) * size / turn) + writes / (1 - writes))
    back = batch * (1 - writes) / writes  # reads until the next
    lost = _turns(t) + _met(t, mapping, turn, writes, accesses) * _reopened(t, mapping, back, batch, size)
    reads = chunk_clocks(t, mapping, LONG, size, follows=True) / LONG
    slow = replace(t, same_group=t.same_group_write)
    slower = chunk_clocks(slow, mapping, LONG, size, follows=True) / LONG - reads
    if mapping in ("page", "badrow"):
        lost = lost + _one_group(t, size, turn, writes, batch * (reads + slower - t.burst))
    # The next rows that the queue has are open when a batch has gone out: once a batch, reads need not wait for them.
    ready = np.minimum(back, ways(t, mapping) * t.columns) * np.minimum(size / t.columns, 1)
    return share(t, reads + writes * slower + (lost - ready * (reads - t.burst)) / (batch / writes))


def _turns(t: Timings) -> Any:
    """Clocks beyond two accesses: from reads to writes and back."""
    return t.read_write - t.burst + t.write_latency + t.write_read


def _reopened(t: Timings, mapping: str, reads: Any, batch: Any, size: Any) -> Any:
    """Clocks beyond the turns; the first bank can close while the others of a round are used. Fewer reads or writes
    than a round has banks leave the others open."""
    round_ = t.burst * (ways(t, mapping) - 1)
    there = np.maximum(t.read_precharge - round_, 0) + t.precharge + t.act_write - t.read_write
    wrote = t.write_latency + t.burst
    back = np.maximum(wrote + t.write_recovery - round_, 0) + t.reopen - wrote - t.write_read
    # Both open late what the queue does not see, where rows and accesses share the command bus.
    late = t.shared_bus * RAMP * np.maximum(ways(t, mapping) * t.spacing - size * t.burst, 0)
    read, written = (np.minimum(n / ways(t, mapping), 1) for n in (reads, batch))
    # A queue that does not hold a round opens the rows that both use a few at a time.
    both, held = np.minimum(np.minimum(reads, batch), ways(t, mapping)), size + IN_FLIGHT
    wait = both * ((t.precharge + t.act_write) / held - t.burst)
    there = np.maximum(read * (np.maximum(there, 0) + late), wait)
    return there + np.maximum(written * (np.maximum(back, 0) + late), both * (t.reopen / held - t.burst))


def _met(t: Timings, mapping: str, chunk: Any, writes: Any, accesses: Any) -> Any:
    """How often both streams are in the same banks: they part as one goes ahead, at equal rates by a random walk."""
    of, each = places(t, mapping), accesses / t.pseudo_channels
    apart = np.abs(1 - 2 * writes) * each + np.sqrt(each * chunk) * 2 * np.sqrt(writes * (1 - writes))
    together = ways(t, mapping) * t.columns / apart
    return np.where(of > 1, 1 / of + (1 - 1 / of) * together / (1 + together), 1.0)


def _one_group(t: Timings, size: Any, chunk: Any, writes: Any, waits: Any) -> Any:
    """Clocks of a batch of writes that lie in one row, for want of another bank group. Turns of whole rows start with
    a row: beside it the queue has what it kept of the row before, or, one time in so many, the row of the next turn.
    What the batch `waits` as part of a stream is among them, as far as the queue is in one row (reads, batch, next)."""
    held, batch = WRITES_FROM * size, (WRITES_FROM - WRITES_TO) * size
    rows = held / t.columns
    others = OTHER_ROW * np.where(rows < 1, rows, 2 * rows / (1 + rows))
    any_part = np.maximum(batch - others * held, 0)
    whole = (1 - writes) * np.maximum(t.columns - WRITES_TO * size, 0)
    alone = np.where(chunk % t.columns == 0, whole, any_part) * (t.same_group_write - t.burst)
    return np.maximum(alone - waits * np.maximum(1 - rows, 0) ** 3, 0)


def share(t: Timings, clocks: Any) -> Any:
    """Of the peak, from clocks of an access."""
    return np.minimum(t.burst / clocks, 1.0)
