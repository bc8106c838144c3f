"""The front as a plot with axes to pick; a click shows that design beside the chosen one."""

from __future__ import annotations

from typing import Any

from ..facts import choice
from ..numbers import count, figure
from ..plots import data, plot
from ..specs import AXES
from ..tags import Html, esc, named, number, say, section, shown, table, tag
from ..words import text

Report = dict[str, Any]
CATEGORIES = ("node", "memory", "weights", "batch")  # choices that may color the points
PICKED = {"x": "usd_per_mtoken", "y": "j_per_token", "color": "latency_s"}


def html(report: Report) -> Html:
    controls = tag("div", *(_select(axis, report) for axis in PICKED), _with_rivals(), cls="controls")
    drawn = tag("div", controls, plot("pareto"), cls="drawn")
    both_sides = tag("div", drawn, _panel(report), cls="beside-plot")
    search = report["search"]
    counts = {k: count(search[k]) for k in ("evaluations", "feasible", "front", "space")}
    how = tag("p", say("pareto.searched", shown=count(len(report["front"])), **counts))
    return section("pareto", how, both_sides, _as_table(report), data(report))


def _select(axis: str, report: Report) -> Html:
    names = list(AXES)
    if axis == "color":
        names += [c for c in CATEGORIES if len({r["design"].get(c) for r in report["front"]}) > 1]
    options = "".join(_option(name, name == PICKED[axis]) for name in names)
    return tag("label", say(f"pareto.{axis}"), " ", tag("select", options, id=f"axis-{axis}"))


def _option(name: str, picked: bool) -> Html:
    key = f"figure.{name}" if name in AXES else f"variable.{name}"
    words = {f"data_{lang}": text(key, lang) for lang in ("en", "ko")}
    return tag("option", esc(text(key)), value=name, selected="" if picked else None, **words)


def _with_rivals() -> Html:
    box = tag("input", type="checkbox", id="with-rivals", checked="")
    return tag("label", box, " ", say("pareto.with_rivals"))


def _panel(report: Report) -> Html:
    """The chosen design, and beside it the one that was clicked: at first the same."""
    mine, design = report["figures"], report["chip"]["design"]
    rows = [_pair(f"figure.{a}", a, figure(a, mine[a])) for a in AXES]
    rows += [_pair(f"variable.{v}", v, choice(v, value)) for v, value in design.items()]
    heads = [say("pareto.what"), tag("span", say("pareto.clicked"), id="clicked"), say("pareto.chosen")]
    return tag(
        "aside", tag("h3", say("pareto.panel")), table(heads, rows), id="design-panel", aria_live="polite"
    )


def _pair(key: str, name: str, words: str) -> list[Html]:
    group, variable = key.split(".", 1)
    clicked = tag("td", shown(words), data_of=name, cls="n")
    return [named(group, variable), clicked, tag("td", shown(words), data_chosen=name, cls="n")]


def _as_table(report: Report, most: int = 12) -> Html:
    """Some designs spread over the front, for those without JavaScript and for readers of tables."""
    rows = sorted(report["front"], key=lambda r: r["usd_per_mtoken"])
    step = max(len(rows) // most, 1)
    heads = [say(f"figure.{a}") for a in AXES] + [say("pareto.design")]
    body = [
        [*(number(r[a], figure(a, r[a])) for a in AXES), shown(_words(r["design"]))]
        for r in rows[::step][:most]
    ]
    return tag("details", tag("summary", say("pareto.as_table")), table(heads, body, "front"))


def _words(design: dict[str, Any]) -> str:
    shape = f"{design['cores']} × {design['rows']} × {design['lanes']} × {design['columns']} MACs"
    memory = f"{design['units']} × {design['memory']}"
    return f"{design['node']}, {shape}, {choice('clock', design['clock'])}, {memory}"
