"""The chips, slices of a model and passes that rtl_cycles.py counts: the RTL's cycles beside those of the estimate."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from sartor.chip.spec import Chip, Memory, Tile
from sartor.compiler.binary import compile_network
from sartor.compiler.gguf import network
from sartor.families import priced
from sartor.families.tensor.network import Network
from sartor.families.tensor.sizing import core_of
from sartor.families.tensor.start import Start
from sartor.sim import memory_timing
from sartor.sim.results import RunResult
from sartor.sim.simulator import Simulator
from sartor.workload import fetch
from sartor.workload.derive import operators
from sartor.workload.find import find_model
from sartor.workload.model import Model
from sartor.workload.step import Step

CONTEXT = 512
MODEL, CLASSES = "smollm2-135m-q4_1", ("vector", "mm_cache", "mm_weights")
RUNS = 16  # of each pass, evenly spread over the time between two refreshes: one is a tenth of a short attention
# rows, lanes, columns, vector lanes, weights, scratchpad KiB, FIFO KiB, port bytes
CORES = (
    (2, 32, 1, 4, "q4_1", 64, 16, 32), (4, 32, 2, 8, "q4_1", 128, 32, 64), (8, 32, 1, 16, "q8_0", 64, 64, 64),
    (4, 64, 1, 2, "q4_1", 64, 8, 128), (16, 32, 4, 32, "q4_1", 128, 64, 128),
)  # fmt: skip
# Memory, share of the port's bytes a cycle that it carries, clock: the port stays the same.
MEMORIES = (("lpddr4x", 0.55, 450e6), ("lpddr5x", 0.95, 800e6), ("lpddr5", 0.75, 300e6), ("hbm2e", 0.6, 1e9))
POSITIONS = (10, 440), 64  # tokens in the cache: of decoded tokens, of a chunk of a prompt


def chips(memories: tuple[tuple[str, float, float], ...] = MEMORIES) -> Iterator[Chip]:
    for r, lanes, c, v, weights, scratch, fifo, port in CORES:
        for kind, share, clock in memories:
            tile = Tile(r, lanes, c, v, weights, scratchpad_bytes=scratch * 1024, fifo_bytes=fifo * 1024)
            memory = Memory(kind, 1, 4e9, port * share * clock)
            yield Chip(f"{r}x{lanes}x{c}-v{v}-{kind}", "tensor", "N7", clock, memory, tile=tile)


def sliced(layers: int, rows: int) -> tuple[Network, Model]:
    net = network(fetch.smollm2()).slice(layers, rows)
    model = find_model(MODEL)
    layer = dataclasses.replace(model.layers[0], count=layers)
    return net, dataclasses.replace(model, layers=(layer,), vocabulary=rows, name=f"{net.name} x {rows}")


def estimated(chip: Chip, model: Model, step: Step) -> dict[str, float]:
    """Cycles of a pass, and of its classes."""
    phase = "decode" if step.tokens == 1 else "prefill"
    done = priced(chip).replica(1, model.formats).phase(operators(model, phase), step, keep=True)
    f = chip.clock_hz
    ops = [o for o in done.operators if step.tokens == 1 or o.name != "head"]
    total = float(done.latency_s) * f - sum(float(o.latency_s) * f for o in done.operators if o not in ops)
    vector = sum(float(o.vector_s) for o in ops) * f
    cache = sum(float(o.compute_s) for o in ops if o.name == "attention") * f
    return {"cycles": total, "vector": vector, "mm_cache": cache, "mm_weights": total - vector - cache}


def passes(
    chip: Chip, net: Network, model: Model, positions: tuple[tuple[int, ...], int] = POSITIONS
) -> Iterator[dict[str, Any]]:
    """Decode at two contexts; a batch and prefill of one chunk where there are columns."""
    core = core_of(chip)
    binary = compile_network(core, net, CONTEXT, sequences=core.columns)
    simulator = Simulator(core, binary.image, memory_timing.of_chip(chip))
    simulator.load(binary.program.instructions, binary.program.constants)
    decoded, prompt = positions
    program, rows = binary.program, tuple(binary.row(t) for t in range(core.columns))
    starts = [(Start(program.decode, (at,), rows), 1) for at in decoded]
    if core.columns > 1:
        caches = tuple(binary.memory.cache_of(place) for place in range(core.columns))
        at = tuple(np.linspace(*decoded, core.columns).astype(int).tolist())
        starts += [(Start(program.batch, at, rows, caches), 1), (Start(program.prefill, (prompt,), rows), core.columns)]
    for start, tokens in starts:
        got = Mean(list(runs(simulator, start)))
        steps = [Step(start.batch, tokens, at) for at in start.positions]
        yield {
            **row(chip, model, steps, got, mean([estimated(chip, model, step) for step in steps])),
            "kept": kept(chip, MODEL, model, steps[0], got) if len(set(start.positions)) == 1 else None,
        }


def mean(each: list[dict[str, float]]) -> dict[str, float]:
    """Of sequences at positions of their own: each has its share of the attention."""
    return {name: float(np.mean([one[name] for one in each])) for name in each[0]}


def runs(simulator: Simulator, start: Start) -> Iterator[RunResult]:
    for run in range(RUNS):
        simulator.wait((run + 0.5) / RUNS)
        yield simulator.start(start)


class Mean:
    """Of some runs of a pass: cycles, in all and by class, utilization of the memory."""

    def __init__(self, runs: list[RunResult]) -> None:
        self.cycles = round(np.mean([r.cycles for r in runs]))
        cache, weights = (round(np.mean([r.counters[name] for r in runs])) for name in CLASSES[1:])
        self.counters = dict(zip(CLASSES, (self.cycles - cache - weights, cache, weights), strict=True))
        self.utilization = float(np.mean([r.memory.utilization for r in runs]))


def counted(got: Mean | int) -> dict[str, Any]:
    if isinstance(got, int):
        return {"cycles": got, **dict.fromkeys(CLASSES, "")}
    return {"cycles": got.cycles, **{each: got.counters[each] for each in CLASSES}}


def row(chip: Chip, model: Model, steps: list[Step], got: Mean, expected: dict[str, float]) -> dict[str, Any]:
    counted = {"cycles": got.cycles, **got.counters}
    return {
        "chip": chip.name, "slice": model.name, "batch": steps[0].batch, "tokens": steps[0].tokens,
        "position": steps[-1].context, "rtl": got.cycles,
        "estimate": round(expected["cycles"]), "utilization": got.utilization,
        "errors": {name: expected[name] / counted[name] - 1 for name in counted},  # of its own cycles
        "of_pass": {name: (expected[name] - counted[name]) / got.cycles for name in counted},
    }  # fmt: skip


def kept(chip: Chip, name: str, model: Model, step: Step, got: Mean | int) -> dict[str, Any]:
    """The pass over a slice of the model `name` in the form of docs/validation.md, kind `rtl`; of all sequences at one
    position. `got`: cycles alone where those of classes are not known."""
    tile, memory, timing = chip.tile, chip.memory, memory_timing.of_chip(chip)
    assert tile is not None
    return {
        "rows": tile.rows, "lanes": tile.lanes, "columns": tile.columns, "vector_lanes": tile.vector_lanes,
        "weights": tile.weights, "scratchpad_kib": tile.scratchpad_bytes // 1024, "fifo_kib": tile.fifo_bytes // 1024,
        "clock_mhz": round(chip.clock_hz / 1e6), "memory": memory.kind,
        "gb_per_s": f"{memory.bandwidth_bytes_per_s / 1e9:.6g}", "efficiency": f"{timing.efficiency:.6g}",
        "latency_cycles": timing.latency, "break_bytes": timing.break_bytes,
        "refresh_ns": f"{timing.refresh_interval / chip.clock_hz * 1e9:.6g}", "model": name,
        "layers": model.layers[0].count, "vocabulary": model.vocabulary, "batch": step.batch, "tokens": step.tokens,
        "position": step.context, **counted(got),
    }  # fmt: skip
