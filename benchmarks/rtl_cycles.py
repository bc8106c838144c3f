"""The cycles that the search believes against those that the RTL takes, on varied chips and slices of SmolLM2.

    python benchmarks/rtl_cycles.py [--json] [--write | --unseen] [--cores 5]

Five cores, each built once, with four memories and clocks each: twenty chips; three slices of the model with its own
weights; decode at a short and at a long context, and where there are columns a token of as many sequences, at positions
from the short one on and up to the long one, and a chunk of prefill. Cycles are the mean over where the memory's
refreshes fall: a pass is run at times evenly spread from one to the next. Classes of instructions are against their own
cycles, and as shares of the pass; `vector` is all that is no matrix. Exit 1 beyond the goal: 2 % of a pass at worst; of
a class of instructions 2.5 % in the median, 5 % at the 90th percentile, and 1 % of the pass at worst. `--write` keeps
the rows, but those of sequences at positions of their own, with the timings of their memory, in
sartor/data/measured/rtl.csv, from which `sartor validate rtl` has its errors; batches at one position are there from
proportionality.py. `--unseen`: memories, clocks and positions that the formulas were not made on, one slice; nothing is
kept.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from rtl_cycles_passes import CORES, MEMORIES, chips, passes, sliced

KEPT = Path(__file__).parents[1] / "sartor" / "data" / "measured" / "rtl.csv"
PASS_OF = (
    "rows", "lanes", "columns", "vector_lanes", "weights", "memory", "model", "layers", "vocabulary", "batch",
    "tokens", "position",
)  # fmt: skip
PASS = {"median": 0.005, "worst": 0.02}
CLASS = {"median": 0.025, "p90": 0.05, "of_pass": 0.01}
# None of these was looked at when the formulas were made.
UNSEEN = (("gddr6", 0.8, 700e6), ("hbm3", 0.45, 1.1e9), ("ddr5", 0.35, 600e6), ("lpddr5x", 0.6, 1e9))
UNSEEN_POSITIONS = (100, 300), 200
SLICES = ((1, 2048), (2, 512), (1, 8192))  # layers, rows of the vocabulary


def write(rows: Iterable[dict[str, Any]], path: Path = KEPT) -> None:
    """In the place of the same passes in the file; the others stay."""
    with path.open(newline="", encoding="utf-8") as file:
        lines = {_pass_of(line): line for line in csv.DictReader(file)}
    lines |= {_pass_of(each): each for each in rows}
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(next(iter(lines.values()))), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines.values())


def _pass_of(line: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(line[name]) for name in PASS_OF)


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    errors = {
        f"{phase} {name}": _spread([r for r in rows if _phase(r) == phase], name)
        for phase in dict.fromkeys(map(_phase, rows))
        for name in rows[0]["errors"]
    }
    return {
        "n": len(rows), "chips": len({r["chip"] for r in rows}), "slices": len({r["slice"] for r in rows}),
        "errors": errors,
    }  # fmt: skip


def _phase(r: dict[str, Any]) -> str:
    return "prefill" if r["tokens"] > 1 else "batch" if r["batch"] > 1 else "decode"


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
            write(r["kept"] for r in found if r["kept"])
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
        f"{r['chip']:22} {r['slice'][-17:]:17} {r['batch']} x {r['tokens']} @{r['position']:<4} {r['rtl']:8,} {parts}  "
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
