"""How fast the golden model is: SmolLM2-135M-Instruct with its own weights, tokens decoded one after the other.

    python benchmarks/golden_speed.py [--tokens 8] [--json]

Processor seconds a token of one stream alone, and of eight streams at once (what `sartor serve` runs), and tokens a
second on the clock, which on a shared machine are fewer. Exit 1 when the targets are missed on a core that has nothing
else to do: 5 a second for one stream, 15 in total for eight, so that a token may take 0.2 and 1/15 processor seconds.
The first run on a machine compiles the loops, before what is timed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from sartor.compiler import store
from sartor.compiler.binary import Binary
from sartor.compiler.gguf import network
from sartor.families.tensor.core import Core
from sartor.families.tensor.golden_batch import Batch, Run
from sartor.workload import fetch

CORE = Core(rows=16, columns=4)
CONTEXT, FIRST = 512, 60  # FIRST: tokens before those that are timed
TARGETS = {1: 5.0, 8: 15.0}  # tokens a second
CPU_S = {1: 1 / 5, 8: 1 / 15}  # processor seconds a token


@dataclass(frozen=True)
class Speed:
    streams: int
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


def speed(binary: Binary, path: Path, streams: int, count: int) -> Speed:
    """`count` tokens of each of `streams`."""
    program = binary.program
    batch = Batch(binary.core, program.instructions, program.constants)
    memories = [np.memmap(path, np.uint8, "c") for _ in range(streams)]
    tokens = list(range(100, 100 + streams))

    def step(position: int) -> None:
        runs = [Run(m, position + i, [binary.row(t)]) for i, (m, t) in enumerate(zip(memories, tokens, strict=True))]
        tokens[:] = batch.run(program.decode, runs).best[:, 0].tolist()

    step(FIRST)  # weights are decoded
    clock, cpu = time.perf_counter(), time.process_time()
    for i in range(count):
        step(FIRST + 1 + i)
    clock, cpu = time.perf_counter() - clock, time.process_time() - cpu
    n = count * streams
    return Speed(streams, n, cpu / n, n / clock, TARGETS[streams], CPU_S[streams])


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tokens", type=int, default=8)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    net = network(fetch.smollm2())
    binary, path = store.compiled(CORE, net, "smollm2-135m-q4_1", CONTEXT)
    found = [speed(binary, path, streams, given.tokens) for streams in TARGETS]
    if given.json:
        print(json.dumps([{**asdict(one), "met": one.met} for one in found], indent=1))
    else:
        for one in found:
            print(
                f"{one.streams} streams: {one.cpu_s_per_token:.3f} CPU s a token, {one.tokens_per_s:.1f} tokens/s "
                f"(target {one.target_tokens_per_s:g}){'' if one.met else '  missed'}"
            )
    return int(not all(one.met for one in found))


if __name__ == "__main__":
    sys.exit(main())
