"""Why this chip: its limits, what each phase waits for, and where time, energy, area and money go."""

from __future__ import annotations

from typing import Any

from ..bars import bar, needs, parts_card, track
from ..numbers import count, figure, is_known, percent, plain, quantity
from ..picture import floorplan_svg
from ..plots import plot, roofline_rows
from ..tags import Html, cell, named, number, say, section, shown, table, tag

Report = dict[str, Any]
UNITS = {
    "energy_j_per_token": "J",
    "area_mm2": "mm²",
    "chip_usd": "usd",
    "nre_usd": "usd",
    "usd_per_mtoken": "usd",
}


def html(report: Report) -> Html:
    parts = [_limits(report), _phases(report), _roofline(report), _breakdown(report), _floorplan(report)]
    return section("why", *parts)


def _limits(report: Report) -> Html:
    """How near the chip is to each limit: what binds is what decided."""
    limits = sorted(report["limits"].items(), key=lambda p: -p[1])
    rows = [[named("limit", k), track(bar(min(v, 1.0), "orange" if v > 0.95 else "blue")),
             cell(v, percent(v))] for k, v in limits]  # fmt: skip
    heads = [say("why.limit"), "", say("why.of_limit")]
    return tag("h3", say("why.limits")) + tag("p", say("why.limits_note")) + table(heads, rows, "bars")


def _phases(report: Report) -> Html:
    keys = "".join(
        tag("span", say(f"bound.{r}"), cls=f"key {r}") for r in ("compute", "memory", "vector", "network")
    )
    legend = tag("p", keys, tag("span", say("why.takes_key"), cls="key takes-key"), cls="legend")
    phases = "".join(_phase(name, phase) for name, phase in report["phases"].items())
    return (
        tag("h3", say("why.phases"))
        + tag("p", say("why.phases_note"))
        + legend
        + tag("div", phases, cls="pair")
    )


def _phase(name: str, phase: dict[str, Any]) -> Html:
    waits: dict[str, float] = {}
    for op in phase["operators"]:
        waits[op["bound"]] = waits.get(op["bound"], 0.0) + op["share"]
    most = max(waits, key=lambda b: waits[b])
    time = figure("latency_s", phase["latency_s"])
    head = tag("h4", say(f"why.{name}"), ": ", number(phase["latency_s"], time))
    words = tag("p", say(f"why.waits_{most}", share=percent(waits[most])))
    return tag("article", head, words, needs(phase["operators"]), cls="card")


def _roofline(report: Report) -> Html:
    rows = []
    for r in roofline_rows(report):
        at, speed = r["ops_per_byte"], r["ops_per_s"]
        figures = [cell(at, plain(at)), cell(speed, quantity(speed, "ops/s"))]
        rows.append([shown(r["name"]), say(f"why.{r['phase']}"), *figures])
    heads = [say("why.chip"), say("why.phase"), say("why.intensity"), say("why.speed")]
    same = tag("details", tag("summary", say("say.as_table")), table(heads, rows))
    return tag("h3", say("why.roofline")) + tag("p", say("why.roofline_note")) + plot("roofline") + same


def _breakdown(report: Report) -> Html:
    """One card for each whole; that of time is above, by phase."""
    groups = report["breakdown"]
    cards = [
        parts_card(say(f"why.{name}"), _named(groups[name]), unit, _note(name, report))
        for name, unit in UNITS.items()
    ]
    return tag("h3", say("why.breakdown")) + tag("div", *cards, cls="cards")


def _named(parts: dict[str, float]) -> list[tuple[Html, float]]:
    """Parts by the reader's words; energy's are `phase: part`."""
    rows = []
    for name, value in parts.items():
        phase, _, part = name.rpartition(": ")
        words = f"{named('part', phase)}: {named('part', part)}" if phase else named("part", name)
        rows.append((words, value))
    return rows


def _note(name: str, report: Report) -> Html:
    rest = next((r for r in report["assumptions"] if r["fact"] == "overheads.area.other_fraction"), None)
    if name == "area_mm2" and rest:
        share, low, high = (percent(rest[end]) for end in ("value", "low", "high"))
        return tag("p", say("why.note_area_mm2", share=share, low=low, high=high), cls="note")
    if name not in ("nre_usd", "energy_j_per_token", "chip_usd"):
        return ""
    return tag("p", say(f"why.note_{name}", volume=count(report["study"]["economics"]["volume"])), cls="note")


def _floorplan(report: Report) -> Html:
    plan, dies = report["floorplan"], report["chip"]["design"]["dies"]
    words = say("why.floorplan_note", side=plain(plan["side_mm"]))
    if is_known(dies) and dies > 1:
        words += " " + say("why.floorplan_dies", dies=f"{dies:g}")
    picture = tag("figure", floorplan_svg(plan), tag("figcaption", words))
    return tag("h3", say("why.floorplan")) + picture
