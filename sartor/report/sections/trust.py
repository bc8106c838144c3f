"""How wrong the estimates are: the errors on record, predicted against measured, and what is not covered."""

from __future__ import annotations

import math
from itertools import groupby
from typing import Any

from ..bars import PARTS
from ..numbers import percent, plain
from ..tags import Html, cell, esc, say, section, shown, table, tag

Report = dict[str, Any]
_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 560.0, 190.0, 44.0, 24.0
RATIOS = (0.5, 0.7, 0.85, 1.0, 1.2, 1.4, 2.0)  # of predicted over measured that are labeled; beyond, at the edge


def present(report: Report) -> bool:
    return bool(report.get("trust"))


def html(report: Report) -> Html:
    """Nothing for a report that was made before errors were in it."""
    if not present(report):
        return ""
    return section("trust", *(_kind(name, found) for name, found in report["trust"].items()))


def _kind(name: str, found: dict[str, Any]) -> Html:
    heads = [say(f"trust.{h}") for h in ("group", "rows", "n", "median", "p90", "band")]
    plots = [_plot(group, list(points)) for group, points in _groups(found["points"])]
    missing = tag("ul", *(tag("li", esc(what)) for what in found["missing"]))
    whole = tag("details", tag("summary", say("trust.table")), table(heads, [_row(r) for r in found["rows"]]))
    return tag("h3", esc(found["title"])) + "".join(plots) + whole + tag("p", say("trust.missing")) + missing


def _row(row: dict[str, Any]) -> list[Html]:
    figures = [cell(row[f], percent(row[f])) for f in ("median", "p90", "band")]
    return [shown(row["group"]), say(f"trust.{row['rows']}"), cell(row["n"], f"{row['n']:,}"), *figures]


def _groups(points: list[dict[str, Any]]) -> Any:
    def name(p: dict[str, Any]) -> str:
        return str(p["group"])

    return groupby(sorted(points, key=name), key=name)


def _plot(group: str, points: list[dict[str, Any]]) -> Html:
    """Predicted over measured against measured, both on logarithmic scales."""
    low, high = (f(math.log10(p["measured"]) for p in points) for f in (min, max))
    span = max(high - low, 0.1)

    def x(measured: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - 8) * (math.log10(measured) - low) / span

    rules = "".join(_rule(ratio) for ratio in RATIOS)
    decades = range(math.ceil(low), math.floor(high) + 1)
    at = f"{_HEIGHT - 8:.1f}"
    ticks = "".join(tag("text", esc(plain(10.0**d)), x=f"{x(10.0**d):.1f}", y=at, cls="tick") for d in decades)
    dots = "".join(tag("circle", cx=f"{x(p['measured']):.1f}", cy=f"{_y(p['ratio']):.1f}", r="2.4") for p in points)
    drawn = tag("svg", rules, ticks, tag("g", dots, cls=PARTS[0]), viewBox=f"0 0 {_WIDTH:g} {_HEIGHT:g}", role="img",
                cls="trust", aria_label=f"{group}: predicted over measured, {len(points)} rows")  # fmt: skip
    return tag("figure", tag("figcaption", say("trust.plot", group=group, n=f"{len(points):,}")), drawn)


def _y(ratio: float) -> float:
    top, bottom = math.log(RATIOS[-1]), math.log(RATIOS[0])
    at = min(max(math.log(ratio), bottom), top)
    return 8 + (_HEIGHT - _BOTTOM - 16) * (top - at) / (top - bottom)


def _rule(ratio: float) -> Html:
    y = f"{_y(ratio):.1f}"
    line = tag("line", x1=f"{_LEFT:g}", x2=f"{_WIDTH - 8:g}", y1=y, y2=y, cls="one" if ratio == 1 else "grid")
    return line + tag("text", esc(f"{ratio:g}"), x=f"{_LEFT - 6:g}", y=y, cls="side")
