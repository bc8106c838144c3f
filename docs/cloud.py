"""docs/cloud-hyperclovax.md and its picture from a run of that study: `python docs/cloud.py [report.json]`.

Without a file the study is run (a CPU minute).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import vl_convert
from fill import filled, write

from sartor import api
from sartor.report.data import plain

ROOT = Path(__file__).parents[1]
STUDY = "cloud-hyperclovax"
PAGE, PICTURE = ROOT / f"docs/{STUDY}.md", ROOT / f"docs/pictures/{STUDY}.svg"
FIGURES = {"usd_per_mtoken": ("$/Mtoken", 1), "j_per_token": ("J/token", 1), "tpot_s": ("TPOT, ms", 1e3),
           "tokens_per_s": ("token/s", 1), "power_w": ("W", 1)}  # fmt: skip
CHOICES = ("node", "memory", "units", "cores", "columns", "cache", "batch")


def markdown(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))


def short(value: float) -> str:
    """Three digits, and all of those before the point.

    >>> short(0.22512), short(1003.7)
    ('0.225', '1,004')
    """
    return f"{value:,.0f}" if value >= 999.5 else f"{value:.3g}"


def variants(report: dict[str, Any]) -> str:
    rows = []
    for v in report["variants"]:
        name = [f"`{v['weights']}`", v["memory"], f"{v['bits']:.3g}"]
        if not v["kept"]:
            rows.append([*name, "nothing keeps the limits", *[""] * (len(FIGURES) + len(CHOICES) - 1)])
            continue
        figures = [short(v[f] * factor) for f, (_, factor) in FIGURES.items()]
        rows.append([*name, *figures, *(str(v["design"][c]) for c in CHOICES)])
    return markdown(["weights", "memory", "bits", *(title for title, _ in FIGURES.values()), *CHOICES], rows)


def claim(found: dict[str, Any]) -> str:
    """One table: a row a variant, a column a batch and context; what holds is bold."""
    points = found["points"]
    places = list(dict.fromkeys((p["batch"], p["context"]) for p in points))
    rows = []
    for name in dict.fromkeys((p["weights"], p["memory"]) for p in points):
        mine = {(p["batch"], p["context"]): p["factor"] for p in points if (p["weights"], p["memory"]) == name}
        rows.append([f"`{name[0]}`, {name[1]}", *(_factor(mine[place], found["factor"]) for place in places)])
    known = [p["factor"] for p in points if p["factor"]]
    kept = sum(f >= found["factor"] for f in known)
    against = f"{found['chip']}, weights {found['weights']}, cache {found['cache']}"
    head = f"**{found['text']}** (against {against}): {found['factor']:g}x holds at {kept} of {len(known)} points."
    columns = ["chip", *(f"{b} x {c:,}" for b, c in places)]
    return "\n\n".join([head, markdown(columns, rows), f"Source: {found['source']}."])


def _factor(value: float | None, asked: float) -> str:
    if value is None:
        return "does not fit"
    return f"**{value:.2g}**" if value >= asked else f"{value:.2g}"


def spec(report: dict[str, Any]) -> dict[str, Any]:
    """A panel a claim: the factor over the batch, at the shortest and the longest context that fit."""
    contexts = sorted({p["context"] for p in report["claims"][0]["points"]})
    values = [{**p, "claim": f"{c['text']} ({c['chip']}, {c['weights']})",
               "tokens": f"{p['context']:,} tokens"}
              for c in report["claims"] for p in c["points"] if p["factor"] and p["context"] in contexts[:2]]  # fmt: skip
    x = {"field": "batch", "type": "quantitative", "scale": {"type": "log", "base": 2}, "title": "requests at once"}
    y = {"field": "factor", "type": "quantitative", "scale": {"type": "log", "domain": [0.5, 50]},
         "title": "times less"}
    color = {"field": "weights", "type": "nominal", "title": "weights"}
    dash = {"field": "tokens", "type": "nominal", "title": "in each cache"}
    shape = {"field": "memory", "type": "nominal", "title": "memory"}
    lines = {"mark": {"type": "line"}, "encoding": {"x": x, "y": y, "color": color, "strokeDash": dash, "detail": shape}}
    marks = {"mark": {"type": "point", "size": 45}, "encoding": {"x": x, "y": y, "color": color, "shape": shape}}
    eight = {"mark": {"type": "rule", "color": "#555", "strokeDash": [2, 2]}, "encoding": {"y": {"datum": 8}}}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json", "background": "white", "padding": 12,
        "title": {"text": "What was claimed of a Korean LLM chip, on chips found for a 32B model", "anchor": "start",
                  "subtitle": "decode; above the dotted line the claim of a factor of eight holds"},
        "data": {"values": values}, "facet": {"field": "claim", "title": None, "sort": [v["claim"] for v in values]}, "columns": 2,
        "spec": {"width": 330, "height": 220, "layer": [lines, marks, eight]},
        "config": {"font": "Helvetica, Arial, sans-serif"},
    }  # fmt: skip


def main() -> int:
    given = sys.argv[1:]
    report = json.loads(Path(given[0]).read_text(encoding="utf-8")) if given else plain(api.design(STUDY).report)
    made = {"variants": variants(report), "claims": "\n\n".join(map(claim, report["claims"]))}
    page = PAGE.read_text(encoding="utf-8")
    for name, text in made.items():
        page = filled(page, name, text)
    return write({PAGE: page, PICTURE: vl_convert.vegalite_to_svg(spec(report))}, False)


if __name__ == "__main__":
    sys.exit(main())
