"""Verbs about how far the estimates can be trusted: what they print for people, or one JSON object."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

from .. import api
from ..errors import InputError
from ..search.store import write_text
from ..validation.notes import named
from . import grid
from .console import OUT, as_json, bar

UNKNOWN = re.compile(r"(chip|model|format) .* is not known")  # reasons that a name would mend


def validate(kind: str, data: list[Path], layers: Path | None, names: list[str], json: bool) -> None:
    with bar() as shown:
        shown.add_task("predicting every row", total=None)
        found = api.validate(kind, data, layers, dict(map(_called, names)))
    if json:
        as_json(found)
        return
    short = {name: row for name, row in found["by"].items() if len(name.removesuffix(" as read").split()) <= 2}
    title = f"{', '.join(found['files'])}: errors of the estimate"
    if short:
        grid.show(OUT, title, [_line(*item) for item in short.items()], _legend(found.get("rows", {})))
    for name, row in short.items():
        if "least_p90_ape" in row:
            median, p90 = (f"{row[f'least_{end}_ape']:.1%}" for end in ("median", "p90"))
            OUT.print(f"{name}: read in ticks, so that an estimate that is never wrong would be {median} off, {p90} "
                      "at the 90th percentile", highlight=False)  # fmt: skip
    _coverage(found["coverage"])


def _called(name: str) -> tuple[str, str]:
    theirs, _, ours = (part.strip() for part in name.rpartition("="))
    if not (theirs and ours):
        raise InputError(f"--name {name!r} is not THEIRS=OURS (try --name 'NVIDIA H20=h20.toml')")
    return theirs, ours


def _legend(rows: dict[str, int]) -> str:
    known, other = rows.get("held_out", 0), rows.get("other", 0)
    if not known:
        return ("bias: the median error with its sign; *: on record, of rows that no figure was fitted to "
                "(docs/trust.md); all groups: --json")  # fmt: skip
    beside = f"; {other:,} others by the figures in use" if other else ""
    return (f"{known:,} rows that figures were fitted to, each by figures fitted without the rows like it{beside}; "
            "bias: the median error with its sign; °: as fitted, by the figures in use; all: --json")  # fmt: skip


def _line(name: str, row: dict[str, Any]) -> dict[str, str]:
    figures = ("median_ape", "p90_ape", "worst_ape", "bias")
    cells = {f.removesuffix("_ape"): f"{row[f]:+.1%}" if f == "bias" else f"{row[f]:.1%}" for f in figures}
    known, mark = (row["fitted"], "{}°") if "fitted" in row else (row.get("on_record") or {}, "{}*")
    before = {mark.format(f.removesuffix("_ape")): f"{known[f]:.1%}" for f in ("median_ape", "p90_ape") if known}
    return {"rows": name, "n": f"{row['n']:,}", **cells, **before}


def _coverage(coverage: dict[str, Any]) -> None:
    predicted, rows = f"{coverage['predicted']:,}", f"{coverage['rows']:,}"
    OUT.print(f"predicted {predicted} of {rows} usable rows", highlight=False)
    for one in (*coverage.get("wrong_units", ()), *coverage.get("unlike", ())):
        OUT.print(one, highlight=False, markup=False)
    for verb in ("refused", "excluded", "unjudged", "repeated"):
        for row in coverage.get(verb, ()):
            OUT.print(f"{verb} {row['n']:,}: {row['reason']} ({row['where'][0]})", highlight=False, markup=False)
    if any(UNKNOWN.match(row["reason"]) for row in coverage.get("refused", ())):
        OUT.print("try --name THEIRS=OURS: a name of `sartor list chips`, `models` or `formats`, or a file (chip.toml, "
                  "config.json)", highlight=False, markup=False)  # fmt: skip
    if coverage.get("unread"):
        OUT.print(named(coverage["unread"]), highlight=False, markup=False)
    if coverage.get("absent"):
        OUT.print(named(coverage["absent"], "that may be given and are not there"), highlight=False, markup=False)


def fit(kind: str, data: list[Path], out: Path | None, json: bool) -> None:
    with bar() as shown:
        task = shown.add_task("fitting, with each fourth of the rows left out", total=None)
        found = api.fit(kind, data, lambda done, total: shown.update(task, completed=done, total=total))
    if out is not None:
        write_text(out, _as_csv(found["generations"]))
    if json:
        as_json(found)
        return
    for one in found["generations"]:
        rows = [_figure(f) for f in one["figures"]]
        grid.show(OUT, f"{one['generation']}: fitted to {one['rows']:,} rows", rows,
                  "low and high: with any fourth of the models and shapes left out")  # fmt: skip
        errors = {name: row for name, row in one["held_out"].items() if len(name.split()) <= 2}
        grid.show(OUT, "errors on models and shapes left out", [_line(*item) for item in errors.items()])


def _figure(f: dict[str, Any]) -> dict[str, str]:
    return {"figure": f["quantity"], **{end: f"{f[end]:.4g}" for end in ("value", "low", "high")}, "unit": f["unit"]}


def _as_csv(generations: list[dict[str, Any]]) -> str:
    lines = ["item,quantity,value,unit,low,high,kind,date,source"]
    for one in generations:
        for f in one["figures"]:
            figures = ",".join(f"{f[name]:.6g}" for name in ("low", "high"))
            said = f"measured,{date.today():%Y-%m},fitted to {one['rows']} measured rows"
            lines.append(f"{one['generation']},{f['quantity']},{f['value']:.6g},{f['unit']},{figures},{said}")
    return "\n".join(lines) + "\n"


def measure(
    kind: str, out: Path | None, sections: str | None, models: str | None, weights: str | None,
    budget: float | None, json: bool,
) -> None:  # fmt: skip
    with bar() as progress:
        task = progress.add_task("", total=None)

        def watch(what: str, number: int, of: int) -> None:
            progress.update(task, description=what, completed=number, total=of)

        found = api.measure(kind, out, sections, models, weights, budget, watch)
    if json:
        as_json(found)
    else:
        OUT.print(f"{found['file']}: {found['measured']:,} points of {found['gpu']} measured, {found['known']:,} there "
                  f"before, {found['skipped']:,} too large, {found['failed']:,} failed, {found['left']:,} left",
                  highlight=False)  # fmt: skip
        OUT.print(f"try: sartor validate gpu --data {found['file']}", highlight=False)
    if found["interrupted"]:
        raise KeyboardInterrupt
