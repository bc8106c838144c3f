"""The figures of a chip's generation, fitted to measurements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from ..errors import InputError, UnknownName
from ..tables import table
from ..units import to
from ..validation import KINDS
from ..validation.gpu_fit import by_generation
from ..validation.gpu_folds import FOLDS, HeldOut, alike, held_out
from ..validation.gpu_rows import fittable
from ..validation.kind import Row
from ..validation.summary import by_label

FITTED = ("gpu",)


def fit(
    kind: str, data: str | Path | Sequence[str | Path] = (), step: Callable[[int, int], None] = lambda done, total: None
) -> dict[str, Any]:
    """Fit the figures of gpu.csv to the rows of the files `data`, or to the measurements that come with the package.

    Returns for each generation its figures (quantity, value, unit, low, high: the figure with any fourth of the models
    and shapes left out) and, under held_out, the errors on rows that were left out. `step` hears how many fits of how
    many are done.
    """
    if kind not in FITTED:
        raise UnknownName("kind of fit", kind, FITTED)
    paths = [data] if isinstance(data, str | Path) else data
    rows = [row for path in paths for row in fittable(Path(path))] if paths else fittable()
    if not rows:
        which = ", ".join(map(str, paths))
        raise InputError(f"{which}: no row that could be fitted to (sartor validate {kind} --data FILE says why)")
    each, done = by_generation(rows), count(1)
    total = len(each) * (FOLDS + 1)
    return {"generations": [_one(*item, lambda: step(next(done), total)) for item in each.items()]}


def _one(generation: str, rows: list[Row], step: Callable[[], None]) -> dict[str, Any]:
    if len({(row.inputs["form"], alike(row.inputs)) for row in rows}) < FOLDS:
        raise InputError(
            f"{generation}: {len(rows)} rows are of too few models and shapes to leave a fourth out "
            "(try: sartor measure gpu)"
        )
    found = held_out(rows, generation, step=step)
    step()
    errors = by_label(found.pairs(rows, KINDS["gpu"].labels))
    return {"generation": generation, "rows": len(rows), "figures": _figures(generation, found), "held_out": errors}


def _figures(generation: str, found: HeldOut) -> list[dict[str, Any]]:
    rows = []
    for quantity, value in found.whole.values.items():
        unit = table("gpu").fact(generation, quantity).unit
        low, high = found.range_of(quantity)
        figures = dict(zip(("value", "low", "high"), (to(v, unit) for v in (value, low, high)), strict=True))
        rows.append({"quantity": quantity, "unit": unit, **figures})
    return rows
