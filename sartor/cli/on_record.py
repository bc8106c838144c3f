"""The errors of every kind of estimate on one screen."""

from __future__ import annotations

from typing import Any

from .. import api
from . import grid
from .console import OUT, as_json

QUANTITIES = ("energy", "power", "tpot", "ttft")
TRUSTED = ("held_out", "unseen")
WORDS = {"held_out": "held out", "fitted": "fitted", "unseen": "unseen"}


def show(json: bool) -> None:
    found = api.on_record()
    if json:
        as_json({"on_record": found})
        return
    kinds = {row["kind"] for row in found if row["rows"] in TRUSTED}
    rows = [row for row in found if whole(row["group"]) and (row["rows"] in TRUSTED or row["kind"] not in kinds)]
    grid.show(OUT, "How wrong the estimates are: errors on record", [_line(row) for row in rows],
              "held out: models and shapes that were left out of the fit; unseen: no figure was\n"
              "fitted to any; fitted: the rows were seen. within: what four in five are, either\n"
              "way. By chip, with plots and what is not covered: docs/trust.md; on your own\n"
              "measurements: sartor validate KIND --data FILE; all groups: --json")  # fmt: skip


def whole(group: str) -> bool:
    """Whether a group is all rows of its kind, or one quantity of them: neither a chip nor a format is named.

    >>> [whole(g) for g in ("decode", "decode energy", "decode bf16", "pools tpot", "tpot gb200", "die parts power")]
    [True, True, False, True, False, False]
    """
    first, *rest = group.split()
    return not rest or (len(rest) == 1 and rest[0] in QUANTITIES and first not in QUANTITIES)


def _line(row: dict[str, Any]) -> dict[str, str]:
    figures = {"median": "median_ape", "p90": "p90_ape", "worst": "worst_ape"}
    cells = {head: f"{row[at]:.1%}" for head, at in figures.items()} | {"within": f"{1 + row['band']:.2f}x"}
    return {"estimate": f"{row['kind']} {row['group']}", "rows": WORDS[row["rows"]], "n": f"{row['n']:,}", **cells}
