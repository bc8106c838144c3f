"""How fast the golden model is: SmolLM2-135M-Instruct with its own weights, tokens decoded one after the other.

    python benchmarks/golden_speed.py [--tokens 8] [--json]

Processor seconds a token of one sequence alone and of eight at once, as `sartor serve` runs them: side by side
("in step"); and tokens a second on the clock, which on a shared machine are fewer. Beside them eight in the turns that
the chip's program takes (what `sartor verify --batch` runs). Exit 1 when the targets are missed on a core that has
nothing else to do: 5 a second for one sequence, 15 in total for eight, so that a token may take 0.2 and 1/15 processor
seconds. The first run on a machine compiles the loops, before what is timed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

from sartor.compiler import store
from sartor.compiler.binary import Binary
from sartor.compiler.gguf import network
from sartor.compiler.together import Machine, Together
from sartor.endpoint.machine import OnGolden
from sartor.families.tensor.core import Core
from sartor.families.tensor.golden import Golden
from sartor.workload import fetch

CORE = Core(rows=16, columns=8, scratch_groups=2048)
CONTEXT, FIRST = 512, 60  # FIRST: tokens before those that are timed
TARGETS = {1: 5.0, 8: 15.0}  # tokens a second
CPU_S = {1: 1 / 5, 8: 1 / 15}  # processor seconds a token
Step = Callable[[], object]


@dataclass(frozen=True)
class Speed:
    """`how`: in step, or in turns."""

    how: str
    sequences: int
    tokens: int
    cpu_s_per_token: float
    tokens_per_s: float
    target_tokens_per_s: float
    target_cpu_s_per_token: float

    @property
    def met(self) -> bool:
        return (
            self.tokens_per_s >= self.target_tokens_per_s
            or self.cpu_s_per_token <= self.target_cpu_s_per_token
        )


def stepped(binary: Binary, machine: Machine, count: int) -> Step:
    """A decode pass of so many sequences, each at a position of its own."""
    together = Together(binary, machine)
    sequences = [together.admit([100 + i], CONTEXT - FIRST - count) for i in range(count)]
    for i, one in enumerate(sequences):
        one.position = FIRST + i  # what is in the cache before does not change how long it takes
    return lambda: together.step(sequences)


def speed(how: str, step: Step, sequences: int, count: int) -> Speed:
    """`count` tokens of each."""
    step()  # weights are decoded
    clock, cpu = time.perf_counter(), time.process_time()
    for _ in range(count):
        step()
    clock, cpu = time.perf_counter() - clock, time.process_time() - cpu
    n = count * sequences
    return Speed(how, sequences, n, cpu / n, n / clock, TARGETS[sequences], CPU_S[sequences])


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tokens", type=int, default=8)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    net = network(fetch.smollm2())
    binary, _ = store.compiled(CORE, net, "smollm2-135m-q4_1", CONTEXT, sequences=max(TARGETS))
    found = [speed("in step", stepped(binary, OnGolden(binary), n), n, given.tokens) for n in TARGETS]
    golden = Golden(binary.core, binary.image, binary.program.instructions, binary.program.constants)
    most = max(TARGETS)
    found.append(speed("in turns", stepped(binary, golden, most), most, given.tokens))
    if given.json:
        print(json.dumps([{**asdict(one), "met": one.met} for one in found], indent=1))
    else:
        for one in found:
            print(
                f"{one.sequences} sequences, {one.how}: {one.cpu_s_per_token:.3f} CPU s a token, "
                f"{one.tokens_per_s:.1f} tokens/s (target {one.target_tokens_per_s:g}){'' if one.met else '  missed'}"
            )
    return int(not all(one.met for one in found))


if __name__ == "__main__":
    sys.exit(main())
