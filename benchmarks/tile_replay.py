"""A whole tile as cells, replayed with a layer of a real model: energy of a multiply-add against the sum of its parts.

    python benchmarks/tile_replay.py LIBERTY [FORMAT | "FORMAT lut" ...] [--write]

A tile of 4 x 32 x 2 is mapped at 1 GHz, one that reads tables at 0.9 of what its dot units keep alone: a period that
nothing keeps is tried with every effort, and takes many times as long. It takes what the golden model takes: the
weights of the first layer of SmolLM2-135M-Instruct (in Q4_1 as they are, else rounded to the format) and the
activations of two tokens of a prompt; 64 stretches of each matrix side by side, every accumulator compared with the
golden model's. Energy is counted as for a unit (units.csv): toggles once a cycle, no glitches, no wires, no clock tree.
The sum of parts is what the estimate takes of cells: the unit's energy of a multiply-add, with `lut` its share of
tables and keys. `--write` puts the rows into sartor/data/measured/tile_replay.csv.
"""

from __future__ import annotations

import csv
import datetime
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tile_replay_ports import IDLE, RUNS, Matrix, as_bits, chip, driven, matrices

from sartor.api import alike
from sartor.errors import CheckFailed
from sartor.families.tensor.core import ACCUMULATOR_BITS, Core
from sartor.families.tensor.datapath import datapath_of, mac_j, slowest_part
from sartor.families.tensor.design import Designs
from sartor.families.tensor.rtl.tile import Tile as TileRtl
from sartor.families.tensor.sizing import core_of
from sartor.families.tensor.spec import from_chip
from sartor.flow import Library, Mapped, Simulator, analysis, map_cells, read_library, replay_energy, to_rtlil
from sartor.formats.decode import Element
from sartor.tech.technology import NOMINAL

FOUND = ("q4_1", "int8-g32", "fp8-e4m3", "q4_1 lut")
COLUMNS = ("library", "format", "matrix", "macs", "energy_j", "parts_j", "ratio", "date", "source")
WRITTEN = Path(__file__).parents[1] / "sartor" / "data" / "measured" / "tile_replay.csv"


def replayed(core: Core, mapped: Mapped, of: Matrix) -> tuple[int, float]:
    """Multiply-adds, and the energy of one (J)."""
    simulator, (ports, tiles, full) = Simulator(mapped.netlist, 1), driven(core, of)
    still = {"code8": int(core.wide(Element(of.instruction.element))), "scale": int(of.instruction.scale),
             "top": of.instruction.exponent, "columns": of.instruction.columns}  # fmt: skip
    for name, value in still.items():
        bits = as_bits(value, len(simulator.netlist.inputs[name]))[:, None]
        simulator.set(name, bits.astype(np.uint64) * np.uint64(2**64 - 1))
    ended: list[np.ndarray] = []

    def drive(cycle: int) -> None:
        for name, words in ports.items():
            simulator.set(name, words[cycle])
        if cycle in full:
            simulator.settle()
            if not simulator.get("full").all():
                raise CheckFailed(f"tile replay: {of.instruction.label}: no row tile ends in cycle {cycle}")
            ended.append(sums_of(core, simulator))

    cycles = len(ports["step"]) - IDLE
    energy = replay_energy(analysis(mapped), simulator, cycles, drive, warm_up=IDLE)
    check(core, of, tiles, ended)
    macs = tiles.shape[1] * of.instruction.folds * core.rows * core.lanes * core.columns
    return macs * RUNS, energy.cycle_j * cycles / macs


def sums_of(core: Core, simulator: Simulator) -> np.ndarray:
    """Accumulators [runs, rows, columns]."""
    words = np.ascontiguousarray(simulator.get("sums")).view(np.uint8)
    bits = np.unpackbits(words, axis=1, bitorder="little").reshape(core.rows, core.columns, ACCUMULATOR_BITS, RUNS)
    weights = np.int64(1) << np.arange(ACCUMULATOR_BITS, dtype=np.int64)
    weights[-1] *= -1
    return np.einsum("rcbt,b->trc", bits.astype(np.int64), weights)


def check(core: Core, of: Matrix, tiles: np.ndarray, ended: list[np.ndarray]) -> None:
    """The gates' accumulators are the golden model's."""
    wanted = of.sums.T.reshape(-1, core.rows, core.columns)[tiles]  # [runs, tiles, rows, columns]
    got = np.stack(ended, 1)
    if got.shape != wanted.shape or not np.array_equal(got, wanted.astype(np.int64)):
        raise CheckFailed(f"tile replay: accumulators of {of.instruction.label} are not the golden model's")


def rows(library: Library, form: str) -> Iterator[dict[str, str]]:
    built = chip(*form.split())
    core, designs = core_of(built), from_chip(built)
    rtlil, _ = alike.merged(to_rtlil(TileRtl(core, structural=True), "tile"), "tile")
    mapped = map_cells(rtlil, "tile", library, period_s=period_s(datapath_of(designs), designs))
    print(f"{form}: {mapped.area_um2:,.0f} um2, {mapped.timing.fmax_hz / 1e9:.2f} GHz", flush=True)
    parts_j = float(mac_j(NOMINAL, datapath_of(designs), designs))
    source = f"python benchmarks/tile_replay.py: {library.name}; a tile of 4 x 32 x 2, cells only"
    for name, of in matrices(form.split()[0]).items():
        macs, joules = replayed(core, mapped, of)
        print(f"  {name:24} {joules * 1e15:6.1f} fJ, {joules / parts_j:.2f} of {parts_j * 1e15:.1f}", flush=True)
        figures = {"energy_j": joules, "parts_j": parts_j, "ratio": joules / parts_j}
        yield {"library": "asap7", "format": form, "matrix": name, "macs": str(macs),
               **{k: f"{v:.4g}" for k, v in figures.items()},
               "date": f"{datetime.date.today():%Y-%m}", "source": source}  # fmt: skip


def period_s(datapath: int, designs: Designs) -> float:
    """1 ns where the dot units keep it by themselves; else theirs, and a tenth for what a tile has around them."""
    _, alone_hz = slowest_part(datapath, designs)
    return 1e-9 if alone_hz >= 1e9 else 1 / (0.9 * alone_hz)


def main(arguments: list[str]) -> None:
    """Each format is kept as soon as it is done."""
    library = read_library(arguments[0])
    for form in [a for a in arguments[1:] if a != "--write"] or FOUND:
        made = list(rows(library, form))
        if "--write" in arguments:
            write(form, made)


def write(form: str, made: list[dict[str, str]]) -> None:
    kept = list(csv.DictReader(WRITTEN.read_text().splitlines())) if WRITTEN.exists() else []
    with WRITTEN.open("w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        out.writeheader()
        out.writerows([row for row in kept if row["format"] != form] + made)


if __name__ == "__main__":
    main(sys.argv[1:])
