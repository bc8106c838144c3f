"""The harness's memory takes the time that its closed form says, which is that of tech/dram.py."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from device import CORE, program

from sartor.chip import presets
from sartor.chip.spec import Chip, Memory, Tile
from sartor.errors import InputError
from sartor.sim.memory_timing import MemoryTiming, ideal, of_chip
from sartor.sim.simulator import Simulator
from sartor.tables import table
from sartor.tech import dram
from sartor.tech.technology import NOMINAL

P = CORE.port_bytes  # 16
WORDS = 2**20


def cycles(library: Path, timing: MemoryTiming, **arguments: int) -> int:
    """From the first request to the last response, as the digests' cycles tell."""
    sim = Simulator(CORE, None, timing, memory_bytes=WORDS * P, library=library)
    sim.load(program(**arguments))
    return int(sim.run().retired["cycle"][0])


def rate(library: Path, timing: MemoryTiming, **arguments: int) -> float:
    """Words a cycle: what 4,000 words take more than 1,000, so that latency does not count."""
    arguments = {"window": 2**20, **arguments}
    return 3000 / (
        cycles(library, timing, count=4000, **arguments) - cycles(library, timing, count=1000, **arguments)
    )


def test_one_word_by_hand(library: Path) -> None:
    # 16 bytes at 4 a cycle: the transfer takes cycles 0-3, the response is seen 10 cycles later, in cycle 14;
    # the device has it one later, and retires. Two words: 4 cycles more; an open row does not wait.
    timing = MemoryTiming(Fraction(4), latency=10)
    assert cycles(library, timing, count=1) == 15
    assert cycles(library, timing, count=2) == 19
    # A break of 8 bytes is 2 cycles; the first access is one.
    timing = MemoryTiming(Fraction(4), latency=10, break_bytes=8)
    assert cycles(library, timing, count=1) == 17
    assert cycles(library, timing, count=2) == 21
    assert cycles(library, timing, count=2, stride=2) == 23


@pytest.mark.parametrize(
    "bytes_per_cycle", [Fraction(64), Fraction(16), Fraction(47, 3), Fraction(7), Fraction(3, 7)]
)
def test_the_rate_is_the_memory_s_or_the_port_s(library: Path, bytes_per_cycle: Fraction) -> None:
    expected = min(float(bytes_per_cycle) / P, 1)
    assert rate(library, MemoryTiming(bytes_per_cycle)) == pytest.approx(expected, rel=1e-3)


def test_refresh_takes_its_share(library: Path) -> None:
    # 1,000 of 1,100... cycles: refresh rests 10 % of every 250 cycles; 3,000 words last 13 intervals.
    timing = MemoryTiming(Fraction(P), efficiency=0.9, refresh_interval=250)
    assert rate(library, timing) == pytest.approx(0.9, rel=0.01)


def test_latency_alone_bounds_a_reader_that_waits(library: Path) -> None:
    # One word at a time: asked in cycle 0, transferred, 30 cycles of latency, asked again a cycle later.
    assert rate(library, ideal(P, latency=30), window=1) == pytest.approx(1 / 32, rel=1e-3)


@pytest.mark.parametrize("kind", ["lpddr5", "hbm3"])
def test_it_is_the_closed_form_of_tech(library: Path, kind: str) -> None:
    row = table("memories").index(kind)
    clock_hz = 1e9
    timing = of_chip(chip(kind, 12e9, clock_hz))  # 12 bytes a cycle
    sequential = rate(library, timing) * P * clock_hz
    assert sequential == pytest.approx(float(dram.stream_bytes_per_s(NOMINAL, row, 12e9)), rel=0.02)
    words = rate(library, timing, stride=7) * P * clock_hz  # chunks of one word
    assert words / sequential == pytest.approx(float(dram.chunk_efficiency(NOMINAL, row, P)), rel=0.02)


def test_sources_have_rows_of_their_own(library: Path) -> None:
    # Weights and cache in turn, addresses going up by one: each source skips every second word.
    timing = MemoryTiming(Fraction(P), break_bytes=P)
    assert rate(library, timing, tags=2) == pytest.approx(0.5, rel=1e-3)
    assert rate(library, timing, tags=1) == pytest.approx(1, rel=1e-3)
    assert rate(library, timing, tags=0) == pytest.approx(1, rel=1e-3)


def test_statistics_add_up(library: Path) -> None:
    timing = MemoryTiming(Fraction(8), efficiency=0.9, break_bytes=4, refresh_interval=500)
    sim = Simulator(CORE, None, timing, memory_bytes=WORDS * P, library=library)
    sim.load(program(1000, stride=2, tags=2, dest=9))
    memory = sim.run().memory
    assert memory.words == {"weights": 500, "cache": 500, "stores": 1} == memory.breaks
    assert memory.bytes == 1001 * P and memory.busy_cycles == 2002 and memory.broken_cycles == 500.5
    assert memory.utilization == pytest.approx(1 / (1 + 4 / P), rel=0.01)


def chip(kind: str, bandwidth: float, clock_hz: float, cores: int = 1) -> Chip:
    tile = Tile(rows=8, lanes=32, columns=4, vector_lanes=16, weights="int4")
    return Chip("c", "tensor", "N7", clock_hz, Memory(kind, 1, 1e9, bandwidth), cores=cores, tile=tile)


def test_a_chip_s_memory_in_cycles() -> None:
    timing = of_chip(chip("lpddr5", 102.4e9, 1e9, cores=4))
    assert timing.bytes_per_cycle == Fraction(128, 5)  # 102.4 / 4
    assert (timing.efficiency, timing.break_bytes, timing.latency) == (0.91616, 120, 110)
    assert timing.refresh_interval == pytest.approx(3906.25)
    assert timing.sequential_bytes(1000, 16) == pytest.approx(16 * 916.16)  # the port's


def test_memories_that_cannot_be() -> None:
    with pytest.raises(InputError, match="its memory has no bandwidth"):
        of_chip(chip("sram", 0, 1e9))
    with pytest.raises(InputError, match="fewer cores, or a lower clock"):
        of_chip(chip("lpddr5", 1e5, 1e9))
    for wrong in ({"efficiency": 1.5}, {"latency": -1}, {"bytes_per_cycle": Fraction(0)}):
        with pytest.raises(InputError, match="memory: "):
            MemoryTiming(**{"bytes_per_cycle": Fraction(1), **wrong})  # type: ignore[arg-type]


def test_every_memory_of_every_preset_has_a_timing() -> None:
    found = [of_chip(c) for c in map(presets.preset, presets.names()) if c.memory.bandwidth_bytes_per_s]
    assert len(found) > 10 and np.isfinite([t.refresh_interval for t in found]).all()
