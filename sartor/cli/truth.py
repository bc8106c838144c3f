"""Verbs about how far the estimates can be trusted: what they print for people, or one JSON object."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .. import api
from . import grid
from .console import OUT, as_json


def validate(kind: str, data: list[Path], layers: Path | None, json: bool) -> None:
    found = api.validate(kind, data, layers)
    if json:
        as_json(found)
        return
    short = {name: row for name, row in found["by"].items() if len(name.split()) <= 2}
    grid.show(OUT, f"{', '.join(found['files'])}: errors of the estimate", [_line(*item) for item in short.items()],
              "bias: the median error with its sign; all groups: --json")  # fmt: skip
    _coverage(found["coverage"])


def _line(name: str, row: dict[str, Any]) -> dict[str, str]:
    figures = ("median_ape", "p90_ape", "worst_ape", "bias")
    cells = {f.removesuffix("_ape"): f"{row[f]:+.1%}" if f == "bias" else f"{row[f]:.1%}" for f in figures}
    return {"rows": name, "n": f"{row['n']:,}", **cells}


def _coverage(coverage: dict[str, Any]) -> None:
    predicted, rows = f"{coverage['predicted']:,}", f"{coverage['rows']:,}"
    OUT.print(f"predicted {predicted} of {rows} usable rows", highlight=False)
    for verb in ("refused", "excluded"):
        for row in coverage[verb]:
            OUT.print(f"{verb} {row['n']:,}: {row['reason']} ({row['where'][0]})", highlight=False, markup=False)
