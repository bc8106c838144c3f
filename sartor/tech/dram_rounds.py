"""Sequential streams that take turns bank by bank: all have a row in every bank, and go round in the same order.

With a queue too short to see a stream's next round, each row is opened for one access. Where it sees it, what waits for
a bank at once makes room for more, and rows are opened for two accesses at least. Both go on by themselves.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .dram_access import HARD, IN_FLIGHT, bank_clocks, chunk_clocks, commands, norm, places
from .dram_timings import Timings

# Two figures read off runs, as `dram_access.py` says. Two streams have only each other to wait for, and a run of one
# goes on so much longer than its place in the queue (between 1, where rows are closed at once, and 2, where they are
# not: `kept_open`). Over so much of a round chance, where streams start, says whether the next round is seen.
TWO_STREAMS, CHANCE = 1.2, 0.6


def in_rounds(t: Timings, chunk: float, held: float) -> bool:
    """Whether rows are opened as this file says: a turn is not longer than two rounds, and does not fill the queue; a
    row stays open for two accesses more."""
    return bool(chunk < min(held, 2 * t.groups * t.banks) and window(t) >= 2 * t.same_group)


def round_clocks(t: Timings, chunk: float, count: float, held: float) -> Any:
    """Of an access."""
    banks = t.groups * t.banks
    more = np.where(kept_open(t), longer(t, "bank", count, chunk < held), 1.0)  # by chance
    few = np.maximum(chunk, np.minimum(2 * held / count, banks) * more)
    once = chunk_clocks(t, "bank", few, held, at_once=few <= chunk) / few
    seen = _seen(t, count, held)
    return 1 / (seen / _again(t, chunk, count, held) + (1 - seen) / once)


def by_chance(t: Timings, chunk: float, count: float, held: float) -> bool:
    """Whether where streams start may say if the next round is seen."""
    return in_rounds(t, chunk, held) and bool(0 < _seen(t, count, held) < 1)


def longer(t: Timings, mapping: str, count: Any, comes_in: Any) -> Any:
    """How much longer than a stream's share of the queue a run is, where rows stay open and its next turn comes in
    meanwhile: two streams have the queue in turn. More, in the same set of banks, have it less their own share while
    all are in one half of the round (a chance of n / 2 ^ (n - 1)): from the last one's bank to its next access there
    no other comes."""
    each = np.where(count == 2, 2.0, count / places(t, mapping))
    behind = np.where(each >= 2, each * np.exp2(1.0 - each), 0.0)
    kept = kept_open(t) & comes_in
    return np.where(kept, 1 + behind / np.maximum(each - 1, 1), np.where(count == 2, TWO_STREAMS, 1.0))


def window(t: Timings) -> Any:
    """Clocks from a row's first access until it may close for one that came before the next."""
    return np.maximum(t.row_cycle - t.precharge - t.act_read, t.read_precharge)


def kept_open(t: Timings) -> Any:
    """Whether commands of rows are what rows wait for: one is then not closed before its accesses are served."""
    return commands(t, 1.0, 0.0) > t.spacing


def _row(t: Timings) -> Any:
    """Clocks from one row's opening to the next: older accesses go first, so rows are opened whenever they may be."""
    return np.maximum(t.spacing, commands(t, 1.0, 0.0))


def _seen(t: Timings, count: float, held: float) -> Any:
    """How likely a stream's next round is seen while its row is open: in the time that the others' rows have the bank,
    an access comes in for each row that is opened anywhere, twice as many where none waits. Rows that are kept open
    wait for it."""
    banks = t.groups * t.banks
    comes = 2 * (1 - 1 / count) * t.row_cycle / _row(t) + CHANCE * banks * kept_open(t)
    return np.clip((held + comes - count * banks) / (CHANCE * banks) + 0.5, 0, 1)


def _again(t: Timings, chunk: float, count: float, held: float) -> Any:
    """Clocks of an access where it is seen. The queue has emptied of a stream when its row closes, so it gathers twice
    its share, and what comes in while the row opens; reads that fit into the row's time limit it."""
    banks, row = t.groups * t.banks, _row(t)
    gathered = 2 * (held + t.act_read / row) / count / banks * longer(t, "bank", count, chunk < held)
    fit = np.where(kept_open(t), np.inf, 1 + np.floor(window(t) / t.same_group))
    run = np.maximum(np.maximum((gathered**-2 + fit**-2) ** -0.5, 2), chunk / banks)
    # Reads of the same command bus come after rows: no more of them than rows leave time for on the data bus.
    read = np.minimum(run, np.maximum(np.maximum(row / t.burst, 2), chunk / banks))
    clocks = norm(
        HARD, t.burst, row / run, bank_clocks(t, run) / (banks * run), t.reopen / (held + IN_FLIGHT)
    )
    return np.maximum(clocks, commands(t, 1.0, read) / read)
