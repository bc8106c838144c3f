"""The simulator of one core: load a program, run it, look at what it did."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from ..errors import CheckFailed, InputError
from ..families.tensor.core import Core
from ..families.tensor.isa import Instruction
from ..families.tensor.start import Start
from . import host_bus, native
from .design import core_library
from .inputs import NO_STALLS, Stalls, image_of
from .memory_timing import MemoryTiming
from .native import Config, Native
from .results import RunResult, Writes, memory_statistics
from .tools import Progress

CHUNK = 50_000  # cycles between calls of `progress`, and chances for Ctrl-C

Cycles = Callable[[int], None]  # gets the cycles that have been run


class Simulator:
    """A core with its memory, which begins with `image` (a file, bytes, or nothing) and has `memory_bytes`.

    The image is mapped, not read, and never written: a run's stores stay in the simulator. `library`: one
    that is built already, instead of the core's. `watchdog`: cycles in which nothing moves until it gives up.
    """

    def __init__(
        self,
        core: Core,
        image: Path | str | bytes | np.ndarray | None,
        timing: MemoryTiming,
        *,
        memory_bytes: int = 0,
        stalls: Stalls = NO_STALLS,
        watchdog: int = 100_000,
        library: Path | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.core, self.timing = core, timing
        self._program: list[Instruction] = []
        self._constants: list[float] = []
        self._failed = False  # the core is somewhere in a run
        file, content = image_of(image)
        size = file.stat().st_size if file else len(content)
        if memory_bytes and memory_bytes < size:
            raise InputError(f"memory of {memory_bytes:,} bytes is smaller than its image of {size:,} bytes")
        words = max(-(-max(memory_bytes, size) // core.port_bytes), 1)
        if words > 2**32:
            most = 2**32 * core.port_bytes
            raise InputError(f"memory: {memory_bytes:,} bytes are beyond the core's addresses ({most:,})")
        config = Config(
            **timing.config(core.port_bytes), **stalls.config(),
            capacity=words * core.port_bytes, watchdog=watchdog + timing.latency,
        )  # fmt: skip
        self._native = Native(library or core_library(core, progress=progress), config, file)
        self._native.memory[: len(content)] = content
        self._last: tuple[Start, int] | None = None

    def load(self, program: Iterable[Instruction], constants: Iterable[float] = ()) -> None:
        """Write the program and its binary32 constants."""
        self._program, self._constants = list(program), list(constants)
        host_bus.load(self._native, self._program, self._constants)

    def run(
        self,
        entry: int = 0,
        position: int = 0,
        token_rows: Sequence[int] = (),
        *,
        most_cycles: int = 10**10,
        progress: Cycles | None = None,
    ) -> RunResult:
        """`start` of one sequence. `token_rows`: memory address (in words) of each column's embedding row."""
        return self.start(Start(entry, (position,), tuple(token_rows)), most_cycles=most_cycles, progress=progress)

    def start(self, given: Start, *, most_cycles: int = 10**10, progress: Cycles | None = None) -> RunResult:
        """Run until the core is done."""
        self._last = given, most_cycles
        return self._run(-1, progress)

    def wait(self, share: float) -> None:
        """Let the core idle until `share` of the time from one refresh of its memory to the next has passed."""
        interval = self.timing.refresh_interval
        for _ in range(round((share * interval - self._native.now) % interval)):
            self._native.host_read(host_bus.START)

    def dump(self, instruction: int) -> Writes:
        """Do the last run again, from the memory it began with, and keep what its `instruction`-th retired
        instruction (from 0) wrote. The scratchpad begins as the last run left it."""
        if self._last is None:
            raise InputError("dump: nothing has been run (call run first)")
        self._native.rewind()
        result = self._run(instruction, None)
        if not 0 <= instruction < len(result.retired):
            raise InputError(f"dump: instruction {instruction} of {len(result.retired)} that retired")
        return Writes(int(result.retired["pc"][instruction]), self._native.writes())

    def peek(self, address: int, count: int) -> np.ndarray:
        """`count` bytes of memory from byte `address`."""
        self._check(address, count)
        return self._native.memory[address : address + count].copy()

    def poke(self, address: int, data: bytes | np.ndarray) -> None:
        """Write memory from byte `address`, from outside."""
        raw = np.frombuffer(bytes(data), np.uint8)
        self._check(address, len(raw))
        self._native.memory[address : address + len(raw)] = raw

    def counters(self) -> dict[str, int]:
        """The hardware's own, by isa.COUNTERS."""
        return host_bus.counters(self._native)

    def _run(self, keep: int, progress: Cycles | None) -> RunResult:
        assert self._last is not None
        given, most = self._last
        if self._failed:
            self._native.reset()
            self.load(self._program, self._constants)
        host_bus.tell(self._native, given)
        self._native.start(given.entry, keep)
        self._failed = True
        done, status = 0, native.RUNNING
        while status == native.RUNNING:
            if done >= most:
                raise CheckFailed(f"core: not done after {done:,} cycles, the limit: {self._place()}")
            step = min(CHUNK, most - done)
            status = self._native.run(step)
            done += step
            if progress:
                progress(self._native.statistics().cycles)
        self._check_status(status)
        self._failed = False
        return self._result(given.batch)

    def _result(self, batch: int) -> RunResult:
        raw, unfenced = self._native.statistics(), self._native.unfenced()
        return RunResult(
            raw.cycles, self.counters(), *host_bus.largest(self._native, batch), self._native.retired(),
            memory_statistics(raw, self.timing, self.core.port_bytes), unfenced,
        )  # fmt: skip

    def _check_status(self, status: int) -> None:
        if status == native.HANGS:
            raise CheckFailed(f"core: hangs, nothing moves any more: {self._place()}")
        if status == native.BAD_ADDRESS:
            word, source = self._native.bad_address()
            words = len(self._native.memory) // self.core.port_bytes
            raise CheckFailed(
                f"core: {source} ask for word {word:,} of a memory of {words:,} words: {self._place()} "
                "(a larger memory_bytes, a whole image, or a program that fits it)"
            )

    def _place(self) -> str:
        """Where the core is, in words."""
        retired, raw = self._native.retired(), self._native.statistics()
        last = "no instruction has retired"
        if len(retired):
            pc, cycle = int(retired["pc"][-1]), int(retired["cycle"][-1])
            name = f" ({self._program[pc]})" if pc < len(self._program) else ""
            last = f"{len(retired)} retired, the last in cycle {cycle:,} at pc {pc}{name}"
        words = ", ".join(f"{n:,} of {s}" for n, s in zip(raw.words, native.SOURCES, strict=True))
        counters = ", ".join(f"{k} {v:,}" for k, v in self.counters().items() if v)
        return f"cycle {raw.cycles:,}, {last}; words at the port: {words}; counters: {counters or 'all 0'}"

    def _check(self, address: int, count: int) -> None:
        size = len(self._native.memory)
        if address < 0 or count < 0 or address + count > size:
            raise InputError(f"memory: bytes {address:,} to {address + count:,} are outside its {size:,}")
