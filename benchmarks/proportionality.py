"""Compression proportionality at RTL: does a decoded token get as much faster as its weights get fewer bits?

    python benchmarks/proportionality.py [NETWORK] [FORMAT ...] [--batch N] [--rows N] [--json] [--write | --one-column]

Two networks in each format that has a decoder (formats whose words are alike are run once), layers and head, on one
core that its memory bounds: three layers of SmolLM2-135M-Instruct with a tenth of the vocabulary, and one layer of the
shapes of Llama-3.2-1B with random weights and a sixteenth. Cycles of one decode step in the simulator, memory timing of
the chip: one token, or one of each of N sequences (`--batch`), each with 60 tokens before it. `promised`: bits a weight
of Q8_0 over those of the format, scales included; `proportionality`: cycles of Q8_0 over cycles of the format, over
that (target 0.95). Rows of 576, as SmolLM2 has, are not whole groups of 128: their last group is shorter. A plane of
binary codes takes the tile a cycle a beat, so that 16 rows keep up with this memory, where 8 do for integers; 4 columns
take all queries of a KV head at once, three or four in these networks, so that a token reads its cache once: words that
no format of weights makes fewer.
`--write` keeps the rows in sartor/data/measured/proportionality.csv, and the passes in rtl.csv, from which `sartor
validate rtl` has the errors of the estimate; `--one-column`: on a core that reads the cache of a head again for each of
its queries; `--rows 4`: on a quarter of the tile, which this memory still bounds with 4 bits a weight and more, each
of them one step of its multipliers; all formats on one core, Q8_0 too: it is built in a quarter of the time.
"""

from __future__ import annotations

import csv
import dataclasses
import datetime
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import rtl_cycles
from rtl_cycles_passes import kept

from sartor.chip.spec import Chip, Memory, Tile
from sartor.compiler.binary import compile_network
from sartor.compiler.gguf import network
from sartor.compiler.requantize import requantized
from sartor.families.tensor.core import Core
from sartor.families.tensor.network import Layer, Network
from sartor.families.tensor.sizing import _decoders, core_of
from sartor.families.tensor.start import Start
from sartor.formats.blocks import Blocks
from sartor.formats.decode import MOST_PLANES, Element, Scale
from sartor.formats.floats import Floats
from sartor.formats.hardware import Coding, coding_of, decoded
from sartor.formats.quantize import quantize
from sartor.formats.spec import format_named
from sartor.sim import memory_timing
from sartor.sim.simulator import Simulator
from sartor.workload import fetch
from sartor.workload.find import find_model
from sartor.workload.model import Model
from sartor.workload.step import Step

BASE = "q8_0"
FORMATS = (BASE, *sorted(set(decoded()) - {BASE}, key=lambda name: (-format_named(name).bits(), name)))
NETWORKS = ("smollm2-135m", "llama-3.2-1b")
TARGET, POSITION = 0.95, 60
ROWS_OF_HEAD = 8016  # of the larger network
WRITTEN = Path(__file__).parents[1] / "sartor" / "data" / "measured" / "proportionality.csv"
FIGURES = ("bits", "cycles", "utilization", "speedup", "proportionality")
COLUMNS = ("network", "format", "batch", *FIGURES, "date", "source")
TILE = Tile(16, 32, 4, 16, "q4_0", kv="int8-g32", scratchpad_bytes=1024 * 1024, fifo_bytes=128 * 1024)
CHIP = Chip("proportional", "tensor", "N7", 450e6, Memory("lpddr4x", 1, 4e9, 64 * 0.55 * 450e6), tile=TILE)
ONE_COLUMN = dataclasses.replace(
    CHIP, tile=dataclasses.replace(TILE, columns=1, vector_lanes=32, scratchpad_bytes=256 * 1024)
)


def core(coding: Coding, chip: Chip = CHIP, beside: tuple[Coding, ...] = ()) -> Core:
    """That of `chip`, with multipliers and decoders for every format, or for those that are shifted: which, is a choice
    of no cycle. Where others stand `beside` it, for those."""
    if beside:
        known = {str(each): each for each in beside}
        return dataclasses.replace(core_of(chip), **_decoders(known, (8, 8), "benchmark"))
    if not coding.element.in_a_byte:
        return dataclasses.replace(
            core_of(chip), multiplier_bits=9, elements=(Element.INT8, coding.element), scales=(Scale.POWER,)
        )
    return dataclasses.replace(
        core_of(chip), multiplier_bits=5, elements=tuple(e for e in Element if e.in_a_byte),
        scales=(Scale.POWER, Scale.PAIR, Scale.PLANES, Scale.ZERO), planes=MOST_PLANES,
    )  # fmt: skip


def in_format(net: Network, coding: Coding) -> Network:
    """All that streams in one format, the head too."""
    head = quantize(Floats("F32", net.head.dequantized()), coding)
    return dataclasses.replace(requantized(net, coding), head=head)


def cycles(net: Network, coding: Coding, one: Core, chip: Chip, batch: int) -> tuple[int, float]:
    """Of one decode step, and the share of what the memory can give that it moved."""
    net = in_format(net, coding)
    binary = compile_network(one, net, 128, sequences=batch)
    simulator = Simulator(one, binary.image, memory_timing.of_chip(chip))
    simulator.load(binary.program.instructions, binary.program.constants)
    caches = tuple(binary.memory.cache_of(place) for place in range(batch))
    entry = binary.program.batch if batch > 1 else binary.program.decode
    done = simulator.start(Start(entry, (POSITION,) * batch, tuple(binary.row(1 + c) for c in range(batch)), caches))
    return done.cycles, done.memory.utilization


def network_of(name: str) -> Network:
    if name != NETWORKS[0]:
        return random_network(2048, 32, 8, 64, 8192, ROWS_OF_HEAD)
    whole = network(fetch.smollm2())
    return whole.slice(3, whole.vocabulary // 10)


def random_network(dim: int, heads: int, kv_heads: int, head_dim: int, ffn: int, vocabulary: int) -> Network:
    """One layer of normal weights: cycles do not depend on them."""
    rng = np.random.default_rng(0)

    def matrix(n: int, k: int) -> Blocks:
        return quantize(Floats("F32", rng.normal(0, k**-0.5, (n, k)).astype(np.float32)), coding_of("q8_0"))

    one, table = np.ones(dim, np.float32), matrix(vocabulary, dim)
    wide, narrow = heads * head_dim, kv_heads * head_dim
    layer = Layer(
        one, matrix(wide + 2 * narrow, dim), matrix(dim, wide), one, matrix(2 * ffn, dim), matrix(dim, ffn)
    )
    shape = dim, heads, kv_heads, head_dim, ffn, vocabulary, 2048, 1e-5, 10000.0
    return Network("random", *shape, (layer,), table, one, table)


def rows_of(
    name: str, net: Network, formats: tuple[str, ...], keep: bool, chip: Chip = CHIP, batch: int = 1
) -> list[dict[str, Any]]:
    """One row a format, compared with the first; kept one by one. What has the same words has the same cycles."""
    found: list[dict[str, Any]] = []
    known: dict[Coding, tuple[int, float]] = {}
    beside = tuple(map(coding_of, formats)) if chip.tile.rows < TILE.rows else ()  # all of them on one core
    for form in formats:
        coding = coding_of(form)
        if coding.stream not in known:
            known[coding.stream] = cycles(net, coding, core(coding, chip, beside), chip, batch)
        count, busy = known[coding.stream]
        bits = format_named(form).bits()
        found.append({"format": form, "batch": batch, "bits": bits, "cycles": count, "utilization": busy})
        first, last = found[0], found[-1]
        last["promised"], last["speedup"] = first["bits"] / last["bits"], first["cycles"] / count
        last["proportionality"] = last["speedup"] / last["promised"]
        show(last)
        if keep:
            if not beside or form != BASE:
                write(name, last, f" --rows {chip.tile.rows}" if beside else "")
            rtl_cycles.write([pass_of(name, last, chip)])
    return found


def pass_of(name: str, row: dict[str, Any], chip: Chip = CHIP) -> dict[str, Any]:
    """The same as a line of rtl.csv."""
    chip = dataclasses.replace(chip, tile=dataclasses.replace(chip.tile, weights=row["format"]))
    return kept(chip, name, model_of(name), Step(int(row["batch"]), 1, POSITION), int(row["cycles"]))


def model_of(name: str) -> Model:
    """What `network_of` has of it."""
    whole = find_model(name)
    layers, vocabulary = (3, whole.vocabulary // 10) if name == NETWORKS[0] else (1, ROWS_OF_HEAD)
    return dataclasses.replace(
        whole, layers=(dataclasses.replace(whole.layers[0], count=layers),), vocabulary=vocabulary
    )


def show(row: dict[str, Any]) -> None:
    parts = (f"{k} {v:.3f}" if isinstance(v, float) else f"{v:>14}" for k, v in row.items())
    print("  ".join(parts), file=sys.stderr, flush=True)


def write(network: str, row: dict[str, Any], how: str = "") -> None:
    """This row in the place of that of the same network, format and batch, in the order of FORMATS."""
    old = list(csv.DictReader(WRITTEN.read_text().splitlines())) if WRITTEN.exists() else []
    rows = {(row["network"], row["format"], int(row["batch"])): row for row in old}
    about = {"date": f"{datetime.date.today():%Y-%m}", "source": f"python benchmarks/proportionality.py --write{how}"}
    figures = {k: f"{v:.4g}" if isinstance(v, float) else v for k, v in row.items() if k in COLUMNS}
    rows[network, row["format"], row["batch"]] = {"network": network, **figures, **about}
    with WRITTEN.open("w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        out.writeheader()
        order = sorted(rows, key=lambda key: (key[0], key[2], FORMATS.index(key[1])))
        out.writerows(rows[key] for key in order)


def main() -> int:
    batch = int(sys.argv[sys.argv.index("--batch") + 1]) if "--batch" in sys.argv else 1
    named = [a for a in sys.argv[1:] if a in FORMATS]
    formats = (BASE, *named) if named else FORMATS
    asked = [name for name in NETWORKS if name in sys.argv] or NETWORKS
    chip = ONE_COLUMN if "--one-column" in sys.argv else CHIP
    if "--rows" in sys.argv:
        rows = int(sys.argv[sys.argv.index("--rows") + 1])
        chip = dataclasses.replace(chip, tile=dataclasses.replace(TILE, rows=rows))
    keep = "--write" in sys.argv and chip is not ONE_COLUMN
    found = {name: rows_of(name, network_of(name), formats, keep, chip, batch) for name in asked}
    worst = {name: min(r["proportionality"] for r in rows) for name, rows in found.items()}
    print(json.dumps({"worst": worst, "target": TARGET, **({"rows": found} if "--json" in sys.argv else {})}, indent=1))
    return int(min(worst.values()) < TARGET)


if __name__ == "__main__":
    sys.exit(main())
