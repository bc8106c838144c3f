"""Fit the figures of GPU generations to measured rows and write them to sartor/data/gpu.csv.

    python benchmarks/gpu_facts.py [--gemm FILE] [--operators WHEEL_OR_FOLDER]

Hopper: our own H100 measurements (sartor/data/measured/h100.jsonl). `--gemm`: a table of GEMM latencies, from which the
GEMM figures of the other generations come, and Hopper's of serving stacks' kernels. `--operators`: the tables of
aiconfigurator-core (operators.py), from which the attention of serving stacks comes, of the H100 and of the B200.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

import operator_rows
import operators
from operator_rows import ATTENTION

from sartor.tables import data_text, table
from sartor.units import to
from sartor.validation.gpu_fit import by_generation
from sartor.validation.gpu_folds import HeldOut, held_out
from sartor.validation.gpu_rows import fittable
from sartor.validation.gpu_speaks import speaks
from sartor.validation.kind import Row

COLUMNS = ["item", "quantity", "value", "unit", "low", "high", "kind", "date", "source"]
_FIT = "least squares; low and high: the figure with any fourth left out"
OURS = f"our H100 measurements (sartor/data/measured/h100.jsonl), {_FIT}"
THEIRS = f"aiconfigurator-core 0.12.0, median over stacks of {{n}} measured GEMMs, {_FIT}"
ATTENDED = f"aiconfigurator-core 0.12.0, median over stacks of {{n}} measured calls of attention, {_FIT}"
SLOWED = "; from how far large GEMMs slow down at the power limit, in loops of unknown length: 30 % either way"
EVERY = 5  # of a table's rows that are fitted to: neighbors tell the same
GUESSED = {"j_per_op": 0.3}  # of a table's figures, what else may be wrong with them


def written(found: HeldOut, kind: str, source: str, known: tuple[str, ...]) -> dict[tuple[str, str], dict[str, str]]:
    """Rows of gpu.csv for the fitted figures among `known`."""
    item, rows = found.whole.generation, {}
    for quantity, value in found.whole.values.items():
        if quantity in known:
            unit = table("gpu").fact(item, quantity).unit
            low, high = found.range_of(quantity)
            more = GUESSED.get(quantity, 0.0) if kind == "derived" else 0.0
            low, high = min(low, (1 - more) * value), max(high, (1 + more) * value)
            texts = (f"{to(v, unit):.6g}" for v in (value, low, high))
            figures = dict(zip(("value", "low", "high"), texts, strict=True))
            rows[item, quantity] = {**figures, "kind": kind, "source": source + SLOWED * (more > 0)}
    return rows


def fitted(gemms: Path | None, source: Path | None) -> dict[tuple[str, str], dict[str, str]]:
    """Everything that the files speak of."""
    own = held_out(fittable(), "hopper")
    found = written(own, "measured", OURS, tuple(own.whole.values))
    if gemms:
        found |= theirs(fittable(gemms), THEIRS)
    for system in (operators.KNOWN, operators.OTHER) if source else ():
        found |= theirs([row for op in ATTENTION for row in operator_rows.rows(source, system, op)], ATTENDED)
    return found


def theirs(tables: Sequence[Row], source: str) -> dict[tuple[str, str], dict[str, str]]:
    """What rows of serving stacks speak of; every so many of them are fitted to."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for generation, rows in by_generation(tables).items():
        figures = {name for row in rows for name in speaks(row.inputs)}
        other = held_out(rows, generation, EVERY)
        n = sum(bool(speaks(row.inputs)) for row in rows)
        found |= written(other, "derived", source.format(n=f"{n:,}"), tuple(figures))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--gemm", type=Path, help="a table of GEMM latencies")
    parser.add_argument("--operators", type=Path, help="the wheel of aiconfigurator-core, or its folder systems/data")
    given = parser.parse_args()
    new = fitted(given.gemm, given.operators)
    old = list(csv.DictReader(data_text("gpu.csv").splitlines()))
    text = io.StringIO()
    out = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    out.writeheader()
    out.writerows({**row, **new.get((row["item"], row["quantity"]), {})} for row in old)
    Path(str(files("sartor.data").joinpath("gpu.csv"))).write_text(text.getvalue(), encoding="utf-8")
    print(f"written: {len(new)} figures")
    return 0


if __name__ == "__main__":
    sys.exit(main())
