"""What accesses that wait for a bank in refresh take from the others: the places of a DRAM's queue that they hold.

By Little's law: visits to a bank come at a known rate; those that find it in refresh, or that one catches, hold their
places until it ends, and leave a shorter queue to the others. The fewer go on, the fewer come to be held: how many are
held is as with lines of a telephone exchange, where so many come as leave.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .dram_access import ways
from .dram_mix import WRITES_TO, chunk_of
from .dram_timings import Timings

STEPS = 8  # of a queue that fills


def left_by_held(
    t: Timings, mapping: str, n_bytes: float, queue: float, got: Callable[[float], Any], writes: float = 0.0
) -> Any:
    """Share of `got(queue)` that is left with banks refreshed one by one; of chunks of `n_bytes`, 0 of a stream.

    `got` is the share of the peak by places of the queue, `writes` the share of the visits that write.
    """
    whole = got(queue)
    run, rate = _run(t, mapping, n_bytes), whole * t.pseudo_channels / t.burst
    held = run * (t.pseudo_channels if t.stacked > 1 else 1.0)  # pseudo channels are refreshed together, or in turn
    visits = rate / (t.pseudo_channels * run * t.groups * t.banks)  # to a bank in a clock
    met = visits * _wait(t, mapping, run, held / queue, rate)
    step = np.maximum(held, queue / STEPS)
    left = [np.minimum(got(queue - k * step) / whole, 1) for k in range(int(np.ceil(queue / step)))]
    now = _mean(met * (1 - writes) * held / step, left)
    if writes:
        # The bus turns back to reads when fewer writes are left than that.
        most = int(np.ceil(np.maximum(WRITES_TO * queue, 1) / held))
        now = now * _mean(met * writes, [1.0] * most)
    return 1 - (1 - now) / t.stacked


def left_to_one_bank(t: Timings) -> Any:
    """The same of a stream in the rows of one bank, which has its turn after all others."""
    turns = t.stacked if t.stacked > 1 else t.pseudo_channels
    return 1 - t.bank_refresh / t.bank_refresh_interval / (t.groups * t.banks * turns)


def _run(t: Timings, mapping: str, n_bytes: float) -> Any:
    """Accesses of a visit to one bank of a pseudo channel."""
    if not n_bytes:
        return 1.0 if mapping == "bank" else t.columns
    return np.clip(chunk_of(t, n_bytes) / ways(t, mapping), 1.0, t.columns)


def _wait(t: Timings, mapping: str, run: Any, part: Any, rate: Any) -> Any:
    """Clocks that a visit to a bank, which takes `part` of the queue, is held by refresh in the mean, while dies have
    their turn."""
    lasts = run * ways(t, mapping) * t.pseudo_channels / rate
    full = np.minimum(1 / part, 1.0)
    # One that comes holds its places once they are filled; one that is caught, what is left of it, and opens again.
    comes = np.maximum(t.bank_refresh - lasts * full * (1 - 1 / run), 0) ** 2 / 2
    caught = (t.bank_refresh + t.reopen) * np.minimum(lasts, t.bank_refresh) * (1 - full / 2)
    return (comes + caught) / t.bank_refresh_interval


def _mean(held: Any, speeds: list[Any]) -> Any:
    """Of the speeds with 0, 1, 2 ... visits held, and of none with more; `held` are so many at full speed."""
    chance, total, mean = 1.0, 0.0, 0.0
    for k, speed in enumerate([*speeds, 0.0]):
        total, mean = total + chance, mean + chance * speed
        chance = chance * held * speed / (k + 1)
    return mean / total
