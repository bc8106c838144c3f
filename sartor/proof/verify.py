"""A real model on a generated chip: RTL and golden model token by token, cycles beside the estimate."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..chip.spec import Chip
from ..compiler import store
from ..compiler.binary import Binary
from ..compiler.session import Session
from ..errors import InputError
from ..families.tensor.network import Network
from ..families.tensor.sizing import core_of
from ..sim import memory_timing
from ..sim.simulator import Simulator, Stalls
from .lockstep import Lockstep, Pass

Say = Callable[[str], None]
Library = Callable[[Say], Path]  # builds a simulator


@dataclass(frozen=True)
class Token:
    """One generated token: what both models chose, at which cost."""

    rtl: int
    golden: int
    position: int
    cycles: int
    seconds: float


@dataclass
class Verified:
    """What a verification found. Cycles and utilization are of the decode passes."""

    chip: str
    network: str
    prompt: list[int]
    tokens: list[Token] = field(default_factory=list)
    prefill: list[Pass] = field(default_factory=list)
    decode: list[Pass] = field(default_factory=list)
    clock_hz: float = 0.0
    build_s: float = 0.0

    @property
    def mismatches(self) -> int:
        """Instructions whose writes differ, and tokens that do."""
        passes = [*self.prefill, *self.decode]
        return sum(p.mismatches + (p.rtl != p.golden) for p in passes)

    @property
    def memory_utilization(self) -> float:
        """Bytes moved over what the memory gives to sequential reads in the same cycles."""
        moved = sum(p.result.memory.bytes for p in self.decode)
        most = sum(p.result.memory.sequential_bytes for p in self.decode)
        return moved / most if most else 0.0

    @property
    def decode_cycles(self) -> int:
        return sum(p.result.cycles for p in self.decode)

    @property
    def prefill_cycles(self) -> int:
        return sum(p.result.cycles for p in self.prefill)


@dataclass
class Bench:
    """A chip with a compiled network in the simulator, ready to run."""

    chip: Chip
    binary: Binary
    pair: Lockstep
    build_s: float


def bench(
    chip: Chip, net: Network, key: str, context: int, *, stalls: Stalls | None = None, say: Say | None = None,
    library: Library | None = None,
) -> Bench:  # fmt: skip
    """Compile `net` for the core of `chip` and build its simulator, or that of `library`; both are kept."""
    tell, start = say or (lambda text: None), time.monotonic()
    _check_capacity(chip, net, key, context)
    core = core_of(chip)
    tell("packing weights")
    binary, path = store.compiled(core, net, key, context)
    timing = memory_timing.of_chip(chip)
    tell("building the simulator")
    simulator = Simulator(
        core,
        path,
        timing,
        stalls=stalls or Stalls(),
        library=library(tell) if library else None,
        progress=lambda what, s: tell(f"building the simulator: {what}"),
    )
    return Bench(chip, binary, Lockstep(binary, simulator), time.monotonic() - start)


def _check_capacity(chip: Chip, net: Network, key: str, context: int) -> None:
    need = store.planned(core_of(chip), net, context).nbytes
    if need > chip.memory.capacity_bytes:
        over = (need - chip.memory.capacity_bytes) / 1e6
        raise InputError(
            f"{net.name} with a context of {context} needs {need / 1e6:.0f} MB of memory, {over:.0f} MB more than "
            f"{chip.name} has (a smaller model, a shorter context, or more memory)"
        )


def verify(
    ready: Bench, prompt: list[int], count: int, on_token: Callable[[Token], Any] | None = None
) -> Verified:
    """Generate `count` tokens after `prompt` on both models."""
    found = Verified(
        ready.chip.name, ready.binary.network, prompt, clock_hz=ready.chip.clock_hz, build_s=ready.build_s
    )
    start = time.monotonic()
    for _ in Session(ready.binary, ready.pair).generate(prompt, count):
        last, now = ready.pair.passes[-1], time.monotonic()
        token = Token(last.rtl[0], last.golden[0], last.start.positions[0], last.result.cycles, now - start)
        start = now
        found.tokens.append(token)
        if on_token:
            on_token(token)
    program = ready.binary.program
    found.prefill = [p for p in ready.pair.passes if p.start.entry == program.prefill]
    found.decode = [p for p in ready.pair.passes if p.start.entry == program.decode]
    return found
