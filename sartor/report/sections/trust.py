"""How wrong the estimates are: the errors on record, predicted against measured, and what is not covered."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import groupby
from typing import Any

import numpy as np

from ...units import si
from ..bars import PARTS, bar, track
from ..numbers import percent, plain
from ..tags import Html, both, cell, esc, named, say, section, table, tag, told

Report = dict[str, Any]
_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 320.0, 170.0, 30.0, 24.0
UNITS = {"area": "mm²", "area power": "W", "cost": "USD", "dram efficiency": ""}  # else seconds or joules
RATIOS = (0.5, 0.7, 0.85, 1.0, 1.2, 1.4, 2.0)  # of predicted over measured that are labeled; beyond, at the edge


def present(report: Report) -> bool:
    return bool(report.get("trust"))


def html(report: Report) -> Html:
    """Nothing for a report that was made before errors were in it."""
    if not present(report):
        return ""
    how = tag("p", say("trust.plots"), cls="note")
    return section("trust", _glance(report["trust"]), how, *(_kind(*one) for one in report["trust"].items()))


def _glance(found: dict[str, Any]) -> Html:
    """What is asked most: a bar from the median to the 90th percentile, all on one logarithmic scale."""
    asked = [one for kind in found.values() for one in kind.get("glance", [])]
    if not asked:  # a report that was made before there was such a table
        return ""
    first, last = (math.log10(f(one[end] for one in asked)) for f, end in ((min, "median"), (max, "p90")))

    def at(error: float) -> float:
        return (math.log10(error) - first) / (last - first)

    heads = [say("trust.asked"), "", *(say(f"trust.{h}") for h in ("n", "median", "p90"))]
    drawn = table(heads, [_asked(one, at) for one in asked], "bars glance")
    return drawn + tag("p", say("trust.bars"), cls="note")


def _asked(one: dict[str, Any], at: Callable[[float], float]) -> list[Html]:
    start, end = at(one["median"]), at(one["p90"])
    drawn = bar(end - start, "sky", start), tag("i", cls="tick", style=f"left:{100 * start:.2f}%")
    name = told(one, "what") + tag("small", told(one, "judged"))
    figures = [cell(one[f], percent(one[f])) for f in ("median", "p90")]
    return [name, track(*drawn), cell(one["n"], f"{one['n']:,}"), *figures]


def _kind(name: str, found: dict[str, Any]) -> Html:
    heads = [say(f"trust.{h}") for h in ("group", "rows", "n", "median", "p90", "band")]
    plots = [_figure(group, list(points)) for group, points in _groups(found["points"])]
    missing = _folded(say("trust.missing", n=len(found["missing"])),
                      tag("ul", *(tag("li", both(what)) for what in _missing(found))))  # fmt: skip
    whole = _folded(say("trust.table"), table(heads, [_row(r) for r in found["rows"]]))
    drawn = tag("div", *plots, cls="plots") if plots else tag("p", say("trust.no_plot"), cls="note")
    return tag("h3", named("truth", name)) + drawn + whole + missing


def _missing(found: dict[str, Any]) -> list[dict[str, str]]:
    """What is not covered, in both languages; in English in a report that was made before there were two."""
    english = found["missing"]
    return [{"en": en, "ko": ko} for en, ko in zip(english, found.get("missing_ko") or english, strict=True)]


def _folded(title: Html, inner: Html) -> Html:
    return tag("details", tag("summary", title), inner)


def _row(row: dict[str, Any]) -> list[Html]:
    figures = [cell(row[f], percent(row[f])) for f in ("median", "p90", "band")]
    return [named("measured", row["group"]), say(f"trust.{row['rows']}"), cell(row["n"], f"{row['n']:,}"), *figures]


def _groups(points: list[dict[str, Any]]) -> Any:
    def name(p: dict[str, Any]) -> str:
        return str(p["group"])

    return groupby(sorted(points, key=name), key=name)


def _figure(group: str, points: list[dict[str, Any]]) -> Html:
    """A plot under what it says: how many rows, how far off."""
    median, p90 = (percent(float(q)) for q in np.quantile([abs(p["ratio"] - 1) for p in points], (0.5, 0.9)))
    name = tag("b", named("measured", group)), f" · {len(points):,}"
    caption = *name, tag("br"), say("trust.plot", median=median, p90=p90)
    return tag("figure", tag("figcaption", *caption), _plot(group, points))


def _plot(group: str, points: list[dict[str, Any]]) -> Html:
    """Predicted over measured against measured, both on logarithmic scales."""
    low, high = (f(math.log10(p["measured"]) for p in points) for f in (min, max))
    span = max(high - low, 0.1)

    def x(measured: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - 8) * (math.log10(measured) - low) / span

    rules = "".join(_rule(ratio) for ratio in RATIOS)
    values = _ticks(low, high)
    at = f"{_HEIGHT - 8:.1f}"
    unit = UNITS.get(group, {"energy": "J", "cycles": ""}.get(group.rpartition(" ")[2], "s"))
    ticks = "".join(tag("text", esc(_tick(v, unit)), x=f"{x(v):.1f}", y=at, cls="tick") for v in values)
    dots = "".join(tag("circle", cx=f"{x(p['measured']):.1f}", cy=f"{_y(p['ratio']):.1f}", r="2.4") for p in points)
    return tag("svg", rules, ticks, tag("g", dots, cls=PARTS[0]), viewBox=f"0 0 {_WIDTH:g} {_HEIGHT:g}", role="img",
               cls="trust", aria_label=f"{group}: predicted over measured, {len(points)} rows")  # fmt: skip


def _ticks(low: float, high: float) -> list[float]:
    """Some four powers of ten between 10**low and 10**high, or both ends where there are not two."""
    decades = range(math.ceil(low), math.floor(high) + 1)
    return [10.0**d for d in decades[:: -(-len(decades) // 4)]] if len(decades) > 1 else [10.0**low, 10.0**high]


def _tick(value: float, unit: str) -> str:
    """In its unit, with a prefix where the unit takes one."""
    return si(value, unit).replace(" u", " µ") if unit in ("s", "J") else f"{plain(value, 2)} {unit}".strip()


def _y(ratio: float) -> float:
    top, bottom = math.log(RATIOS[-1]), math.log(RATIOS[0])
    at = min(max(math.log(ratio), bottom), top)
    return 8 + (_HEIGHT - _BOTTOM - 16) * (top - at) / (top - bottom)


def _rule(ratio: float) -> Html:
    y = f"{_y(ratio):.1f}"
    line = tag("line", x1=f"{_LEFT:g}", x2=f"{_WIDTH - 8:g}", y1=y, y2=y, cls="one" if ratio == 1 else "grid")
    return line + tag("text", esc(f"{ratio:g}"), x=f"{_LEFT - 6:g}", y=y, cls="side")
