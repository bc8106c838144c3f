"""The headline metric: speed-up over bits removed, of our RTL and of a GPU, by bits and batch."""

from __future__ import annotations

from typing import Any

import vl_convert

from ..numbers import count, percent, plain
from ..proportionality import points
from ..specs import BEST, RIVAL, Spec
from ..tags import Html, cell, say, section, shown, table, tag, tr
from ..words import LANGUAGES, text

Report = dict[str, Any]
SHOWN = (1, 8, 64)  # batches that are drawn


def html(report: Report) -> Html:
    rows = [p for p in points() if p["batch"] in SHOWN]
    drawn = "".join(tag("div", _svg(rows, language), lang=language, cls="drawn") for language in LANGUAGES)
    note = tag("p", say("proportionality.note"), cls="note")
    return section("proportionality", *_answer(rows), drawn, _table(rows), note)


def _answer(rows: list[dict[str, Any]]) -> list[Html]:
    """The least of each, and at which batch."""
    found = []
    for who in dict.fromkeys(p["who"] for p in rows):
        worst = min((p for p in rows if p["who"] == who), key=_share)
        blanks = {"share": percent(_share(worst)), "name": worst["name"], "batch": count(worst["batch"])}
        found.append(tag("p", say("proportionality.worst", who=who, **blanks), cls="answer"))
    return found


def _share(p: dict[str, Any]) -> float:
    return float(p["speedup"] / p["promised"])


def _table(rows: list[dict[str, Any]]) -> Html:
    heads = [say(f"proportionality.{h}") for h in ("who", "batch", "format", "promised", "speedup", "share")]
    body = [tr([shown(p["who"]), cell(p["batch"], count(p["batch"])), shown(p["name"]),
                cell(p["promised"], f"{plain(p['promised'])}×"), cell(p["speedup"], f"{plain(p['speedup'])}×"),
                cell(_share(p), percent(_share(p)))]) for p in rows]  # fmt: skip
    return tag("details", tag("summary", say("say.as_table")), table(heads, body, "sortable"))


def _svg(rows: list[dict[str, Any]], language: str) -> Html:
    return vl_convert.vegalite_to_svg(spec(rows, language))


def spec(rows: list[dict[str, Any]], language: str) -> Spec:
    """On the dashed line a chip gains what the bits promise."""
    values = [{**p, "series": f"{p['who']}, {text('proportionality.batch', language)} {p['batch']}"} for p in rows]
    series = list(dict.fromkeys(v["series"] for v in values))
    looks = [BEST, RIVAL, "#e69f00", "#8a8f98"][: len(series)]
    scale = {"type": "log", "domain": [1, 4.5], "nice": False}
    x = {"field": "promised", "type": "quantitative", "scale": scale, "title": text("proportionality.x", language)}
    y = {"field": "speedup", "type": "quantitative", "scale": {"type": "log", "domain": [0.2, 4.5], "nice": False},
         "title": text("proportionality.y", language)}  # fmt: skip
    colors = {"domain": series, "range": looks}
    legend = {"title": None, "orient": "top", "columns": 2, "columnPadding": 40}
    color = {"field": "series", "type": "nominal", "scale": colors, "legend": legend}
    values += [{"series": one, "promised": 1, "speedup": 1} for one in series]  # what each is compared with
    ideal = [{"promised": v, "speedup": v} for v in (1, 4.5)]
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json", "width": 440, "height": 320,
        "padding": {"left": 5, "top": 5, "right": 24, "bottom": 5},  # names are wider than they are thought to be
        "layer": [
            {"data": {"values": ideal}, "mark": {"type": "line", "strokeDash": [5, 4], "color": "#8a8f98"},
             "encoding": {"x": x, "y": y}},
            {"data": {"values": values}, "mark": {"type": "line", "point": {"size": 60}},
             "encoding": {"x": x, "y": y, "color": color}},
        ],
        "config": {"font": "Helvetica, Arial, sans-serif", "axis": {"labelFontSize": 13, "titleFontSize": 13},
                   "legend": {"labelFontSize": 13}},
    }  # fmt: skip
