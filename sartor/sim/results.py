"""What a run of the simulator returns: cycles, counters, digests of each instruction, the memory's work."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..families.tensor.digest import BUFFER, MEMORY, SCRATCH
from .memory_timing import MemoryTiming
from .native import SOURCES, Statistics


@dataclass(frozen=True)
class MemoryStatistics:
    """What went through the memory port in one run."""

    words: dict[str, int]  # by source: weights, cache, stores
    breaks: dict[str, int]  # accesses that did not continue their source's last one
    bytes: int
    busy_cycles: float  # of the channel: words
    broken_cycles: float  # lost to breaks
    refreshes: int
    sequential_bytes: float  # what sequential reads would have got in the same cycles

    @property
    def utilization(self) -> float:
        """Bytes moved over what sequential reads would have got."""
        return self.bytes / self.sequential_bytes if self.sequential_bytes else 0.0


@dataclass(frozen=True)
class RunResult:
    """One run, from its start to `busy` = 0."""

    cycles: int
    counters: dict[str, int]  # by isa.COUNTERS
    argmax_indices: list[int]  # of each sequence
    argmax_values: list[float]
    retired: np.ndarray  # native.RETIRED: pc, cycle, digest of each instruction in order
    memory: MemoryStatistics
    unfenced: int  # digest of bytes stored after the last FENCE: 0 when there are none

    @property
    def digests(self) -> list[tuple[int, int]]:
        """(pc, digest) of each instruction, as families.tensor.digest defines it."""
        return list(zip(self.retired["pc"].tolist(), self.retired["digest"].tolist(), strict=True))


@dataclass(frozen=True)
class Writes:
    """All that one instruction wrote, in order; the bytes of a FENCE are those it waited for."""

    pc: int
    records: np.ndarray  # native.WRITE

    def scratch(self) -> tuple[np.ndarray, np.ndarray]:
        """Element addresses and binary32 values."""
        found = self._of(SCRATCH)
        return found["address"].astype(np.int64), _bytes(found, 4).view("<f4").ravel()

    def buffer(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Columns, groups, codes int8 [n, 32], biased exponents."""
        found = self._of(BUFFER)
        address = found["address"].astype(np.int64)
        return (
            address >> 32,
            address & 2**32 - 1,
            _bytes(found, 32).view(np.int8),
            found["exponent"].astype(int),
        )

    def memory(self) -> tuple[np.ndarray, np.ndarray]:
        """Byte addresses and bytes."""
        found = self._of(MEMORY)
        return found["address"].astype(np.int64), _bytes(found, 1).ravel()

    def _of(self, kind: int) -> np.ndarray:
        return self.records[self.records["kind"] == kind]


def _bytes(found: np.ndarray, count: int) -> np.ndarray:
    return np.ascontiguousarray(found["data"][:, :count])


def memory_statistics(raw: Statistics, timing: MemoryTiming, port_bytes: int) -> MemoryStatistics:
    units = timing.config(port_bytes)["units"]
    return MemoryStatistics(
        words=dict(zip(SOURCES, raw.words, strict=True)),
        breaks=dict(zip(SOURCES, raw.breaks, strict=True)),
        bytes=sum(raw.words) * port_bytes,
        busy_cycles=raw.busy / units,
        broken_cycles=raw.broken / units,
        refreshes=raw.refreshes,
        sequential_bytes=timing.sequential_bytes(raw.cycles, port_bytes),
    )
