"""Verbs that search: progress while they do, then a card or table for people, or one JSON object."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import api
from ..api.find import remember
from ..report.card import card
from ..search.space import OWN
from ..search.store import writable, write_parquet
from ..search.study import find_study
from ..units import si
from . import grid
from .console import OUT, as_json, bar

if TYPE_CHECKING:
    from ..search.explore import Exploration

FRONT_SHOWN = 20  # designs of the front, for people


def design(
    study: str,
    out: Path | None,
    points: int | None,
    seed: int | None,
    executor: str,
    build: bool,
    traffic: str | None,
    json: bool,
) -> None:
    before = find_study(study).with_points(points, seed)
    found = before.under(traffic)
    folder = out or Path("out") / found.name
    writable(folder)  # said now, not after the search
    with bar() as shown:
        task = shown.add_task("exploring", total=None)

        def step(done: int, total: int) -> None:
            shown.update(task, completed=done, total=total)

        result = api.design(
            found, executor, step, lambda text: shown.update(task, description=text), resume=True, build=build,
            before=None if traffic is None else before,
        )  # fmt: skip
        shown.update(task, description="writing the report")
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
    with bar() as shown:
        task = shown.add_task("exploring", total=None)
        run = api.explore(
            study,
            points,
            seed,
            executor,
            lambda done, total: shown.update(task, completed=done, total=total),
            resume=True,
        )
    if out is not None:
        write_parquet(out / "front.parquet", run.found, run.problem)
    if json:
        as_json({**_facts(run, executor), "front": run.rows()})
        return
    _front(run.rows(most=FRONT_SHOWN))
    stopped = " (stopped early: the same command resumes)" if run.interrupted else ""
    fast = f", {run.points_per_s:,.0f} a second" if run.points_per_s else ", all kept from another run"
    OUT.print(f"{run.found.evaluations:,} designs priced{fast}{stopped}; "
              f"{len(run.found.points)} on the front, at most {FRONT_SHOWN} shown")  # fmt: skip


def _facts(run: Exploration, executor: str) -> dict[str, Any]:
    return {
        "study": run.problem.study.name, "evaluations": run.found.evaluations, "points_per_s": run.points_per_s,
        "points_per_cpu_s": run.points_per_cpu_s,
        "screen_s": run.screen_s, "executor": executor, "seed": run.problem.study.search.seed,
        "interrupted": run.interrupted, "feasible": run.found.feasible, "killed": run.found.killed,
        "pick": run.row(run.pick),
    }  # fmt: skip


def _front(rows: list[dict[str, Any]]) -> None:
    lines = []
    for row in rows:
        d = row["design"]
        lines.append({
            "$/Mtoken": f"{row['usd_per_mtoken']:.4g}", "J/token": si(row["j_per_token"], "J"),
            **({"KL": f"{row['kl']:.3g}"} if "kl" in row else {}),
            "latency": si(row["latency_s"], "s"), "TPOT": si(row["tpot_s"], "s"),
            "power": si(row["power_w"], "W"),
            "node": d["node"], "memory": f"{d['memory']} x{d['units']}",
            "tiles": f"{d['cores']} x {d['rows']}x{d['lanes']}x{d['columns']}", "weights": _weights(d),
            "batch": str(d["batch"]),
        })  # fmt: skip
    also = ", KL in nats" if lines and "KL" in lines[0] else ""
    grid.show(OUT, f"Pareto front: dollars, joules, latency{also}", lines)


def _weights(design: dict[str, Any]) -> str:
    """The format of the FFN, and of parts that have another."""
    own = (f", {part} {design[part]}" for part in OWN if design.get(part, design["weights"]) != design["weights"])
    return design["weights"] + "".join(own)
