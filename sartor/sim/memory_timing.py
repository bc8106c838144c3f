"""The memory of a chip as one core sees it: rate, rests and waits in cycles of the core."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ..chip.spec import Chip
from ..errors import InputError
from ..tables import table
from ..tech import dram
from ..tech.technology import NOMINAL, Technology

_DENOMINATOR = 1000  # of bytes a cycle: far finer than any data sheet


@dataclass(frozen=True)
class MemoryTiming:
    """One channel. Times in cycles of the core."""

    bytes_per_cycle: Fraction  # peak
    efficiency: float = 1.0  # share of the peak that sequential reads get: the rest is refresh
    break_bytes: int = 0  # bytes' time that an access loses which does not continue its source's last one
    latency: int = 20  # cycles from the end of a word's transfer to its response
    refresh_interval: float = 1000.0  # cycles

    def __post_init__(self) -> None:
        if self.bytes_per_cycle <= 0:
            raise InputError(f"memory: {float(self.bytes_per_cycle):g} bytes a cycle must be above 0")
        if not 0 < self.efficiency <= 1:
            raise InputError(f"memory: efficiency = {self.efficiency:g} is outside 0 to 1")
        if self.latency < 0 or self.break_bytes < 0 or self.refresh_interval <= 0:
            raise InputError("memory: latency and break_bytes must be >= 0, refresh_interval above 0")

    def config(self, port_bytes: int) -> dict[str, int]:
        """The harness's numbers: time is in units of 1 / `units` cycle."""
        rate = self.bytes_per_cycle
        interval = self.refresh_interval * rate.numerator
        return {
            "units": rate.numerator,
            "word_cost": port_bytes * rate.denominator,
            "break_cost": self.break_bytes * rate.denominator,
            "latency": self.latency,
            "refresh_interval": round(interval),
            "refresh_cost": round(interval * (1 - self.efficiency)),
        }

    def sequential_bytes(self, cycles: float, port_bytes: int) -> float:
        """What sequential reads get in `cycles`: the memory's rate or the port's, less refresh."""
        return cycles * min(float(self.bytes_per_cycle), port_bytes) * self.efficiency


def ideal(port_bytes: int, latency: int = 20) -> MemoryTiming:
    """A memory that fills its port: a word a cycle, without rest."""
    return MemoryTiming(Fraction(port_bytes), latency=latency)


def of_chip(chip: Chip, tech: Technology = NOMINAL) -> MemoryTiming:
    """The share of one core in the memory of `chip`: the cores stream side by side.

    A core's contiguous pieces lie in one channel, as tech/dram.py assumes, so that a break costs a core that
    waits alone the time of `dram.break_bytes` at its own share of the rate.
    """
    kind: Any = table("memories").index(chip.memory.kind)
    peak = chip.memory.bandwidth_bytes_per_s or chip.sram_bandwidth_bytes_per_s
    if not peak:
        raise InputError(f"{chip.name}: its memory has no bandwidth (give [memory] bandwidth)")
    rate = Fraction(peak / chip.cores / chip.clock_hz).limit_denominator(_DENOMINATOR)
    if not rate:
        raise InputError(
            f"{chip.name}: {peak:.3g} B/s for {chip.cores} cores at {chip.clock_hz:.3g} Hz is less than "
            f"1 / {_DENOMINATOR} byte a cycle (fewer cores, or a lower clock)"
        )
    return MemoryTiming(
        rate,
        efficiency=float(dram.stream_bytes_per_s(tech, kind, 1.0)),
        break_bytes=round(float(dram.break_bytes(tech, kind))),
        latency=round(float(tech.column("memories", "latency", kind)) * chip.clock_hz),
        refresh_interval=(dram.refresh_interval_s(chip.memory.kind) or 1.0) * chip.clock_hz,
    )
