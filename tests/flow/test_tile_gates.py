"""A whole tile as cells of a real library, carry-save trees and all, replayed beside its RTL in Verilator."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from tiny import real

from sartor.api import alike
from sartor.families.tensor.core import ACCUMULATOR_BITS, GROUP, Core
from sartor.families.tensor.isa import Scale
from sartor.families.tensor.rtl.tile import Tile, latency
from sartor.flow import Mapped, Simulator, analysis, map_cells, read_library, replay_energy, to_rtlil
from sartor.flow.netlist import Netlist
from tests.verilate import Verilated

pytest.importorskip("pyosys", reason="needs Yosys: pip install pyosys")

CORE = Core(rows=2, lanes=32, columns=2)
LATENCY = latency(CORE)
RUNS, STEPS = 64, 48  # runs side by side in the gates, one after the other in Verilator
CYCLES = LATENCY + STEPS + LATENCY + 2
FLAGS = ("valid", "half", "final", "first", "last", "end")


@dataclass(frozen=True)
class Vectors:
    """What goes into the ports: [runs, cycles] of Python's integers."""

    ports: dict[str, np.ndarray]

    def one_after_the_other(self) -> dict[str, list[int]]:
        return {name: [int(v) for v in values.reshape(-1)] for name, values in self.ports.items()}

    def side_by_side(self, name: str, cycle: int, bits: int) -> np.ndarray:
        """The words of a port for the simulator of gates: [bits, 1]."""
        size = -(-bits // 8)
        rows = np.frombuffer(b"".join(int(v).to_bytes(size, "little") for v in self.ports[name][:, cycle]), np.uint8)
        planes = np.unpackbits(rows.reshape(RUNS, size), axis=1, bitorder="little")[:, :bits].T
        return np.ascontiguousarray(np.packbits(planes, axis=1, bitorder="little")).view(np.uint64)


def wide(rng: np.random.Generator, bits: int) -> int:
    return int.from_bytes(rng.bytes(-(-bits // 8)), "little") & (1 << bits) - 1


def vectors(tile: Any, rng: np.random.Generator) -> Vectors:
    """Row tiles of a few folds, with pauses; every run has its own format. Runs end with an empty pipeline."""
    sizes = {name: len(getattr(tile, name).as_value()) if hasattr(getattr(tile, name), "as_value")
             else len(getattr(tile, name)) for name in ("codes", "d", "m", "fold")}  # fmt: skip
    made: dict[str, np.ndarray] = {
        name: np.zeros((RUNS, CYCLES), object) for name in ("code8", "scale", "top", "columns", "step", *sizes)
    }
    for run in range(RUNS):
        code8, scale = int(rng.integers(2)), int(rng.choice([Scale.SCALE.value, Scale.SCALE_MINIMUM.value]))
        still = {"code8": code8, "scale": scale, "top": rng.integers(16, 32), "columns": rng.integers(1, 3)}
        for name, value in still.items():
            made[name][run] = int(value)
        beats, folds = [], int(rng.integers(1, 4))
        while len(beats) < STEPS:
            for fold in range(folds):
                inputs = {name: wide(rng, sizes[name]) for name in ("d", "m", "fold")}
                for half in range(1 + code8):
                    final = half == code8
                    flags = (1, half, final, fold == 0, final and fold == folds - 1, 0)
                    beats.append((flags, {**inputs, "codes": wide(rng, sizes["codes"])}))
        cycle = LATENCY + 1
        for flags, inputs in beats:
            cycle += int(rng.random() < 0.2)
            if cycle >= CYCLES - LATENCY - 2:
                break
            made["step"][run, cycle] = sum(int(flag) << i for i, flag in enumerate(flags))
            for name, value in inputs.items():
                made[name][run, cycle + 1] = value
            cycle += 1
    return Vectors(made)


@pytest.fixture(scope="module")
def tile() -> Tile:
    return Tile(CORE)


@pytest.fixture(scope="module")
def given(tile: Tile) -> Vectors:
    return vectors(tile, np.random.default_rng(3))


@pytest.fixture(scope="module")
def rtl(tile: Tile, given: Vectors) -> dict[str, np.ndarray]:
    """What ends in each cycle, and the accumulators: [runs, cycles, ...]."""
    run = Verilated(tile, "tile").run(RUNS * CYCLES, given.one_after_the_other())
    return {name: run[name].reshape(RUNS, CYCLES, -1) for name in ("full", "sums")}


@pytest.fixture(scope="module")
def mapped() -> Mapped:
    rtlil, _ = alike.merged(to_rtlil(Tile(CORE, structural=True), "tile"), "tile")
    return map_cells(rtlil, "tile", read_library(real("asap7")), period_s=1e-9)


class Replay:
    """The gates beside the RTL: row tiles that ended, and accumulators that were wrong."""

    def __init__(self, netlist: Netlist, given: Vectors, rtl: dict[str, np.ndarray]) -> None:
        self.simulator, self.given, self.rtl = Simulator(netlist, RUNS // 64), given, rtl
        self.ended = self.wrong = 0
        # Accumulators [runs, rows x columns] of columns that are used.
        self.active = np.tile(np.arange(CORE.columns) < given.ports["columns"][:, :1].astype(int), CORE.rows)

    def drive(self, cycle: int) -> None:
        simulator = self.simulator
        for name in self.given.ports:
            simulator.set(name, self.given.side_by_side(name, cycle, len(simulator.netlist.inputs[name])))
        simulator.settle()
        if cycle > LATENCY:
            self.compare(cycle)

    def compare(self, cycle: int) -> None:
        ended = bits_of(self.simulator.get("full"))[:, 0].astype(bool)
        self.wrong += int((ended != self.rtl["full"][:, cycle, 0].astype(bool)).sum())
        got = bits_of(self.simulator.get("sums"))
        want = np.ascontiguousarray(self.rtl["sums"][:, cycle].astype("<u4")).view(np.uint8)
        want = np.unpackbits(want, axis=1, bitorder="little")[:, : got.shape[1]]
        shown = (ended[:, None] & self.active).repeat(ACCUMULATOR_BITS, 1)
        self.wrong += int((got != want)[shown].sum())
        self.ended += int(ended.sum())


@pytest.mark.slow
@pytest.mark.long
def test_the_gates_of_a_tile_do_what_its_rtl_does(rtl: dict[str, np.ndarray], given: Vectors, mapped: Mapped) -> None:
    assert mapped.timing.slack_s >= 0, f"{mapped.timing.fmax_hz / 1e9:.2f} GHz"
    replay = Replay(mapped.netlist, given, rtl)
    energy = replay_energy(analysis(mapped), replay.simulator, CYCLES - 4, replay.drive)
    assert replay.wrong == 0 and replay.ended > RUNS * 4
    # A MAC of 4 or 8 bits: 50 and 100 fJ by the replay of a dot unit alone, in every cycle; here in some.
    assert 10e-15 < energy.cycle_j / (CORE.dot_units * CORE.columns * GROUP) < 100e-15


@pytest.mark.slow
@pytest.mark.long
def test_one_gate_for_another_is_noticed(mapped: Mapped, given: Vectors, rtl: dict[str, np.ndarray]) -> None:
    """A NOR where a NAND belongs, at four places of the tile."""
    netlist, cells = mapped.netlist, mapped.netlist.library.cells
    places = [i for i, one in enumerate(netlist.instances) if one.cell.name == "NAND2xp33_ASAP7_75t_R"]
    for place in places[:: len(places) // 4]:
        instances = list(netlist.instances)
        instances[place] = replace(instances[place], cell=cells["NOR2xp33_ASAP7_75t_R"])
        broken = Replay(replace(netlist, instances=tuple(instances)), given, rtl)
        for cycle in range(CYCLES - 4):
            broken.drive(cycle)
            broken.simulator.clock()
        assert broken.wrong, netlist.instances[place]


def bits_of(words: np.ndarray) -> np.ndarray:
    """[bits, words] to [runs, bits]."""
    return np.unpackbits(np.ascontiguousarray(words).view(np.uint8), axis=1, bitorder="little")[:, :RUNS].T
