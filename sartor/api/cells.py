"""Parts of a core on a library's cells: area, clock, and energy from replays with numbers like those of a model.

Codes are uniform and new in every cycle, as in decoding; activations are 8-bit codes of a normal distribution whose
largest of 32 is near the end of the scale; a lane's operands are normal. Cell figures: no wires, no clock tree, no
glitches.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..families.tensor.core import GROUP, HALF, Core
from ..families.tensor.rtl.dot_unit import DotUnit
from ..families.tensor.rtl.functions import FunctionUnit
from ..families.tensor.rtl.lane import Lane
from ..families.tensor.rtl.table_dots import ColumnTables, RowKeys
from ..families.tensor.rtl.weight_codes import WeightCodes
from ..flow import Energy, Library, Mapped, Simulator, analysis, map_cells, replay_energy, to_rtlil, to_words
from ..rtl.lut import MU, VALUE_BITS, entry_bits, sizes
from ..rtl.yosys import Progress

WORDS, CYCLES = 1, 24  # of a replay: 64 runs side by side
RUNS = 64 * WORDS
DEVIATION = 50 / 127  # of activation codes, of the largest: of 32 it is about 2.1 to 2.5 deviations
SHIFT_MOST = 12
CODES_CORE = Core(rows=2, lanes=32, port_bytes=2 * HALF)  # of the decoder that is mapped
UNITS = {"lane": "pJ/op", "decode": "pJ/B"}
_Fill = Callable[[Simulator, np.random.Generator], None]


@dataclass(frozen=True, eq=False)
class Part:
    """One part as mapped, and the energy of a mean cycle in which it does `per_cycle` of what it is for."""

    mapped: Mapped
    energy: Energy
    per_cycle: int

    @property
    def j(self) -> float:
        """Of one multiply-accumulate, lane operation or byte."""
        return self.energy.cycle_j / self.per_cycle


def energies_j(library: Library, period_s: float) -> dict[str, float]:
    """Of an operation of a lane, of a byte of codes; dot units are benchmarks/silicon_formats.py's."""
    return {"lane": lane(library, period_s).j, "decode": weight_codes(library, period_s).j}


def dot_unit(core: Core, library: Library, period_s: float, progress: Progress | None = None) -> Part:
    """With a minimum, new codes and new values in every cycle; of engine `lut` without the tables."""

    def fill(simulator: Simulator, rng: np.random.Generator) -> None:
        ones(simulator, "enable")
        random_bits(simulator, rng, "keys" if core.by_table else "codes", "correction", "d", "m", "sum")
        if core.by_table:
            simulator.set("tables", table_words(rng))
        else:
            simulator.set("values", normal_codes(rng, GROUP))
        for port in ("d_shift", "m_shift", "x_shift"):
            width = len(simulator.netlist.inputs[port])
            simulator.set(port, to_words(rng.integers(0, SHIFT_MOST, RUNS), width))

    return _replayed(DotUnit(core, structural=True), library, period_s, fill, GROUP, progress)


def tables(core: Core, library: Library, period_s: float, progress: Progress | None = None) -> Part:
    """Those of one group of one column, for all rows of a tile; energy of a multiply-accumulate of one row."""

    def fill(simulator: Simulator, rng: np.random.Generator) -> None:
        ones(simulator, "enable")
        simulator.set("values", normal_codes(rng, GROUP))

    return _replayed(ColumnTables(core), library, period_s, fill, GROUP, progress)


def keys(core: Core, library: Library, period_s: float, progress: Progress | None = None) -> Part:
    """Those of a block's codes, for all columns; energy of a multiply-accumulate of one column."""

    def fill(simulator: Simulator, rng: np.random.Generator) -> None:
        ones(simulator, "enable")
        random_bits(simulator, rng, "codes")

    return _replayed(RowKeys(core), library, period_s, fill, GROUP, progress)


def lane(library: Library, period_s: float, progress: Progress | None = None) -> Part:
    def fill(simulator: Simulator, rng: np.random.Generator) -> None:
        for port in ("multiply", "add", "load_a", "load_p", "load_q"):
            ones(simulator, port)
        for port in ("a", "p", "q"):
            simulator.set(port, _normal_floats(rng))

    return _replayed(Lane(structural=True), library, period_s, fill, 1, progress)


def function_unit(library: Library, period_s: float, progress: Progress | None = None) -> Part:
    """Any of its functions."""

    def fill(simulator: Simulator, rng: np.random.Generator) -> None:
        ones(simulator, "enable")
        random_bits(simulator, rng, "kind")
        simulator.set("x", _normal_floats(rng))

    return _replayed(FunctionUnit(), library, period_s, fill, 1, progress)


def weight_codes(library: Library, period_s: float, progress: Progress | None = None) -> Part:
    """A word is a step: 4-bit codes of a port as wide as the tile."""

    def fill(simulator: Simulator, rng: np.random.Generator) -> None:
        ones(simulator, "load")
        random_bits(simulator, rng, "word")

    return _replayed(WeightCodes(CODES_CORE), library, period_s, fill, CODES_CORE.port_bytes, progress)


def _replayed(
    design: Any, library: Library, period_s: float, fill: _Fill, per_cycle: int, progress: Progress | None
) -> Part:
    mapped = map_cells(to_rtlil(design, "part"), "part", library, period_s=period_s, progress=progress)
    simulator, rng = Simulator(mapped.netlist, WORDS), np.random.default_rng(1)
    energy = replay_energy(analysis(mapped), simulator, CYCLES, lambda _: fill(simulator, rng))
    return Part(mapped, energy, per_cycle)


def random_bits(simulator: Simulator, rng: np.random.Generator, *ports: str) -> None:
    for port in ports:
        bits = len(simulator.netlist.inputs[port])
        simulator.set(port, rng.integers(0, 2**64, (bits, WORDS), dtype=np.uint64))


def ones(simulator: Simulator, port: str) -> None:
    simulator.set(port, np.full((len(simulator.netlist.inputs[port]), WORDS), 2**64 - 1, np.uint64))


def normal_values(rng: np.random.Generator, count: int, bits: int = 8) -> np.ndarray:
    """int64 [count, runs]: activations in codes of `bits`."""
    most = (1 << bits - 1) - 1
    return np.clip(np.rint(rng.normal(0, DEVIATION * most, (count, RUNS))), -most, most).astype(np.int64)


def as_words(numbers: np.ndarray, bits: int) -> np.ndarray:
    """Of numbers [count, runs]."""
    return np.concatenate([to_words(row & (1 << bits) - 1, bits) for row in numbers])


def normal_codes(rng: np.random.Generator, count: int, bits: int = 8) -> np.ndarray:
    return as_words(normal_values(rng, count, bits), bits)


def table_words(rng: np.random.Generator, bits: int = VALUE_BITS, mu: int = MU) -> np.ndarray:
    """The sums of 32 new values, as tables hold them (sartor/rtl/lut.py)."""
    x = normal_values(rng, GROUP, bits)
    sums = np.zeros((len(sizes(GROUP, mu)), 1 << mu - 1, RUNS), np.int64)
    for g, size in enumerate(sizes(GROUP, mu)):
        mine = x[mu * g :][:size]
        for k in range(1 << size - 1):
            sums[g, k] = mine[-1] + sum((mine[i] if k >> i & 1 else -mine[i]) for i in range(size - 1))
    return as_words(sums.reshape(-1, RUNS), entry_bits(bits, mu))


def _normal_floats(rng: np.random.Generator) -> np.ndarray:
    return to_words(rng.normal(0, 1, RUNS).astype(np.float32).view(np.uint32).astype(np.int64), 32)


SHARED = {"tables": tables, "keys": keys}  # of engine `lut`
