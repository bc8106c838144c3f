"""The carry-save tree of the binary32 multiplier, which only synthesis sees, as gates against the golden model."""

import numpy as np
import pytest
from test_mapping import mapped

from sartor.families.tensor import float32
from sartor.flow.simulate import Simulator, from_words, to_words
from sartor.rtl.float_multiply import LATENCY, FloatMultiply

pytest.importorskip("pyosys", reason="needs Yosys: pip install pyosys")

RUNS = 64 * 64
EXPONENTS = np.array([1, 63, 64, 126, 127, 128, 190, 191, 254], np.uint32)  # products around 2^-126 and the largest


def numbers(rng: np.random.Generator) -> np.ndarray:
    """Canonical: of any kind, and of long runs of ones and zeros."""
    fractions = np.where(rng.random(RUNS) < 0.5, rng.integers(0, 1 << 23, RUNS), (1 << rng.integers(0, 24, RUNS)) - 1)
    bits = rng.integers(0, 2, RUNS) << 31 | rng.choice(EXPONENTS, RUNS).astype(np.int64) << 23 | fractions
    return np.where(rng.random(RUNS) < 0.02, 0, bits).astype(np.uint32)


def test_the_tree_of_the_multiplier() -> None:
    rng, found = np.random.default_rng(5), mapped(FloatMultiply(structural=True), period_s=1e-6)
    simulator, wanted = Simulator(found.netlist, RUNS // 64), []
    simulator.set("enable", to_words(np.full(RUNS, 2**LATENCY - 1), LATENCY))
    for cycle in range(8):
        a, b = numbers(rng), numbers(rng)
        for name, value in (("a", a), ("b", b)):
            simulator.set(name, to_words(value.astype(np.int64), 32))
        wanted.append(float32.bits(float32.multiply(float32.from_bits(a), float32.from_bits(b))))
        simulator.settle()
        if cycle >= LATENCY:
            got = from_words(simulator.get("product"), RUNS, signed=False).astype(np.uint32)
            assert np.array_equal(got, wanted[cycle - LATENCY])
        simulator.clock()
