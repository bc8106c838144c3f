"""Compression proportionality at RTL: does a decoded token get as much faster as its weights get fewer bits?

    python benchmarks/proportionality.py [NETWORK] [FORMAT ...] [--batch N] [--rows N] [--port BYTES] [--json]
                                         [--write | --one-column]

Two networks in each format that has a decoder (formats whose words are alike are run once), layers and head, on one
core that its memory bounds: three layers of SmolLM2-135M-Instruct with a tenth of the vocabulary, and one layer of the
shapes of Llama-3.2-1B with random weights and a sixteenth. Cycles of one decode step in the simulator, memory timing of
the chip: one token, or one of each of N sequences (`--batch`), each with 60 tokens before it. `promised`: bits a weight
of Q8_0 over those of the format, scales included; `proportionality`: cycles of Q8_0 over cycles of the format, over
that (target 0.95). Rows of 576, as SmolLM2 has, are not whole groups of 128: their last group is shorter. A plane of
binary codes takes the tile a cycle a beat, so that 16 rows keep up with this memory, where 8 do for integers; 4 columns
take all queries of a KV head at once, three or four in these networks, so that a token reads its cache once: words that
no format of weights makes fewer. A batch of more has a column for each.
`--write` keeps the rows in sartor/data/measured/proportionality.csv, and the passes in rtl.csv, from which `sartor
validate rtl` has the errors of the estimate; `--one-column`: on a core that reads the cache of a head again for each of
its queries; `--rows 4`: on a quarter of the tile, which this memory still bounds with 4 bits a weight and more, each
of them one step of its multipliers: a core for all formats that have the same multipliers is built in a quarter of the
time. `--port 32`: half the memory, which bounds two rows likewise.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import datetime
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import proportionality_parts as parts
import rtl_cycles
from proportionality_parts import CHIP, NETWORKS, PORT_BYTES, POSITION, TILE
from rtl_cycles_passes import kept

from sartor.chip.spec import Chip
from sartor.families.tensor.network import Network
from sartor.formats.hardware import Coding, coding_of, decoded
from sartor.formats.spec import format_named
from sartor.report.proportionality import COUNTED
from sartor.workload.step import Step

BASE = "q8_0"
FORMATS = (BASE, *sorted(set(decoded()) - {BASE}, key=lambda name: (-format_named(name).bits(), name)))
TARGET = 0.95
WRITTEN = Path(__file__).parents[1] / "sartor" / "data" / "measured" / "proportionality.csv"
OPTIONS = (("rows", TILE.rows, "of the tile"), ("port", PORT_BYTES, "bytes of the memory port"))
FIGURES = ("bits", "cycles", "utilization", "speedup", "proportionality")
COLUMNS = ("network", "format", "batch", *FIGURES, "date", "source")


def rows_of(
    name: str, net: Network, formats: tuple[str, ...], one: Chip = CHIP, batch: int = 1, keep: Keep | None = None
) -> list[dict[str, Any]]:
    """One row a format, compared with the first; kept one by one. What has the same words has the same cycles."""
    found: list[dict[str, Any]] = []
    known: dict[Coding, tuple[int, float]] = {}
    beside = tuple(map(coding_of, formats)) if one.tile.rows < TILE.rows else ()  # few cores for them, in parts.core
    for form in formats:
        coding = coding_of(form)
        if coding.stream not in known:
            known[coding.stream] = parts.cycles(net, coding, parts.core(coding, one, beside), one, batch)
        count, busy = known[coding.stream]
        bits = format_named(form).bits()
        found.append({"format": form, "batch": batch, "bits": bits, "cycles": count, "utilization": busy})
        first, last = found[0], found[-1]
        last["promised"], last["speedup"] = first["bits"] / last["bits"], first["cycles"] / count
        last["proportionality"] = last["speedup"] / last["promised"]
        show(last)
        if keep:
            keep(name, last, one)
    return found


class Keep(NamedTuple):
    """Puts a row into both files. `how`: what was asked for beside formats and batch; where that is another core, the
    row of Q8_0 on CHIP stays."""

    how: str

    def __call__(self, name: str, row: dict[str, Any], one: Chip) -> None:
        if not self.how or row["format"] != BASE or row["batch"] not in COUNTED:
            write(name, row, self.how)
        one = dataclasses.replace(one, tile=dataclasses.replace(one.tile, weights=row["format"]))
        step = Step(int(row["batch"]), 1, POSITION)
        rtl_cycles.write([kept(one, name, parts.model_of(name), step, int(row["cycles"]))])


def show(row: dict[str, Any]) -> None:
    shown = (f"{k} {v:.3f}" if isinstance(v, float) else f"{v:>14}" for k, v in row.items())
    print("  ".join(shown), file=sys.stderr, flush=True)


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


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("named", nargs="*", metavar="NETWORK | FORMAT", help="some of them; else all")
    parser.add_argument("--batch", type=int, default=1, help="sequences, a token of each")
    for option, default, what in OPTIONS:
        parser.add_argument(f"--{option}", type=int, default=default, help=what)
    parser.add_argument("--json", action="store_true", help="all rows too")
    parser.add_argument("--write", action="store_true", help="keep the rows in the package's data")
    parser.add_argument("--one-column", action="store_true", help="a core of one column; nothing is kept")
    given = parser.parse_args()
    for name in given.named:
        if name not in (*NETWORKS, *FORMATS):
            parser.error(f"{name} is neither a network ({', '.join(NETWORKS)}) nor a format with a decoder")
    return given


def main() -> int:
    given = arguments()
    named = [name for name in given.named if name in FORMATS]
    formats = tuple(dict.fromkeys((BASE, *named))) if named else FORMATS
    asked = [name for name in NETWORKS if name in given.named] or NETWORKS
    one = parts.chip(given.rows, max(TILE.columns, given.batch), given.port, given.one_column)
    changed = {option: getattr(given, option) for option, default, _ in OPTIONS if getattr(given, option) != default}
    how = "".join(f" --{option} {value}" for option, value in changed.items())
    keep = Keep(how) if given.write and not given.one_column else None
    found = {
        name: rows_of(name, parts.network_of(name), formats, one, given.batch, keep) for name in asked
    }
    worst = {name: min(r["proportionality"] for r in rows) for name, rows in found.items()}
    print(json.dumps({"worst": worst, "target": TARGET, **({"rows": found} if given.json else {})}, indent=1))
    return int(min(worst.values()) < TARGET)


if __name__ == "__main__":
    sys.exit(main())
