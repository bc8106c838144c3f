"""The errors on record as a report shows them, and held-out predictions beside what was measured."""

from __future__ import annotations

import csv
import json
from typing import Any

from ..tables import data_text
from ..validation import validation
from ..validation.left_out import FILE as POINTS
from ..validation.record import Recorded, on_record
from ..validation.wrong_units import READ

SAID = "measured/trust.json"  # written by docs/generate.py
ROWS = ("held_out", "unseen")


def trusted() -> dict[str, Any]:
    """For each kind: `glance`, what is asked most; `rows` of errors on what no figure was fitted to (of a kind that has
    none, fitted ones); `points` to plot; and what is not covered. Words in English and in Korean."""
    said = json.loads(data_text(SAID))
    kinds = list(dict.fromkeys(kind for kind, _, _ in on_record()))
    points = [p for p in csv.DictReader(data_text(POINTS).splitlines()) if not p["quantity"].endswith(READ)]
    return {
        kind: {
            "rows": _rows(kind),
            "points": [_point(p) for p in points if p["kind"] == kind] or _counted(kind),
            "glance": [_asked(kind, one) for one in said.get(kind, {}).get("glance", [])],
            "missing": said.get(kind, {}).get("missing", []), "missing_ko": said.get(kind, {}).get("missing_ko", []),
        }
        for kind in kinds
    }


def _asked(kind: str, one: dict[str, str]) -> dict[str, Any]:
    """A question of the table on top, with the errors on record of its group."""
    found = on_record()[kind, one["rows"], one["group"]]
    return {**one, "n": found.n, "median": found.median, "p90": found.p90}


def _rows(kind: str) -> list[dict[str, Any]]:
    all_rows = [one for one in on_record().values() if one.kind == kind]
    return [_row(one) for one in [r for r in all_rows if r.rows in ROWS] or all_rows]


def _row(one: Recorded) -> dict[str, Any]:
    return {"group": one.group, "rows": one.rows, "n": one.n, "median": one.median, "p90": one.p90, "band": one.band}


def _counted(kind: str) -> list[dict[str, Any]]:
    """Of cycles all passes there are: no figure was fitted to them, but the formulas were made looking at some."""
    if kind != "rtl":
        return []
    passes = [p for p in validation(kind).pairs if p.quantity == "latency"]
    return [{"group": f"{p.labels['kind']} cycles", "measured": p.measured, "ratio": p.predicted / p.measured}
            for p in passes]  # fmt: skip


def _point(row: dict[str, str]) -> dict[str, Any]:
    return {"group": row["group"], "measured": float(row["measured"]), "ratio": float(row["ratio"])}
