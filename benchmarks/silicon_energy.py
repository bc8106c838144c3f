"""Energies of the parts that move most, from gate-level replays with numbers like those of a model.

Codes are uniform and stay for the tile's columns; activations are 8-bit codes of a normal distribution whose
largest of 32 is near the end of the scale; a lane's operands are normal.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sartor.families.tensor.core import GROUP, HALF, Core
from sartor.families.tensor.rtl.dot_unit import DotUnit
from sartor.families.tensor.rtl.lane import Lane
from sartor.families.tensor.rtl.weight_codes import WeightCodes
from sartor.flow import Library, Simulator, analysis, map_cells, replay_energy, to_rtlil, to_words

UNITS = {"mac4": "pJ/MAC", "mac8": "pJ/MAC", "lane": "pJ/op", "decode": "pJ/B"}
WORDS, CYCLES = 1, 24
RUNS, PERIOD_S = 64 * WORDS, 1e-9
DEVIATION = 50.0  # of activation codes: the largest of 32 is about 2.1 to 2.5 deviations, 127 at most
SHIFT_MOST = 12


def energies_j(library: Library) -> dict[str, float]:
    """J of a MAC with 4-bit and 8-bit multipliers, of an operation of a lane, of a byte of codes."""
    return {
        "mac4": _mac_j(library, 4), "mac8": _mac_j(library, 8), "lane": _lane_j(library),
        "decode": _decode_j(library),
    }  # fmt: skip


def _replay(
    design: object, library: Library, fill: Callable[[Simulator, np.random.Generator, int], None]
) -> float:
    mapped = map_cells(to_rtlil(design, "part"), "part", library, period_s=PERIOD_S)
    simulator, rng = Simulator(mapped.netlist, WORDS), np.random.default_rng(1)
    return float(
        replay_energy(analysis(mapped), simulator, CYCLES, lambda c: fill(simulator, rng, c)).cycle_j
    )


def _random(simulator: Simulator, rng: np.random.Generator, *ports: str) -> None:
    for port in ports:
        bits = len(simulator.netlist.inputs[port])
        simulator.set(port, rng.integers(0, 2**64, (bits, WORDS), dtype=np.uint64))


def _ones(simulator: Simulator, port: str) -> None:
    simulator.set(port, np.full((len(simulator.netlist.inputs[port]), WORDS), 2**64 - 1, np.uint64))


def _normal_codes(rng: np.random.Generator, count: int) -> np.ndarray:
    codes = np.clip(np.rint(rng.normal(0, DEVIATION, (count, RUNS))), -127, 127).astype(np.int64)
    return np.concatenate([to_words(row & 255, 8) for row in codes])


def _mac_j(library: Library, bits: int) -> float:
    """A dot unit with a minimum, new codes and new values in every cycle, as in decoding."""

    def fill(simulator: Simulator, rng: np.random.Generator, cycle: int) -> None:
        _ones(simulator, "enable")
        _random(simulator, rng, "codes", "correction", "d", "m", "sum")
        simulator.set("values", _normal_codes(rng, GROUP))
        for port in ("d_shift", "m_shift", "x_shift"):
            width = len(simulator.netlist.inputs[port])
            simulator.set(port, to_words(rng.integers(0, SHIFT_MOST, RUNS), width))

    return _replay(DotUnit(Core(multiplier_bits=bits), structural=True), library, fill) / GROUP


def _lane_j(library: Library) -> float:
    def fill(simulator: Simulator, rng: np.random.Generator, cycle: int) -> None:
        for port in ("multiply", "add", "load_a", "load_p", "load_q"):
            _ones(simulator, port)
        for port in ("a", "p", "q"):
            numbers = rng.normal(0, 1, RUNS).astype(np.float32).view(np.uint32).astype(np.int64)
            simulator.set(port, to_words(numbers, 32))

    return _replay(Lane(), library, fill)


def _decode_j(library: Library) -> float:
    """A word is a step: 4-bit codes of a port as wide as the tile."""
    core = Core(rows=2, lanes=32, port_bytes=2 * HALF)

    def fill(simulator: Simulator, rng: np.random.Generator, cycle: int) -> None:
        _ones(simulator, "load")
        _random(simulator, rng, "word")

    return _replay(WeightCodes(core), library, fill) / core.port_bytes
