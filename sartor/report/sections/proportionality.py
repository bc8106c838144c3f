"""The headline metric: speed-up over bits removed, of our RTL and of a GPU, by bits and batch."""

from __future__ import annotations

import math
from typing import Any

import vl_convert

from ..numbers import count, percent, plain
from ..proportionality import COUNTED, FORMULAS, points
from ..specs import BEST, RIVAL, Spec
from ..tags import Html, both, cell, say, section, shown, table, tag, tr
from ..words import LANGUAGES, text

Report = dict[str, Any]
SHOWN = {"RTL": COUNTED, FORMULAS: (16,), "H100": (1, 8, 64)}  # batches that are drawn, by chip
LOOKS = (BEST, "#56b4e9", "#009e73", RIVAL, "#e69f00", "#8a8f98")


def html(report: Report) -> Html:
    rows = [p for p in points() if p["batch"] in SHOWN[p["who"]]]
    drawn = "".join(tag("div", _svg(rows, language), lang=language, cls="drawn") for language in LANGUAGES)
    note = tag("p", say("proportionality.note"), cls="note")
    return section("proportionality", *_answer(rows), drawn, _table(rows), note)


def _answer(rows: list[dict[str, Any]]) -> list[Html]:
    """The least of each, and at which batch."""
    found = []
    for who in dict.fromkeys(p["who"] for p in rows):
        worst = min((p for p in rows if p["who"] == who), key=_share)
        blanks = {"share": _least(_share(worst)), "name": worst["name"], "batch": count(worst["batch"])}
        said = {lang: text("proportionality.worst", lang, who=_who(who, lang), **blanks) for lang in LANGUAGES}
        found.append(tag("p", both(said), cls="answer"))
    return found


def _who(who: str, language: str) -> str:
    """Chips have names; estimates are called so."""
    return text("proportionality.formulas", language) if who == FORMULAS else who


def _share(p: dict[str, Any]) -> float:
    return float(p["speedup"] / p["promised"])


def _least(share: float) -> str:
    """A share that others do not fall below, so never rounded up.

    >>> _least(0.9487)
    '94.8 %'
    """
    return f"{math.floor(1000 * share) / 10:.1f} %"


def _table(rows: list[dict[str, Any]]) -> Html:
    heads = [say(f"proportionality.{h}") for h in ("who", "batch", "format", "promised", "speedup", "share")]
    return tag("details", tag("summary", say("say.as_table")), table(heads, [_row(p) for p in rows], "sortable"))


def _row(p: dict[str, Any]) -> Html:
    who = both({language: _who(p["who"], language) for language in LANGUAGES})
    times = [cell(p[key], f"{plain(p[key])}×") for key in ("promised", "speedup")]
    return tr([who, cell(p["batch"], count(p["batch"])), shown(p["name"]), *times, cell(_share(p), percent(_share(p)))])


def _svg(rows: list[dict[str, Any]], language: str) -> Html:
    return vl_convert.vegalite_to_svg(spec(rows, language))


def spec(rows: list[dict[str, Any]], language: str) -> Spec:
    """On the dashed line a chip gains what the bits promise."""
    batch = text("proportionality.batch", language)
    values = [{**p, "series": f"{_who(p['who'], language)}, {batch} {p['batch']}"} for p in rows]
    series = list(dict.fromkeys(v["series"] for v in values))
    scale = {"type": "log", "domain": [1, 4.5], "nice": False}
    x = {"field": "promised", "type": "quantitative", "scale": scale, "title": text("proportionality.x", language)}
    y = {"field": "speedup", "type": "quantitative", "scale": {"type": "log", "domain": [0.2, 4.5], "nice": False},
         "title": text("proportionality.y", language)}  # fmt: skip
    colors = {"domain": series, "range": LOOKS[: len(series)]}
    legend = {"title": None, "orient": "top", "columns": 2, "columnPadding": 40, "labelLimit": 0}
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
