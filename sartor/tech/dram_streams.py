"""Several sequential streams that take turns in one channel of a DRAM: closed forms over `dram_access.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import pdtr

from .dram_access import HARD, LONG, bank_clocks, chunk_clocks, norm, places, ways
from .dram_mix import chunk_of, entries, share, stream
from .dram_rounds import in_rounds, longer, round_clocks, window
from .dram_timings import Timings

# Three figures read off runs, as `dram_access.py` says. Of each stream more than two, so much less of the time is lost
# to streams that stay in one bank group; in a queue shorter than this part of a round, the streams of the fullest set
# of banks gather so many times their share.
ONE_MORE, SHORT, FULLEST = 0.66, 0.5, 1.5


def streams(t: Timings, mapping: str, n_bytes: float, count: float, queue: float) -> Any:
    """Share of the peak that `count` sequential streams get together, which take turns after `n_bytes`. One whose
    banks no other uses finds its rows open; the others find them closed, but the queue gathers the accesses of a row:
    up to twice a stream's share. One alone is that of `dram_mix.stream`."""
    if count == 1:
        return stream(t, mapping, queue)
    chunk, held = chunk_of(t, n_bytes), entries(t, queue)
    if mapping == "bank" and in_rounds(t, chunk, held):
        return share(t, round_clocks(t, chunk, count, held))
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
    clocks = alone * _open(t, mapping, chunk, count, held, alone) + (1 - alone) * closed
    return share(t, _short(t, mapping, chunk, count, held, clocks) if mapping in ("page", "bgil") else clocks)


def _fullest(count: float, of: float) -> tuple[np.ndarray, np.ndarray]:
    """Streams in the set of banks that has most of them, and how likely that is: by Poisson in each of `of` sets."""
    mean = count / of
    streams = np.arange(1, int(mean + 8 * np.sqrt(mean) + 8))
    return streams, np.diff(pdtr(streams, mean) ** of, prepend=0.0)


def _short(t: Timings, mapping: str, chunk: float, count: float, held: float, clocks: Any) -> Any:
    """Clocks of an access where the queue sees less than half a round of all: the fullest set of banks, each stream's
    row in its turn, bounds them. The places that its accesses fill are gathered."""
    if count == 2 or held >= SHORT * count * chunk:
        return clocks
    banks = ways(t, mapping)
    streams, likely = _fullest(count, places(t, mapping))
    run = np.clip(FULLEST * held / streams, chunk, np.maximum(banks * t.columns, chunk))
    row = bank_clocks(t, np.clip(run / banks, 1, t.columns)) * np.minimum(run / banks, 1)
    bound = np.where(streams > 1, streams * row / (count * run), 0)
    return 1 / np.sum(likely / norm(HARD, clocks, bound))


def _gathered(t: Timings, mapping: str, chunk: Any, count: Any, held: Any) -> Any:
    """Accesses of a run. Where all banks are shared, a row stays open only until it may close for those that came
    before: of a turn's own accesses none did."""
    runs = np.maximum(chunk, 2 * held / count * longer(t, mapping, count, chunk < held))
    lasts = ways(t, mapping) * np.maximum(window(t) / t.same_group, 1)
    shared = count > np.maximum(places(t, mapping), 2)
    return np.where(shared, np.minimum(runs, np.maximum(lasts, chunk)), runs)


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
