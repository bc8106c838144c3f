"""What the plots show, as one JSON in the page; its JavaScript adds the axes that the reader picks."""

from __future__ import annotations

import json
import math
from typing import Any

from .facts import choice
from .numbers import is_known
from .specs import AXES, Spec, pareto, roofline
from .tags import Html, say, tag
from .words import LANGUAGES, text

Report = dict[str, Any]
UNITS = {"usd_per_mtoken": "$", "j_per_token": "J", "tokens_per_s": "token/s", "power_w": "W"}


def plot(name: str) -> Html:
    """The place of a plot; without JavaScript it says where the numbers are."""
    return tag("div", tag("p", say("say.no_script"), cls="note"), id=f"plot-{name}", cls="plot")


def data(report: Report) -> Html:
    """What the page's JavaScript draws, as JSON that cannot end the element it stands in."""
    content = {"front": front(report), "rivals": rival_rows(report), "mine": report["headline"]["chip"],
               "mineRow": {a: report["figures"][a] for a in AXES} | {"design": chosen_words(report)},
               "best": (report["headline"]["best_rival"] or {}).get("name"),
               "roofline": {"ceilings": ceilings(report), "points": roofline_rows(report)},
               "axes": {a: {lang: text(f"figure.{a}", lang) for lang in LANGUAGES} for a in AXES},
               "units": {a: UNITS.get(a, "s") for a in AXES}, "specs": specs()}  # fmt: skip
    safe = json.dumps(_finite(content), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return tag("script", safe.replace("<", "\\u003c"), type="application/json", id="data")


def _finite(value: Any) -> Any:
    """`value` without NaN and infinities, which JSON has no word for; floats to six digits."""
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(v) for v in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


def front(report: Report) -> Spec:
    """The front by columns: figures as numbers, choices as indices into their words, which repeat."""
    rows = report["front"]
    variables = list(report["chip"]["design"])
    words = {v: list(dict.fromkeys(choice(v, r["design"][v]) for r in rows)) for v in variables}
    index = {v: {word: i for i, word in enumerate(words[v])} for v in variables}
    return {
        "figures": {a: [r[a] for r in rows] for a in AXES},
        "words": words,
        "choices": {v: [index[v][choice(v, r["design"][v])] for r in rows] for v in variables},
        "pick": next((i for i, r in enumerate(rows) if r["design"] == report["chip"]["design"]), None),
    }


def chosen_words(report: Report) -> dict[str, str]:
    """The chosen design's choices in words."""
    return {v: choice(v, value) for v, value in report["chip"]["design"].items()}


def rival_rows(report: Report) -> list[dict[str, Any]]:
    """The chips that exist, at cost as the front is; what is not known keeps a chip off that axis."""
    rows = []
    for s in report["comparison"][1:]:
        rows.append({"name": s["name"], "kept": s["feasible"], **{a: s[a] for a in AXES[1:]},
                     "usd_per_mtoken": s["usd_per_mtoken"]["cost"]})  # fmt: skip
    return rows


def roofline_rows(report: Report) -> list[dict[str, Any]]:
    """Points of the roofline that have a place on it; a chip without off-chip memory has none."""
    points = report["roofline"]["points"]
    return [
        p for p in points if is_known(p["ops_per_byte"]) and is_known(p["ops_per_s"]) and p["ops_per_s"] > 0
    ]


def ceilings(report: Report) -> list[dict[str, Any]]:
    """Each chip's roof: three corners, over the intensities that the points span."""
    at = [p["ops_per_byte"] for p in roofline_rows(report)] or [1.0]
    first, last, rows = min(at) / 3, max(at) * 6, []
    for c in report["roofline"]["ceilings"]:
        if is_known(c["bytes_per_s"]) and c["bytes_per_s"] > 0:
            ridge = min(max(c["ops_per_s"] / c["bytes_per_s"], first), last)
            for x in (first, ridge, last):
                rows.append(
                    {
                        "name": c["name"],
                        "ops_per_byte": x,
                        "ops_per_s": min(c["ops_per_s"], x * c["bytes_per_s"]),
                    }
                )
    return rows


def specs() -> dict[str, dict[str, Spec]]:
    """`specs()[language][plot]`."""
    return {lang: {"pareto": pareto(lang), "roofline": roofline(lang)} for lang in LANGUAGES}
