"""What the memory brings a core through its two FIFOs, and what it takes: in cycles of the core."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...tech import dram
from ...tech.technology import Technology
from . import sizing
from .cycles_control import DECODE, ISSUE, PRODUCT, RESPONSE_TO_WORD
from .design import Designs

ROUND_TRIP = 3 + RESPONSE_TO_WORD  # cycles beside the memory's: a word taken, its place asked for, its word
TAKES = DECODE + ISSUE + PRODUCT  # cycles of a matrix as long as the cache, until it takes a word
ASKED = 1  # words that are asked for beyond a FIFO's: the request in the arbiter's register


@dataclass(frozen=True)
class MemoryStream:
    """One core's, floats or arrays [designs]."""

    bytes_per_cycle: Any  # of weights, sequential
    cache_bytes_per_cycle: Any  # of the cache queue, whose FIFO is smaller
    most_bytes_per_cycle: Any  # of the memory, had the FIFOs room
    latency: Any  # cycles from a request to its word
    break_bytes: Any  # bytes' time that a jump of an address costs
    port_bytes: Any
    weight_fifo_bytes: Any
    cache_fifo_bytes: Any
    rest: Any  # cycles in which the memory gives and takes nothing
    rest_every: Any  # from one to the next

    @functools.cached_property
    def fill_cycles(self) -> Any:
        """Cycles that the memory is busy when no more weights are taken: room is left for what is not on its way
        yet, or, where all of it is, they come closer together than they did."""
        way = np.minimum(self.latency + ROUND_TRIP, self.weight_fifo_bytes / self.port_bytes)
        return self.weight_fifo_bytes / self.bytes_per_cycle - way

    @functools.cached_property
    def _wave_gap(self) -> Any:
        """Cycles from the last word of a full cache FIFO to the next one, if the room for it was free with the first:
        none where the FIFO holds all that is on its way."""
        return self.cache_fifo_bytes / self.cache_bytes_per_cycle - self.cache_fifo_bytes / self.most_bytes_per_cycle

    @functools.cached_property
    def _early(self) -> Any:
        """From the start of a matrix until the first of its words may come, if the memory shall not stop for want of
        room before the matrix takes one."""
        held = self.cache_fifo_bytes / self.most_bytes_per_cycle
        return np.minimum(self.latency + ROUND_TRIP - held, 0) + TAKES

    def from_empty(self, n_bytes: Any, wait: Any) -> Any:
        """Cycles from the start of a matrix until the cache queue has brought its words, wave after wave of a FIFO's
        depth; the first of them comes after `wait`, below 0 before the matrix begins."""
        wait = np.where(n_bytes > self.cache_fifo_bytes, np.maximum(wait, self._early), wait)
        waves = np.floor(n_bytes / self.cache_fifo_bytes)
        return wait + (n_bytes / self.most_bytes_per_cycle + waves * self._wave_gap)

    def from_full(self, taken: Any, n_bytes: Any, last_bytes: Any, runs: Any, before: Any, tail: Any) -> Any:
        """Cycles of a matrix that takes `taken` once all is there, whose words the memory has been bringing for
        `before` cycles: `n_bytes` in all, the last of them in `runs` of an address each. It stops when the FIFO is
        full; what there was no room for is asked for when the matrix begins. From the last word on it takes `tail`
        more."""
        broken, fifos = runs * self.break_cycles, last_bytes / self.cache_fifo_bytes
        left = np.maximum(1 - 1 / fifos, 0)  # the share that finds no room
        gaps = np.maximum(np.floor(fifos) - 1, 0) * self._wave_gap
        by_room = left * (last_bytes / self.most_bytes_per_cycle) + np.maximum(left * broken, gaps)
        taken = np.maximum(taken, (left > 0) * self._way + by_room + tail)
        # One rest of the memory, if there is one, costs what is left of it after the time to spare.
        by_memory = n_bytes / self.most_bytes_per_cycle + (broken + self.break_cycles)
        spare = before - by_memory * (1 - self.resting) - tail
        rested = np.minimum(by_memory / self.rest_every, 1) * np.maximum(self.rest - spare - taken, 0)
        return np.maximum(taken + rested, by_memory - before + tail)

    @functools.cached_property
    def _way(self) -> Any:
        """From the start of a matrix to the words that it made room for, of a memory that may be resting."""
        return self.latency + (TAKES + ROUND_TRIP + self.rest_cycles)

    @functools.cached_property
    def resting(self) -> Any:
        """Share of the time."""
        return self.rest / self.rest_every

    @functools.cached_property
    def rest_cycles(self) -> Any:
        """Of the rest in which a request may find the memory, in the mean: half of one is still to come."""
        return self.resting * self.rest / 2

    @functools.cached_property
    def break_cycles(self) -> Any:
        """Of a jump of an address."""
        return self.break_bytes / self.most_bytes_per_cycle

    @functools.cached_property
    def jump_cycles(self) -> Any:
        """The same of a memory that never rests."""
        return self.break_cycles * (1 - self.resting)

    @functools.cached_property
    def word_cycles(self) -> Any:
        """Of a word, of a memory that never rests."""
        return self.port_bytes / self.most_bytes_per_cycle * (1 - self.resting)


@dataclass(frozen=True)
class Timing:
    """A memory as a core sees it; times in the core's cycles."""

    efficiency: Any  # share of the peak that sequential reads get
    latency: Any
    break_bytes: Any
    refresh_interval: Any


def streams(tech: Technology, d: Designs, port: Any) -> dict[str, Any]:
    """The fields of MemoryStream for designs with ports of `port` bytes."""
    latency = tech.column("memories", "latency", d.memory) * d.clock_hz
    interval = dram.refresh_cycle_s(tech, d.memory) * d.clock_hz
    efficiency, broken = dram.stream_bytes_per_s(tech, d.memory, 1.0), dram.break_bytes(tech, d.memory)
    return through(Timing(efficiency, latency, broken, interval), d, port)


def through(timing: Timing, d: Designs, port: Any) -> dict[str, Any]:
    """The same on a memory whose timing is given."""
    weight_words, cache_words = sizing.fifo_words(d.fifo_bytes, port)
    way = timing.latency + ROUND_TRIP
    most = np.minimum(timing.efficiency * d.bandwidth_bytes_per_s / (d.cores * d.clock_hz), port)

    def read(held: Any) -> Any:
        """Bytes a cycle through a FIFO. One shallower than the way to memory and back cannot keep the stream going."""
        # The words come close together, and then none: of a refresh that falls there nobody sees the beginning.
        idle = np.maximum(way - held / most, 0)
        seen = np.maximum(1 - timing.efficiency - idle * idle / (2 * way * timing.refresh_interval), 0)
        return np.minimum(most, held * (1 - seen) / way)

    weights, cache = (weight_words + ASKED) * port, (cache_words + ASKED) * port
    rests = 1 - timing.efficiency  # of the time
    return {
        "bytes_per_cycle": read(weights), "cache_bytes_per_cycle": read(cache), "most_bytes_per_cycle": most,
        "latency": timing.latency, "break_bytes": timing.break_bytes,
        "port_bytes": port, "weight_fifo_bytes": weights, "cache_fifo_bytes": cache,
        "rest": rests * timing.refresh_interval, "rest_every": timing.refresh_interval,
    }  # fmt: skip
