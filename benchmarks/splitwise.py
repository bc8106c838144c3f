"""Whole steps of Llama-2-70B on two, four and eight A100 and H100, as Splitwise measured them in 2023, beside the
estimate from data sheets and the figures of a generation: nothing is fitted to them.

    python benchmarks/splitwise.py PERF_MODEL.csv [--json]

The file is perf_model.csv of Splitwise (MIT): FP16, a batch of equal prompts, then equal steps; medians of its repeats.
Its stack is of 2023 and without graphs: a step takes what the host takes to start its kernels, where that is longer.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from sartor.chip.presets import preset
from sartor.families import priced
from sartor.validation.summary import Pair, figures
from sartor.workload.derive import operators
from sartor.workload.find import bundled
from sartor.workload.step import Step

MODEL = "llama2-70b", "llama-2-70b"
CHIPS = {"a100-80gb": "a100-sxm-80gb", "h100-80gb": "h100-sxm"}  # `-pcap`: under a power cap, left out
PHASES = {"prompt_time": "prefill", "token_time": "decode"}


def read(file: Path) -> dict[tuple[Any, ...], dict[str, float]]:
    """Median seconds by chip, chips, prompt, batch and output."""
    found: dict[tuple[Any, ...], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    with file.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if row["model"] == MODEL[0] and row["hardware"] in CHIPS:
                sizes = [int(row[name]) for name in ("tensor_parallel", "prompt_size", "batch_size", "token_size")]
                for column, phase in PHASES.items():
                    found[CHIPS[row["hardware"]], *sizes][phase].append(float(row[column]) * 1e-3)
    return {key: {phase: median(values) for phase, values in row.items()} for key, row in found.items()}


def pairs(rows: dict[tuple[Any, ...], dict[str, float]]) -> tuple[list[Pair], int]:
    """Predictions beside measurements; how many rows are faster than the peak of the arithmetic: prompts that did not
    fit and were left out there."""
    model, found, impossible = bundled(MODEL[1]), [], 0
    for (name, count, prompt, batch, output), measured in rows.items():
        chip = preset(name)
        replica = priced(chip, "bf16", "bf16").replica(count, {})
        steps = {"prefill": Step(batch, float(prompt), 0.0), "decode": Step(float(batch), 1, prompt + output / 2)}
        least_s = 2 * float(operators(model, "prefill").macs(steps["prefill"])) / count / chip.peaks["bf16"]
        if measured["prefill"] < least_s:
            impossible += 1
            continue
        labels = {"kind": "step", "chip": f"{count} x {name}"}
        for phase, step in steps.items():
            seconds = float(replica.phase(operators(model, phase), step).latency_s)
            found.append(Pair("", labels, phase, seconds, measured[phase]))
    return found, impossible


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    given = parser.parse_args()
    found, impossible = pairs(read(given.file))
    groups: dict[str, list[Pair]] = defaultdict(list)
    for pair in found:
        groups[f"{pair.quantity} {pair.labels['chip']}"].append(pair)
    facts = {name: figures(some) for name, some in sorted(groups.items())}
    least = {name: min(p.measured for p in some) for name, some in sorted(groups.items())}
    if given.json:
        print(json.dumps({"by": facts, "least_s": least, "impossible": impossible}, default=float))
        return 0
    for name, one in facts.items():
        print(f"{name:28} n {one['n']:3}  median {one['median_ape']:6.1%}  bias {one['bias']:+6.1%}  shortest "
              f"{1e3 * least[name]:.1f} ms")  # fmt: skip
    print(f"faster than the arithmetic's peak, left out: {impossible}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
