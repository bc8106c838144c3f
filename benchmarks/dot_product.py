"""The dot products of the tile and their scale multiplier on a liberty file: area, clock, energy.

    python benchmarks/dot_product.py LIBERTY [PERIOD_NS]

Cell figures: no wires, no clock tree, no glitches. The codes stay, the values are random in every cycle.
"""

from __future__ import annotations

import sys

import numpy as np

from sartor.flow import (
    Mapped,
    Simulator,
    analysis,
    from_words,
    map_cells,
    read_library,
    replay_energy,
    to_rtlil,
    to_words,
)  # fmt: skip
from sartor.rtl.dot import DotProduct
from sartor.rtl.multiply import Multiplier

WORDS, CYCLES = 4, 32


def energy_per_mac_j(design: DotProduct, mapped: Mapped) -> float:
    """J per MAC of a replay whose totals are checked against NumPy."""
    rng, runs = np.random.default_rng(1), 64 * WORDS
    simulator, totals = Simulator(mapped.netlist, WORDS), list[np.ndarray]()
    codes = rng.integers(0, 2**design.code_bits, (design.lanes, runs))
    simulator.set("codes", np.concatenate([to_words(c, design.code_bits) for c in codes]))

    def drive(cycle: int) -> None:
        if design.latency and len(totals) >= design.latency:
            found = from_words(simulator.get("total"), runs, signed=True)
            assert (found == totals[-design.latency]).all(), "the netlist is wrong"
        values = rng.integers(-(2 ** (design.value_bits - 1)), 2 ** (design.value_bits - 1), codes.shape)
        simulator.set("values", np.concatenate([to_words(v, design.value_bits) for v in values]))
        totals.append((codes * values).sum(axis=0))

    return replay_energy(analysis(mapped), simulator, CYCLES, drive).cycle_j / design.lanes


def main(path: str, period_ns: float = 1.0) -> None:
    library = read_library(path)
    print(f"{library.name}, {library.voltage_v} V, {period_ns} ns")
    for bits, registers in ((4, 1), (4, 2), (8, 1), (8, 2)):
        design = DotProduct(code_bits=bits, registers=registers, structural=True)
        mapped = map_cells(to_rtlil(design, "dot"), "dot", library, period_s=period_ns * 1e-9)
        joules = energy_per_mac_j(design, mapped)
        print(
            f"32 x {bits} x 8 bits, {registers} registers: {mapped.area_um2:.1f} um2, "
            f"{mapped.area_um2 / 32:.2f} um2/MAC, {mapped.timing.fmax_hz / 1e9:.2f} GHz, "
            f"{joules * 1e15:.1f} fJ/MAC"
        )
    for a, b in ((20, 12), (13, 12)):
        product = Multiplier(a_bits=a, b_bits=b, structural=True)
        mapped = map_cells(to_rtlil(product, "multiplier"), "multiplier", library, period_s=period_ns * 1e-9)
        print(f"{a} x {b} bits: {mapped.area_um2:.1f} um2, {mapped.timing.fmax_hz / 1e9:.2f} GHz")


if __name__ == "__main__":
    main(sys.argv[1], *(float(a) for a in sys.argv[2:3]))
