"""What the memory brings a core through its two FIFOs, and what it takes: in cycles of the core."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...tech import dram
from ...tech.technology import Technology
from . import sizing
from .cycles_control import RESPONSE_TO_WORD
from .design import Designs

ROUND_TRIP = 3 + RESPONSE_TO_WORD  # cycles beside the memory's: a word taken, its place asked for, its word
ASKED = 1  # words that are asked for beyond a FIFO's: the request in the arbiter's register
STORES_HELD = 4  # writes on their way to the memory: of the store queue, and of the registers around it


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
    rest_cycles: Any  # that a stream waits in the mean which begins when the memory may be resting

    @functools.cached_property
    def fill_cycles(self) -> Any:
        """Cycles that the memory is busy when no more weights are taken: room is left for what is not on its way
        yet, or, where all of it is, they come closer together than they did."""
        way = np.minimum(self.latency + ROUND_TRIP, self.weight_fifo_bytes / self.port_bytes)
        return self.weight_fifo_bytes / self.bytes_per_cycle - way

    @functools.cached_property
    def _byte_cycles(self) -> Any:
        """Cycles of a byte of the cache queue once its FIFO's room decides, beyond those that the memory takes."""
        return 1 / self.cache_bytes_per_cycle - 1 / self.most_bytes_per_cycle

    def from_empty(self, n_bytes: Any) -> Any:
        """Cycles in which the cache queue brings bytes, from the first word on: a FIFO's depth at the memory's rate."""
        return n_bytes / self.cache_bytes_per_cycle - np.minimum(n_bytes, self.cache_fifo_bytes) * self._byte_cycles

    def from_full(self, n_bytes: Any, before: Any, breaks: Any) -> Any:
        """The same where the memory has had `before` cycles to fill the FIFO: what is there goes a word a cycle, and
        the others follow it so. A break takes the memory's time; where the FIFO's room decides, it delays but one of
        the words on their way."""
        broken = breaks * self.break_cycles
        by_memory = n_bytes / self.most_bytes_per_cycle + broken
        by_room = n_bytes / self.cache_bytes_per_cycle + broken * self._cache_share
        ahead = np.minimum(np.minimum(self.cache_fifo_bytes / n_bytes, 1), before / by_memory)
        going = np.minimum(ahead * (n_bytes / self.port_bytes), self.latency + ROUND_TRIP)
        return going + (1 - ahead) * np.maximum(by_memory, by_room)

    @functools.cached_property
    def break_cycles(self) -> Any:
        """Of a jump of an address."""
        return self.break_bytes / self.most_bytes_per_cycle

    @functools.cached_property
    def _cache_share(self) -> Any:
        """Of the cache FIFO, one word."""
        return self.port_bytes / self.cache_fifo_bytes

    def store_waits(self, writes: Any) -> Any:
        """Cycles in which a pass waits for the memory to take its `writes`, none of which continues another."""
        each = (self.port_bytes + self.break_bytes) / self.most_bytes_per_cycle
        return np.maximum(writes - STORES_HELD, 0) * np.maximum(each - 1, 0)


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
    rests = 1 - timing.efficiency  # of the time; half of a rest is still to come
    return {
        "bytes_per_cycle": read(weights), "cache_bytes_per_cycle": read(cache), "most_bytes_per_cycle": most,
        "latency": timing.latency, "break_bytes": timing.break_bytes,
        "port_bytes": port, "weight_fifo_bytes": weights, "cache_fifo_bytes": cache,
        "rest_cycles": rests * rests * timing.refresh_interval / 2,
    }  # fmt: skip
