"""Off-chip memory: what of its peak a pattern gets, and what a byte costs in energy, area and dollars.

The shares of the peak follow from the timings of a device of each kind (`dram_timings.py`), for the controller that
the estimate, the harness of the RTL and every report assume: bank groups interleaved, all banks refreshed at once, a
queue of 64 accesses.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import InputError
from ..tables import table
from . import dram_mix
from .dram_timings import Timings, of_memory
from .technology import Technology, rows_of

MAPPING, REFRESH, QUEUE = "bgil", "all", 64
SRAM = "sram"  # the memory that needs no timings
CHUNK_BYTES = 4096.0  # of a core's piece of the cache in one channel, for which a jump is priced


def stream_bytes_per_s(tech: Technology, kind: Any, peak_bytes_per_s: Any) -> Any:
    """Sequential reads (weights): peak less refresh, and rows that open late."""
    return peak_bytes_per_s * rows_of(tech.once(("dram", "stream"), lambda: _every(tech, _stream, 1.0)), kind)


def break_bytes(tech: Technology, kind: Any) -> Any:
    """Bytes that the stream would bring while a jump of the address costs: of chunks of `CHUNK_BYTES`."""
    return rows_of(tech.once(("dram", "break"), lambda: _every(tech, _break, 1.0)), kind)


def chunk_efficiency(tech: Technology, kind: Any, chunk_bytes: Any) -> Any:
    """Share of the sequential rate that random contiguous chunks (cache pages) get as the estimate prices them:
    c / (c + what a jump costs). `page_share` says it without that short cut."""
    return chunk_bytes / (chunk_bytes + break_bytes(tech, kind))


def page_share(kind: str, page_bytes: Any, channels: Any = 1) -> Any:
    """Share of the peak of memory `kind` that pages of the KV cache at random places get, each in equal parts on so
    many channels.

    A page of 32 KiB is read at full speed from one channel of HBM3, but not from sixteen.
    >>> [float(page_share("hbm3", 32768, channels).round(2)) for channels in (1, 16)]
    [0.9, 0.72]
    """
    timings = of_memory()[kind]
    share = dram_mix.chunks(timings, MAPPING, page_bytes / channels, QUEUE)
    return share * dram_mix.left_by_refresh(timings, REFRESH)


def access_j_per_byte(tech: Technology, kind: Any) -> Any:
    """Device, PHY and controller together."""
    return tech.column("memories", "energy", kind)


def refresh_interval_s(kind: str) -> float | None:
    """From one refresh to the next; None of a memory that needs none."""
    timings = of_memory().get(kind)
    return None if timings is None else float(timings.refresh_interval * timings.clock_s)


def refresh_cycle_s(tech: Technology, kind: Any) -> Any:
    """The same of many memories; a second where there is none, which is nothing to a core."""
    return rows_of(tech.once(("dram", "refresh"), lambda: _every(tech, _interval, 1.0)), kind)


def _interval(timings: Timings) -> Any:
    return timings.refresh_interval * timings.clock_s


def _stream(timings: Timings) -> Any:
    return dram_mix.stream(timings, MAPPING, QUEUE) * dram_mix.left_by_refresh(timings, REFRESH)


def _break(timings: Timings) -> Any:
    t = timings
    piece = np.minimum(
        CHUNK_BYTES, t.groups * t.columns * t.burst_bytes * t.pseudo_channels
    )  # of one set of rows
    whole, pieces = dram_mix.stream(t, MAPPING, QUEUE), dram_mix.chunks(t, MAPPING, piece, QUEUE)
    return piece * np.maximum(whole / pieces - 1, 0)


def _every(tech: Technology, figure: Any, none: float) -> np.ndarray:
    """`figure` of the device of each memory, `none` of SRAM, which has no timings; times the model's error of that
    kind."""
    known = of_memory()
    without = [item for item in table("memories").items if item not in known and item != SRAM]
    if without:
        raise InputError(
            f"memories.csv: {without[0]} has no timings, without which its rate would be its peak (try a row of "
            f"dram.csv whose memory is {without[0]}: those of a memory like it)"
        )
    found = [float(figure(known[item])) if item in known else none for item in table("memories").items]
    error = tech.whole("memories", "timing_error")
    return (np.array(found).reshape(-1, *[1] * (error.ndim - 1)) * error).astype(tech.dtype)
