"""What each verb prints: a card or table for people, or one JSON object."""

from __future__ import annotations

import json as json_module
import math
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from .. import api
from ..api.find import remember
from ..api.listing import for_people
from ..report.card import card
from ..search.store import to_table, whole
from ..search.study import find_study
from ..units import si

OUT, ERR = Console(), Console(stderr=True)


def as_json(value: Any) -> None:
    print(json_module.dumps(_plain(value), ensure_ascii=False, indent=1))


def _plain(value: Any) -> Any:
    """JSON has no NaN: what is not known is null."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def design(study: str, out: Path | None, points: int | None, seed: int | None, executor: str, json: bool) -> None:
    found = find_study(study).with_points(points, seed)
    folder = out or Path("out") / found.name
    with _bar() as bar:
        task = bar.add_task("exploring", total=None)

        def step(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        result = api.design(found, executor, step, lambda text: bar.update(task, description=text), resume=True)
        bar.update(task, description="writing the report")
        written = api.write(result, folder)
    remember(result.chip)
    if json:
        as_json({**result.report, "files": [str(path) for path in written]})
        return
    OUT.print(card(result.report))
    OUT.print(f"report  {folder / 'report.html'}\nchip    {folder / 'chip.toml'}")


def explore(study: str, points: int | None, seed: int | None, executor: str, out: Path | None, json: bool) -> None:
    with _bar() as bar:
        task = bar.add_task("exploring", total=None)
        run = api.explore(
            study, points, seed, executor, lambda done, total: bar.update(task, completed=done, total=total), resume=True
        )
    if out is not None:
        import pyarrow.parquet as pq

        with whole(out / "front.parquet") as temporary:
            pq.write_table(to_table(run.found, run.problem), temporary)
    facts = {
        "study": run.problem.study.name, "evaluations": run.found.evaluations, "points_per_s": run.points_per_s,
        "screen_s": run.screen_s, "executor": executor, "seed": run.problem.study.search.seed,
        "interrupted": run.interrupted, "feasible": run.found.feasible, "killed": run.found.killed,
        "pick": run.row(run.pick),
    }  # fmt: skip
    if json:
        as_json({**facts, "front": run.rows()})
        return
    _front(run.rows(most=20))
    stopped = " (stopped early: the same command resumes)" if run.interrupted else ""
    OUT.print(f"{facts['evaluations']:,} designs priced, {facts['points_per_s']:,.0f} a second{stopped}; "
              f"{len(run.found.points)} on the front, at most 20 shown")  # fmt: skip


def _front(rows: list[dict[str, Any]]) -> None:
    table = Table(title="Pareto front: dollars, joules, latency")
    for name in ("$/Mtoken", "J/token", "latency", "TPOT", "power", "chip"):
        table.add_column(name, justify="left" if name == "chip" else "right")
    for row in rows:
        d = row["design"]
        chip = (f"{d['node']} {d['memory']} x{d['units']}, {d['cores']} x {d['rows']}x{d['lanes']}x{d['columns']}, "
                f"{d['weights']}, batch {d['batch']}")  # fmt: skip
        table.add_row(f"{row['usd_per_mtoken']:.4g}", si(row["j_per_token"], "J"), si(row["latency_s"], "s"),
                      si(row["tpot_s"], "s"), si(row["power_w"], "W"), chip)  # fmt: skip
    OUT.print(table)


def listing(kind: str, json: bool) -> None:
    rows = api.listing(kind)
    if json:
        as_json({"kind": kind, "rows": rows})
        return
    hidden = {"source", "note", "kind", "price_source"}
    columns = [c for c in dict.fromkeys(k for row in rows for k in row) if c not in hidden]
    table = Table(title=f"{len(rows)} {kind}", caption="sources: --json")
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(for_people(row.get(c), c) for c in columns))
    OUT.print(table)


def read(model: str, batch: int, context: int, json: bool) -> None:
    facts = api.read(model, batch, context)
    if json:
        as_json(facts)
        return
    OUT.print(f"[bold]{facts['name']}[/] ({facts['family']}): {facts['parameters']:,} parameters, "
              f"{facts['active_parameters']:,} active, {si(facts['weight_bytes'], 'B')} of weights, "
              f"{si(facts['kv_bytes_per_token'], 'B')} of cache a token")  # fmt: skip
    for phase, part in facts["phases"].items():
        _operators(f"{phase}: batch {batch}, context {context}", part["operators"])


def _operators(title: str, rows: list[dict[str, Any]]) -> None:
    columns = list(dict.fromkeys(k for row in rows for k in row))
    table = Table(title=title)
    for column in columns:
        table.add_column(column.replace("_", " "))
    for row in rows:
        table.add_row(*(for_people(row.get(c), c) for c in columns))
    OUT.print(table)


def estimate(facts: dict[str, Any], json: bool) -> None:
    if json:
        as_json(facts)
        return
    OUT.print(f"[bold]{facts['chip']}[/], {facts['model']} in {facts['weights']}, {facts['phase']} of batch {facts['batch']}, "
              f"context {facts['context']}: [bold]{si(facts['latency_s'], 's')}[/], {si(facts['tokens_per_s'], 'token/s')}, "
              f"{si(facts['energy_j'], 'J')}, bound by {facts['bound']}")  # fmt: skip
    _operators("by operator", [{k: v for k, v in row.items() if k != "macs"} for row in facts["breakdown"]["time"]])


def cost(facts: dict[str, Any], json: bool) -> None:
    if json:
        as_json(facts)
        return
    table = Table(title=f"{facts['chip']}: {facts['volume']:,.0f} made, {facts['node']}, {facts['package']}",
                  caption="low and high: 80 % of the draws of every fact from its range")  # fmt: skip
    for column in ("figure", "low", "nominal", "high"):
        table.add_column(column, justify="left" if column == "figure" else "right")
    for name, row in facts["figures"].items():
        table.add_row(name.replace("_", " "), *(f"{row[end]:,.4g}" for end in ("low", "nominal", "high")))
    OUT.print(table)


def compare(rows: list[dict[str, Any]], json: bool) -> None:
    if json:
        as_json({"chips": rows})
        return
    table = Table(title="the same work, each chip in its best configuration",
                  caption="dollars per million output tokens, prompts included")  # fmt: skip
    for column in ("chip", "weights", "chips", "batch", "$ at cost", "$ at price", "$ rented", "J/token", "TPOT", "TTFT",
                   "token/s/chip", "misses"):  # fmt: skip
        table.add_column(column)
    for row in rows:
        usd = [("" if v is None else f"{v:.4g}") for v in row["usd_per_mtoken"].values()]
        misses = ", ".join(f"{k} x{v:.2f}" for k, v in row["misses"].items())
        table.add_row(row["name"], row["weights"], f"{row['tensor_parallel']}x{row['stages']}", str(row["batch"]), *usd,
                      si(row["j_per_token"], "J"), si(row["tpot_s"], "s"), si(row["ttft_s"], "s"),
                      f"{row['tokens_per_s_per_chip']:.4g}", misses)  # fmt: skip
    OUT.print(table)


def doctor(facts: dict[str, Any], json: bool) -> None:
    if json:
        as_json(facts)
        return
    table = Table(title=f"sartor {facts['sartor']}, Python {facts['python']}")
    for column in ("tool", "found", "adds", "get it"):
        table.add_column(column)
    for row in facts["tools"]:
        table.add_row(row["name"], row["version"] or "[yellow]missing[/]", row["adds"], "" if row["version"] else row["get"])
    OUT.print(table)


def _bar() -> Progress:
    return Progress(TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,.0f}"),
                    TimeRemainingColumn(), console=ERR, transient=True, disable=not ERR.is_terminal)  # fmt: skip
