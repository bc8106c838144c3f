"""The cycles that the search believes against those that the RTL takes, on varied chips and slices of SmolLM2.

    python benchmarks/rtl_cycles.py [--json] [--write | --unseen] [--cores 5]

Five cores, each built once, with four memories and clocks each: twenty chips; three slices of the model with its own
weights; decode at a short and at a long context, and a chunk of prefill. Cycles are the mean over where the memory's
refreshes fall: a pass is run at times evenly spread from one to the next. Classes of instructions are against their own
cycles, and as shares of the pass; `vector` is all that is no matrix. Exit 1 beyond the goal: 2 % of a pass at worst; of
a class of instructions 2.5 % in the median, 5 % at the 90th percentile, and 1 % of the pass at worst. `--write` keeps
the rows, with the timings of their memory, in sartor/data/measured/rtl.csv, from which `sartor validate rtl` has its
errors. `--unseen`: memories, clocks and positions that the formulas were not made on, one slice; nothing is kept.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sartor.chip.spec import Chip, Memory, Tile
from sartor.compiler.binary import compile_network
from sartor.compiler.gguf import network
from sartor.families import priced
from sartor.families.tensor.network import Network
from sartor.families.tensor.sizing import core_of
from sartor.sim import memory_timing
from sartor.sim.results import RunResult
from sartor.sim.simulator import Simulator
from sartor.workload import fetch
from sartor.workload.derive import operators
from sartor.workload.find import find_model
from sartor.workload.model import Model
from sartor.workload.step import Step

KEPT = Path(__file__).parents[1] / "sartor" / "data" / "measured" / "rtl.csv"
CONTEXT = 512
MODEL, CLASSES = "smollm2-135m-q4_1", ("vector", "mm_cache", "mm_weights")
PASS_OF = (
    "rows", "lanes", "columns", "vector_lanes", "weights", "memory", "model", "layers", "vocabulary", "tokens",
    "position",
)  # fmt: skip
RUNS = 16  # of each pass, evenly spread over the time between two refreshes: one is a tenth of a short attention
PASS = {"median": 0.005, "worst": 0.02}
CLASS = {"median": 0.025, "p90": 0.05, "of_pass": 0.01}
# rows, lanes, columns, vector lanes, weights, scratchpad KiB, FIFO KiB, port bytes
CORES = (
    (2, 32, 1, 4, "q4_1", 64, 16, 32), (4, 32, 2, 8, "q4_1", 128, 32, 64), (8, 32, 1, 16, "q8_0", 64, 64, 64),
    (4, 64, 1, 2, "q4_1", 64, 8, 128), (16, 32, 4, 32, "q4_1", 128, 64, 128),
)  # fmt: skip
# Memory, share of the port's bytes a cycle that it carries, clock: the port stays the same.
MEMORIES = (("lpddr4x", 0.55, 450e6), ("lpddr5x", 0.95, 800e6), ("lpddr5", 0.75, 300e6), ("hbm2e", 0.6, 1e9))
POSITIONS = (10, 440), 64  # tokens in the cache: of decoded tokens, of a chunk of a prompt
# None of these was looked at when the formulas were made.
UNSEEN = (("gddr6", 0.8, 700e6), ("hbm3", 0.45, 1.2e9), ("ddr5", 0.35, 600e6), ("lpddr5x", 0.6, 1e9))
UNSEEN_POSITIONS = (100, 300), 200
SLICES = ((1, 2048), (2, 512), (1, 8192))  # layers, rows of the vocabulary


def chips(memories: tuple[tuple[str, float, float], ...] = MEMORIES) -> Iterator[Chip]:
    for r, lanes, c, v, weights, scratch, fifo, port in CORES:
        for kind, share, clock in memories:
            tile = Tile(
                r,
                lanes,
                c,
                v,
                weights,
                kv="int8-g32",
                scratchpad_bytes=scratch * 1024,
                fifo_bytes=fifo * 1024,
            )
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
    """Decode at two contexts, and prefill of one chunk where there are columns."""
    core = core_of(chip)
    binary = compile_network(core, net, CONTEXT)
    simulator = Simulator(core, binary.image, memory_timing.of_chip(chip))
    simulator.load(binary.program.instructions, binary.program.constants)
    decoded, prompt = positions
    steps = [(binary.program.decode, at, Step(1, 1, at)) for at in decoded]
    if core.columns > 1:
        steps.append((binary.program.prefill, prompt, Step(1, core.columns, prompt)))
    for entry, position, step in steps:
        tokens = [binary.row(t) for t in range(core.columns)]
        got = Mean(list(runs(simulator, entry, position, tokens)))
        yield {
            **row(chip, model, position, step, got, estimated(chip, model, step)),
            "kept": kept(chip, model, position, step, got),
        }


def runs(simulator: Simulator, entry: int, position: int, tokens: list[int]) -> Iterator[RunResult]:
    for run in range(RUNS):
        simulator.wait((run + 0.5) / RUNS)
        yield simulator.run(entry, position, tokens)


class Mean:
    """Of some runs of a pass: cycles, in all and by class, utilization of the memory."""

    def __init__(self, runs: list[RunResult]) -> None:
        self.cycles = round(np.mean([r.cycles for r in runs]))
        cache, weights = (round(np.mean([r.counters[name] for r in runs])) for name in CLASSES[1:])
        self.counters = dict(zip(CLASSES, (self.cycles - cache - weights, cache, weights), strict=True))
        self.utilization = float(np.mean([r.memory.utilization for r in runs]))


def row(
    chip: Chip, model: Model, position: int, step: Step, got: Mean, expected: dict[str, float]
) -> dict[str, Any]:
    counted = {"cycles": got.cycles, **got.counters}
    return {
        "chip": chip.name, "slice": model.name, "tokens": step.tokens, "position": position, "rtl": got.cycles,
        "estimate": round(expected["cycles"]), "utilization": got.utilization,
        "errors": {name: expected[name] / counted[name] - 1 for name in counted},  # of its own cycles
        "of_pass": {name: (expected[name] - counted[name]) / got.cycles for name in counted},
    }  # fmt: skip


def kept(chip: Chip, model: Model, position: int, step: Step, got: Mean) -> dict[str, Any]:
    """The pass in the form of docs/validation.md, kind `rtl`."""
    tile, memory, timing = chip.tile, chip.memory, memory_timing.of_chip(chip)
    assert tile is not None
    return {
        "rows": tile.rows, "lanes": tile.lanes, "columns": tile.columns, "vector_lanes": tile.vector_lanes,
        "weights": tile.weights, "scratchpad_kib": tile.scratchpad_bytes // 1024, "fifo_kib": tile.fifo_bytes // 1024,
        "clock_mhz": round(chip.clock_hz / 1e6), "memory": memory.kind,
        "gb_per_s": f"{memory.bandwidth_bytes_per_s / 1e9:.6g}", "efficiency": f"{timing.efficiency:.6g}",
        "latency_cycles": timing.latency, "break_bytes": timing.break_bytes,
        "refresh_ns": f"{timing.refresh_interval / chip.clock_hz * 1e9:.6g}", "model": MODEL,
        "layers": model.layers[0].count, "vocabulary": model.vocabulary, "tokens": step.tokens, "position": position,
        "cycles": got.cycles, **{name: got.counters[name] for name in CLASSES},
    }  # fmt: skip


def write(rows: list[dict[str, Any]], path: Path = KEPT) -> None:
    """In the place of the same passes in the file; the others stay."""
    with path.open(newline="", encoding="utf-8") as file:
        lines = {_pass_of(line): line for line in csv.DictReader(file)}
    lines |= {_pass_of(r["kept"]): r["kept"] for r in rows}
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]["kept"]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines.values())


def _pass_of(line: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(line[name]) for name in PASS_OF)


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    errors = {
        f"{phase} {name}": _spread([r for r in rows if (r["tokens"] == 1) == (phase == "decode")], name)
        for phase in ("decode", "prefill")
        if any((r["tokens"] == 1) == (phase == "decode") for r in rows)
        for name in rows[0]["errors"]
    }
    return {
        "n": len(rows), "chips": len({r["chip"] for r in rows}), "slices": len({r["slice"] for r in rows}),
        "errors": errors,
    }  # fmt: skip


def _spread(rows: list[dict[str, Any]], name: str) -> dict[str, float]:
    """Of absolute errors; `of_pass`: the worst as a share of the pass."""
    own, of_pass = (np.abs([r[kind][name] for r in rows]) for kind in ("errors", "of_pass"))
    median, p90 = np.quantile(own, [0.5, 0.9])
    found = {"median": median, "p90": p90, "worst": own.max(), "of_pass": of_pass.max()}
    return {key: round(float(value), 5) for key, value in found.items()}


def met(found: dict[str, Any]) -> bool:
    return all(
        each[figure] <= most
        for name, each in found["errors"].items()
        for figure, most in (PASS if name.endswith("cycles") else CLASS).items()
    )


def rows_of(turns: bool = False, cores: int = len(CORES), keep: bool = False) -> list[dict[str, Any]]:
    """The chips of the first `cores` with all slices; with `turns` each chip with one of them, in turn. `keep` writes
    them chip by chip."""
    cut = [sliced(*s) for s in SLICES]
    found = []
    for i, chip in enumerate(list(chips())[: cores * len(MEMORIES)]):
        for net, model in cut[i % len(cut) :][:1] if turns else cut:
            for r in passes(chip, net, model):
                found.append(r)
                show(r)
        if keep:
            write(found)
    return found


def unseen(cores: int) -> list[dict[str, Any]]:
    net, model = sliced(1, 512)
    found = []
    for chip in list(chips(UNSEEN))[: cores * len(UNSEEN)]:
        for r in passes(chip, net, model, UNSEEN_POSITIONS):
            found.append(r)
            show(r)
    return found


def show(r: dict[str, Any]) -> None:
    parts = "  ".join(f"{k} {v:+6.2%}" for k, v in r["errors"].items())
    print(
        f"{r['chip']:22} {r['slice'][-17:]:17} x{r['tokens']} @{r['position']:<4} {r['rtl']:8,} {parts}  "
        f"memory {r['utilization']:.3f}",
        file=sys.stderr, flush=True,
    )  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="all rows too")
    parser.add_argument("--write", action="store_true", help="keep the rows in the package's data")
    parser.add_argument("--unseen", action="store_true", help="other memories, clocks and positions")
    parser.add_argument("--cores", type=int, default=len(CORES), help="the first of them only; small ones come first")
    given = parser.parse_args()
    rows = unseen(given.cores) if given.unseen else rows_of(cores=given.cores, keep=given.write)
    found = summary(rows)
    print(json.dumps({**found, "rows": rows} if given.json else found, indent=1))
    return int(not met(found))


if __name__ == "__main__":
    sys.exit(main())
