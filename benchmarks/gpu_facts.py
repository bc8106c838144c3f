"""Fit the figures of GPU generations to measured rows and write them to sartor/data/gpu.csv.

    python benchmarks/gpu_facts.py [--gemm FILE]

Hopper: our own H100 measurements (sartor/data/measured/h100.jsonl). `--gemm`: a table of GEMM latencies, from which the
GEMM figures of the other generations come, and Hopper's of operands scaled on the fly.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from importlib.resources import files
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from sartor.families.gpu.machine import BLOCKS, DYNAMIC
from sartor.tables import data_text, table
from sartor.units import to
from sartor.validation.gpu_fit import by_generation, speaks
from sartor.validation.gpu_folds import HeldOut, held_out
from sartor.validation.gpu_rows import fittable

COLUMNS = ["item", "quantity", "value", "unit", "low", "high", "kind", "date", "source"]
_FIT = "least squares; low and high: the figure with any fourth left out"
OURS = f"our H100 measurements (sartor/data/measured/h100.jsonl), {_FIT}"
THEIRS = f"aiconfigurator-core 0.12.0, median over stacks of {{n}} measured GEMMs, {_FIT}"
EVERY = 5  # of a table's rows that are fitted to: neighbors tell the same


def written(found: HeldOut, kind: str, source: str, known: tuple[str, ...]) -> dict[tuple[str, str], dict[str, str]]:
    """Rows of gpu.csv for the fitted figures among `known`."""
    item, rows = found.whole.generation, {}
    for quantity, value in found.whole.values.items():
        if quantity in known:
            unit = table("gpu").fact(item, quantity).unit
            low, high = found.range_of(quantity)
            texts = (f"{to(v, unit):.6g}" for v in (value, low, high))
            figures = dict(zip(("value", "low", "high"), texts, strict=True))
            rows[item, quantity] = {**figures, "kind": kind, "source": source}
    return rows


def fitted(gemms: Path | None) -> dict[tuple[str, str], dict[str, str]]:
    """Everything that the files speak of."""
    own = held_out(fittable(), "hopper")
    found = written(own, "measured", OURS, tuple(own.whole.values))
    for generation, rows in by_generation(fittable(gemms)).items() if gemms else ():
        figures = {name for row in rows for name in speaks(row.inputs)}
        kept = tuple(f for f in figures if generation != "hopper" or f.startswith((DYNAMIC, BLOCKS)))
        other = held_out(rows, generation, EVERY)
        n = sum(bool(speaks(row.inputs)) for row in rows)
        found |= written(other, "derived", THEIRS.format(n=f"{n:,}"), kept)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--gemm", type=Path, help="a table of GEMM latencies")
    new = fitted(parser.parse_args().gemm)
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
