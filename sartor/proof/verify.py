"""A real model on a generated chip: RTL and golden model step by step, cycles beside the estimate."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..chip.spec import Chip
from ..compiler import store
from ..compiler.binary import Binary
from ..compiler.session import Session
from ..compiler.together import Together
from ..errors import InputError
from ..families.tensor.network import Network
from ..families.tensor.sizing import core_of
from ..sim import memory_timing
from ..sim.simulator import Simulator, Stalls
from .lockstep import Lockstep, Pass

Say = Callable[[str], None]
Library = Callable[[Say], Path]  # builds a simulator


@dataclass(frozen=True)
class Decoded:
    """One decode step: the token of each sequence that both models chose, at which cost."""

    rtl: list[int]
    golden: list[int]
    cycles: int
    seconds: float


@dataclass
class Verified:
    """What a verification found. Cycles and utilization are of the decode passes. `alone`: what the golden model says
    after each prompt by itself, of several."""

    chip: str
    network: str
    prompts: list[list[int]]
    steps: list[Decoded] = field(default_factory=list)
    alone: list[list[int]] = field(default_factory=list)
    prefill: list[Pass] = field(default_factory=list)
    decode: list[Pass] = field(default_factory=list)
    clock_hz: float = 0.0
    build_s: float = 0.0

    @property
    def mismatches(self) -> int:
        """Instructions whose writes differ, and tokens that do: between the models, and in a batch from alone."""
        passes = [*self.prefill, *self.decode]
        together = zip(self.alone, self.of_each("rtl"), strict=False)
        return sum(p.mismatches + (p.rtl != p.golden) for p in passes) + sum(one != other for one, other in together)

    def of_each(self, model: str) -> list[list[int]]:
        """Tokens of each sequence, by `rtl` or by `golden`."""
        return [list(tokens) for tokens in zip(*(getattr(step, model) for step in self.steps), strict=True)]

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
    library: Library | None = None, sequences: int = 1,
) -> Bench:  # fmt: skip
    """Compile `net` for the core of `chip`, with caches for so many `sequences`, and build its simulator, or that of
    `library`; both are kept."""
    tell, start = say or (lambda text: None), time.monotonic()
    _check_capacity(chip, net, context, sequences)
    core = core_of(chip)
    tell("packing weights")
    binary, path = store.compiled(core, net, key, context, sequences=sequences)
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


def _check_capacity(chip: Chip, net: Network, context: int, sequences: int) -> None:
    need = store.planned(core_of(chip), net, context, sequences).nbytes
    if need > chip.memory.capacity_bytes:
        over = (need - chip.memory.capacity_bytes) / 1e6
        raise InputError(
            f"{net.name} with a context of {context} needs {need / 1e6:.0f} MB of memory, {over:.0f} MB more than "
            f"{chip.name} has (a smaller model, a shorter context, or more memory)"
        )


def verify(
    ready: Bench, prompts: list[list[int]], count: int, on_step: Callable[[Decoded], Any] | None = None
) -> Verified:
    """Generate `count` tokens after each of `prompts` on both models: several at once, a batch."""
    found = Verified(
        ready.chip.name, ready.binary.network, prompts, clock_hz=ready.chip.clock_hz, build_s=ready.build_s
    )
    start = time.monotonic()
    for _ in _steps(ready, prompts, count):
        last, now = ready.pair.passes[-1], time.monotonic()
        step = Decoded(last.rtl, last.golden, last.result.cycles, now - start)
        start = now
        found.steps.append(step)
        if on_step:
            on_step(step)
    prefill = ready.binary.program.prefill
    found.prefill = [p for p in ready.pair.passes if p.start.entry == prefill]
    found.decode = [p for p in ready.pair.passes if p.start.entry != prefill]
    if len(prompts) > 1:  # where the first sequence was, one after the other
        found.alone = [list(Session(ready.binary, ready.pair.golden).generate(p, count)) for p in prompts]
    return found


def _steps(ready: Bench, prompts: list[list[int]], count: int) -> Iterable[Any]:
    if len(prompts) == 1:
        return Session(ready.binary, ready.pair).generate(prompts[0], count)
    return Together(ready.binary, ready.pair).generate(prompts, count)
