"""A chip of the smallest kind, a network of random weights for it, and a golden model that poses as its RTL."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from tiny_network import tiny

from sartor.api.networks import Weights
from sartor.chip import toml
from sartor.families.tensor.golden import Golden
from sartor.families.tensor.isa import COUNTERS
from sartor.proof.lockstep import Trace
from sartor.sim.memory_timing import ideal
from sartor.sim.native import RETIRED
from sartor.sim.results import MemoryStatistics, RunResult

TINY = """
name = "tiny"
family = "tensor"
node = "N28"
clock = "100 MHz"
package = "fccsp"

[tile]
rows = 2
lanes = 32
columns = 2
vector_lanes = 2
weights = "q4_0"
kv = "int8-g32"
scratchpad = "16 KiB"
fifo = "2 KiB"

[memory]
kind = "lpddr4x"
units = 1
capacity = "1 GB"
bandwidth = "1.6 GB/s"
"""
CHIP = toml.loads(TINY)
MODEL = "smollm2-135m-q4_1"  # whom the estimate takes the tiny network for
CYCLES = 1000  # of every pass


def weights(seed: int = 0) -> Weights:
    return Weights(MODEL, tiny(seed), Path("tiny.gguf"), hashlib.sha256(bytes([seed])).hexdigest())


class Letters:
    """A tokenizer: tokens 0 to 63 are the characters from the space on."""

    def encode(self, text: str) -> list[int]:
        return [ord(c) - 32 for c in text]

    def decode(self, ids: list[int]) -> str:
        return "".join(chr(32 + i) for i in ids)


class Posing:
    """Stands where the simulator does. `lies`: instructions (by step) whose digest is wrong."""

    lies: tuple[int, ...] = ()
    slips: bool = False  # the wrong argmax

    def __init__(self, core, image, timing, **options) -> None:
        self.core, self.options = core, options
        content = np.memmap(image, np.uint8, "c")
        self.image = np.zeros(max(options.get("memory_bytes", 0), len(content)), np.uint8)
        self.image[: len(content)] = content
        options["progress"]("Verilator", 0.0)

    def load(self, program, constants) -> None:
        self.golden = Golden(self.core, self.image, program, constants)

    def start(self, given, *, progress=None) -> RunResult:
        trace = Trace()
        best = [token ^ self.slips for token in self.golden.start(given, trace)]
        if progress:
            progress(CYCLES)
        digests = [(at, d ^ (step in self.lies)) for step, (at, d) in enumerate(trace.digests)]
        retired = np.array([(at, 0, d) for at, d in digests], RETIRED)
        port = self.core.port_bytes
        words = {"weights": 600, "cache": 0, "stores": 0}
        memory = MemoryStatistics(words, words, 600 * port, 0, 0, 0, ideal(port).sequential_bytes(CYCLES, port))
        counters = dict.fromkeys(COUNTERS, 0) | {"cycles": CYCLES, "mm_weights": CYCLES}
        return RunResult(CYCLES, counters, best, [0.0] * given.batch, retired, memory, 0)

    def dump(self, step):
        raise AssertionError("a difference is explained by the real simulator only")
