"""The simulator of one core: load a program, run it, look at what it did."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from ..errors import CheckFailed, InputError
from ..families.tensor.core import CONSTANTS, PROGRAM_WORDS, Core
from ..families.tensor.isa import COUNTERS, INSTRUCTION_BITS, Instruction, encode
from ..families.tensor.start import Start
from . import native
from .design import core_library
from .inputs import NO_STALLS, Stalls, image_of
from .memory_timing import MemoryTiming
from .native import Config, Native
from .results import RunResult, Writes, memory_statistics
from .tools import Progress

# The host bus (docs/hardware.md).
START, BATCH = 0x0000, 0x0001
ROWS, CONSTANT, POSITIONS, COUNTER, CACHES = 0x0010, 0x0020, 0x0030, 0x0040, 0x0080
ARGMAX_INDEX, ARGMAX_VALUE, PROGRAM = 0x0090, 0x00A0, 0x4000
PARTS = INSTRUCTION_BITS // 32  # words of an instruction
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
        if len(self._program) > PROGRAM_WORDS:
            raise InputError(f"program: {len(self._program)} instructions, at most {PROGRAM_WORDS}")
        for i, word in enumerate(map(encode, self._program)):
            for part in range(PARTS):
                self._native.host_write(PROGRAM + PARTS * i + part, word >> 32 * part & 0xFFFFFFFF)
        values = np.asarray(self._constants, np.float32)
        if len(values) > CONSTANTS:
            raise InputError(f"program: {len(values)} constants, at most {CONSTANTS}")
        for i, bits in enumerate(values.view(np.uint32).tolist()):
            self._native.host_write(CONSTANT + i, bits)

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
            self._native.host_read(START)

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
        read = self._native.host_read
        pairs = [(read(COUNTER + 2 * i), read(COUNTER + 2 * i + 1)) for i in range(len(COUNTERS))]
        return {name: low | high << 32 for name, (low, high) in zip(COUNTERS, pairs, strict=True)}

    def _run(self, keep: int, progress: Cycles | None) -> RunResult:
        assert self._last is not None
        given, most = self._last
        if self._failed:
            self._native.reset()
            self.load(self._program, self._constants)
        self._tell(given)
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

    def _tell(self, given: Start) -> None:
        """The registers that a run begins with."""
        self._native.host_write(BATCH, given.batch)
        for first, values in ((POSITIONS, given.positions), (CACHES, given.caches or (0,)), (ROWS, given.rows)):
            for column, value in enumerate(values):
                self._native.host_write(first + column, value)

    def _result(self, batch: int) -> RunResult:
        raw, read = self._native.statistics(), self._native.host_read
        unfenced = self._native.unfenced()
        values = struct.unpack(f"<{batch}f", struct.pack(f"<{batch}I", *(read(ARGMAX_VALUE + c) for c in range(batch))))
        return RunResult(
            raw.cycles, self.counters(), [read(ARGMAX_INDEX + c) for c in range(batch)], list(values),
            self._native.retired(),
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
