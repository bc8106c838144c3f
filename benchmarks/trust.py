"""Put the errors of the estimates on record: sartor/data/measured/errors.csv, docs/trust.md and its plots.

    python benchmarks/trust.py

Held out: each row predicted by figures fitted without the rows like it (sartor/validation/gpu_folds.py).
"""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from sartor.validation import KINDS, validation
from sartor.validation.gpu_folds import held_out
from sartor.validation.gpu_rows import fittable
from sartor.validation.record import FILE, records, written
from sartor.validation.summary import Pair


def gpu() -> dict[str, list[Pair]]:
    """Predictions of kind `gpu` by the way they were made."""
    rows = fittable()
    return {
        "held_out": held_out(rows, "hopper").pairs(rows, KINDS["gpu"].labels),
        "fitted": validation("gpu").pairs,
    }


def main() -> int:
    found = [one for rows, pairs in gpu().items() for one in records("gpu", rows, pairs)]
    Path(str(files("sartor.data").joinpath(FILE))).write_text(written(found), encoding="utf-8")
    print(f"written: {len(found)} groups")
    return 0


if __name__ == "__main__":
    sys.exit(main())
