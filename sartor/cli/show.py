"""What each verb prints: a card or table for people, or one JSON object."""

from __future__ import annotations

import json as json_module
import math
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from .. import api
from ..api.find import remember
from ..api.listing import for_people, units_of
from ..report.card import card
from ..search.store import to_table, whole, writable
from ..search.study import find_study
from ..units import si, to
from . import grid

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


def design(
    study: str, out: Path | None, points: int | None, seed: int | None, executor: str, json: bool
) -> None:
    found = find_study(study).with_points(points, seed)
    folder = out or Path("out") / found.name
    writable(folder)  # said now, not after the search
    with _bar() as bar:
        task = bar.add_task("exploring", total=None)

        def step(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        result = api.design(
            found, executor, step, lambda text: bar.update(task, description=text), resume=True
        )
        bar.update(task, description="writing the report")
        written = api.write(result, folder)
    remember(result.chip)
    if json:
        as_json({**result.report, "files": [str(path) for path in written]})
        return
    OUT.print(card(result.report))
    OUT.print(f"report  {folder / 'report.html'}\nchip    {folder / 'chip.toml'}")


def explore(
    study: str, points: int | None, seed: int | None, executor: str, out: Path | None, json: bool
) -> None:
    if out is not None:
        writable(out)
    with _bar() as bar:
        task = bar.add_task("exploring", total=None)
        run = api.explore(
            study,
            points,
            seed,
            executor,
            lambda done, total: bar.update(task, completed=done, total=total),
            resume=True,
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
    lines = []
    for row in rows:
        d = row["design"]
        lines.append({
            "$/Mtoken": f"{row['usd_per_mtoken']:.4g}", "J/token": si(row["j_per_token"], "J"),
            "latency": si(row["latency_s"], "s"), "TPOT": si(row["tpot_s"], "s"),
            "power": si(row["power_w"], "W"),
            "node": d["node"], "memory": f"{d['memory']} x{d['units']}",
            "tiles": f"{d['cores']} x {d['rows']}x{d['lanes']}x{d['columns']}", "weights": d["weights"],
            "batch": str(d["batch"]),
        })  # fmt: skip
    grid.show(OUT, "Pareto front: dollars, joules, latency", lines)


_UNSEEN = ("source", "note", "kind", "price_source", "price_date", "status", "family", "peak_format")


def listing(kind: str, json: bool) -> None:
    rows, units = api.listing(kind), units_of(kind)
    if json:
        as_json({"kind": kind, "rows": rows})
        return
    lines = [_line(row, units) for row in rows]
    grid.show(OUT, f"{len(rows)} {kind}", lines, "sources and more columns: --json")


def _line(row: dict[str, Any], units: dict[str, str]) -> dict[str, str]:
    """A row of a listing as text: facts in the unit of their table, everything else with its own."""
    cells = {}
    for column, value in row.items():
        if column in units:
            cells[f"{_words(column)} {units[column]}".strip(" -")] = f"{to(value, units[column]):.4g}"
        elif column not in _UNSEEN:
            cells[_words(column)] = for_people(value, column)
    return cells


def _words(column: str) -> str:
    """A heading: the cells carry the unit.

    >>> _words("bandwidth_bytes_per_s"), _words("rate_per_s"), _words("kv_bytes_per_token")
    ('bandwidth', 'rate', 'kv bytes per token')
    """
    for suffix in ("_bytes_per_s", "_ops_per_s", "_usd_per_s", "_per_s", "_bytes", "_usd", "_w", "_s"):
        if column.endswith(suffix):
            return column.removesuffix(suffix).replace("_", " ")
    return column.replace("_", " ")


def read(model: str, batch: int, context: int, json: bool) -> None:
    facts = api.read(model, batch, context)
    if json:
        as_json(facts)
        return
    OUT.print(f"[bold]{facts['name']}[/] ({facts['family']}): {facts['parameters']:,} parameters, "
              f"{facts['active_parameters']:,} active, {si(facts['weight_bytes'], 'B')} of weights, "
              f"{si(facts['kv_bytes_per_token'], 'B')} of cache a token")  # fmt: skip
    shape = ("name", "k", "n", "heads", "kv_heads", "key_dim", "experts", "active", "count", "rows", "macs")
    for phase, part in facts["phases"].items():
        rows = [{_words(c): _shape(op.get(c), c) for c in shape} for op in part["operators"] if "macs" in op]
        OUT.print()
        grid.show(OUT, f"{phase}: batch {batch}, context {context}", rows)
        vector, written = si(part["vector_lane_ops"], "op"), si(part["cache_bytes_written"], "B")
        weights, cache = si(part["weight_bytes_read"], "B"), si(part["cache_bytes_read"], "B")
        OUT.print(f"{si(part['macs'], 'MAC')}, {vector} in the vector unit; read: {weights} of weights, "
                  f"{cache} of cache; written: {written} of cache")  # fmt: skip


def _shape(value: Any, column: str) -> str:
    if value is None or (column in ("experts", "active") and value == 1):
        return ""
    return si(value, "MAC") if column == "macs" else for_people(value, column)


def estimate(facts: dict[str, Any], json: bool) -> None:
    if json:
        as_json(facts)
        return
    OUT.print(f"[bold]{facts['chip']}[/], {facts['model']} in {facts['weights']}, {facts['phase']} of batch "
              f"{facts['batch']}, context {facts['context']}: [bold]{si(facts['latency_s'], 's')}[/], "
              f"{si(facts['tokens_per_s'], 'token/s')}, {si(facts['energy_j'], 'J')}, "
              f"bound by {facts['bound']}\n")  # fmt: skip
    grid.show(OUT, "by operator", [_time(row) for row in facts["breakdown"]["time"]])


def _time(row: dict[str, Any]) -> dict[str, str]:
    """What an operator takes, and what each resource needs of it; nothing where it needs none."""
    cells = {_words(c): for_people(v, c) for c, v in row.items() if c != "macs" and v != 0}
    return {**cells, "share": f"{row['share']:.1%}"}


def cost(facts: dict[str, Any], json: bool) -> None:
    if json:
        as_json(facts)
        return
    rows = [
        {"figure": _figure(name), **{end: f"{row[end]:,.4g}" for end in ("low", "nominal", "high")}}
        for name, row in facts["figures"].items()
    ]
    grid.show(OUT, f"{facts['chip']}: {facts['volume']:,.0f} made, {facts['node']}, {facts['package']}", rows,
              "low and high: 80 % of the draws of every fact from its range")  # fmt: skip


def _figure(name: str) -> str:
    """A figure's name with its unit behind it.

    >>> _figure("area_memory phy_mm2"), _figure("unit_usd_with_nre"), _figure("die_yield")
    ('area, memory phy (mm2)', 'unit with NRE (USD)', 'die yield')
    """
    known = {"unit_usd_with_nre": "unit with NRE", "usd_per_hour": "owning, an hour", "nre_usd": "NRE"}
    if name in known:
        return f"{known[name]} (USD)"
    for suffix, unit in (("_mm2", "mm2"), ("_usd", "USD"), ("_w", "W")):
        if name.endswith(suffix):
            name = f"{name.removesuffix(suffix)} ({unit})"
    return name.replace("area_", "area, ").replace("_", " ")


def compare(rows: list[dict[str, Any]], json: bool) -> None:
    if json:
        as_json({"chips": rows})
        return
    lines = []
    for row in rows:
        usd = dict(zip(("$ at cost", "$ at price", "$ rented"), row["usd_per_mtoken"].values(), strict=True))
        lines.append({
            "chip": row["name"], "weights": row["weights"], "chips": _replica(row), "batch": str(row["batch"]),
            **{basis: "" if v is None else f"{v:.4g}" for basis, v in usd.items()},
            "J/token": si(row["j_per_token"], "J"), "TPOT": si(row["tpot_s"], "s"), "TTFT": si(row["ttft_s"], "s"),
            "token/s/chip": f"{row['tokens_per_s_per_chip']:.4g}",
            "misses": ", ".join(f"{k} x{v:.2f}" for k, v in row["misses"].items()),
        })  # fmt: skip
    grid.show(OUT, "the same work, each chip in its best configuration", lines,
              "dollars per million output tokens, prompts included")  # fmt: skip


def _replica(row: dict[str, Any]) -> str:
    """Chips of a replica: tensor-parallel, times pipeline stages where there are several."""
    stages = f" x {row['stages']} stages" if row["stages"] > 1 else ""
    return f"{row['tensor_parallel']}{stages}"


def doctor(facts: dict[str, Any], json: bool) -> None:
    if json:
        as_json(facts)
        return
    tools = facts["tools"]
    rows = [{"tool": t["name"], "found": t["version"] or "missing", "adds": t["adds"]} for t in tools]
    grid.show(OUT, f"sartor {facts['sartor']}, Python {facts['python']}", rows, f"cache: {facts['cache']}")
    for tool in tools:
        if not tool["version"]:
            OUT.print(f"to get {tool['name']}: {tool['get']}", markup=False)


def _bar() -> Progress:
    return Progress(TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,.0f}"),
                    TimeRemainingColumn(), console=ERR, transient=True, disable=not ERR.is_terminal)  # fmt: skip
