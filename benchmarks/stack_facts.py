"""Fit the figures of serving stacks to measured points and write sartor/data/serving_stacks.csv.

    python benchmarks/stack_facts.py POINTS.csv

Fitted to points of h100-sxm and b200-sxm; other chips stay unseen. low and high: the figure with any one model left
out. `other` is fitted to all stacks together: for one that nobody has fitted.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from importlib.resources import files
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from sartor.tables import table
from sartor.units import to
from sartor.validation.points_alike import shape_of
from sartor.validation.points_fit import FITTED_CHIPS, fit, points_on
from sartor.validation.points_predict import OTHER, STACKS

SOURCE = "aiconfigurator-core 0.12.0, {n} measured points of {chips}, least squares; low, high: any model left out"


def figures(file: Path, stack: str) -> list[dict[str, str]]:
    """Rows of the table for one stack."""
    rows = [row for row in points_on(file, FITTED_CHIPS) if stack in (row.inputs["stack"], OTHER)]
    shapes = sorted({shape_of(row) for row in rows})
    parts = [fit([row for row in rows if shape_of(row) != shape], stack) for shape in shapes]
    source = SOURCE.format(n=len(rows), chips=" and ".join(FITTED_CHIPS))
    said = {"kind": "derived", "date": "2026-11", "source": source}
    found = []
    for name, value in fit(rows, stack).items():
        unit = table("serving_stacks").fact(STACKS[0], name).unit
        ends = [part[name] for part in parts] + [0.95 * value, 1.05 * value]
        texts = {end: f"{to(v, unit):.4g}" for end, v in (("value", value), ("low", min(ends)), ("high", max(ends)))}
        found.append({"item": stack, "quantity": name, "value": texts["value"], "unit": unit, **texts, **said})
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("points", type=Path)
    file = parser.parse_args().points
    rows = [row for stack in (*STACKS, OTHER) for row in figures(file, stack)]
    text = io.StringIO()
    columns = ["item", "quantity", "value", "unit", "low", "high", "kind", "date", "source"]
    out = csv.DictWriter(text, columns, lineterminator="\n")
    out.writeheader()
    out.writerows(rows)
    Path(str(files("sartor.data").joinpath("serving_stacks.csv"))).write_text(text.getvalue(), encoding="utf-8")
    print(f"written: {len(rows)} figures")
    return 0


if __name__ == "__main__":
    sys.exit(main())
