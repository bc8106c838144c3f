"""What the figures say of rows that they were fitted to when they are fitted without them.

`sartor/data/measured/held_out.csv`, written by benchmarks/trust.py: rows of the package's measurements, each predicted
by figures that were fitted without the rows like it (gpu_folds.py). A row of any file that is one of them is known
by all it says, so that `validate` does not flatter itself with rows that it has seen.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Mapping
from typing import Any

from ..tables import data_text
from . import names
from .gpu import Gpu
from .kind import Row
from .rows import usable_rows
from .tally import Tally

FILE = "measured/held_out.csv"
KIND = "gpu"  # whose rows in the package figures are fitted to
DIGITS = 9  # of seconds, by which a row is known


def predicted(kind: str, row: Row) -> Mapping[str, float]:
    """By quantity, for a row of `kind` that figures were fitted to; nothing for any other."""
    if kind != KIND:
        return {}
    ratios = _ratios().get(_places().get(_key(row), ""), {})
    return {quantity: ratios[quantity] * value for quantity, value in row.measured.items() if quantity in ratios}


@functools.cache
def _ratios() -> Mapping[str, Mapping[str, float]]:
    """Predicted over measured by the row's place and the quantity."""
    found: dict[str, dict[str, float]] = {}
    for one in csv.DictReader(data_text(FILE).splitlines()):
        if one["where"]:
            found.setdefault(one["where"], {})[one["quantity"]] = float(one["ratio"])
    return found


@functools.cache
def _places() -> Mapping[Any, str]:
    kind = Gpu()
    return {_key(row): row.where for path in kind.default() for row in usable_rows(kind, path, Tally())}


def _key(row: Row) -> Any:
    """All that a row says, whatever its chip, its model and its format are called."""
    chip, said = names.chip(row.inputs["chip"]), dict(row.inputs)
    said["chip"] = chip.name if chip else said["chip"]
    for name, table in (("model", "models"), ("format", "formats")):
        if name in said:
            said[name] = names.ours(table, said[name])
    return tuple(sorted(said.items())), f"{row.measured['latency']:.{DIGITS}g}"
