"""The floorplan as a picture with a scale in millimetres."""

from __future__ import annotations

from typing import Any

from .numbers import plain
from .tags import Html, esc, tag
from .words import LANGUAGES, term

COLOURS = {"tile": "blue", "sram": "green", "vector": "purple", "memory phy": "orange", "link": "red",
           "host": "yellow", "other": "sky"}  # fmt: skip
_SIZE = 400.0  # drawing units a side
_LETTER = 9.0  # drawing units of a letter


def floorplan_svg(plan: dict[str, Any]) -> Html:
    """Rectangles of `plan` to scale, each with its name and area where there is room."""
    side = float(plan["side_mm"])
    scale = _SIZE / side
    drawn = "".join(_rect(r, scale) for r in plan["rects"])
    return tag("svg", drawn, _ruler(side, scale), viewBox=f"-4 -4 {_SIZE + 8:g} {_SIZE + 44:g}", role="img",
               cls="floorplan", aria_label=f"floorplan, {plain(side)} mm a side")  # fmt: skip


def _rect(r: dict[str, Any], scale: float) -> Html:
    x, y, w, h = (float(r[k]) * scale for k in ("x", "y", "w", "h"))
    area = f"{plain(r['w'] * r['h'])} mm²"
    box = tag(
        "rect",
        x=f"{x:.2f}",
        y=f"{y:.2f}",
        width=f"{w:.2f}",
        height=f"{h:.2f}",
        cls=COLOURS.get(r["name"], "grey"),
    )
    return tag("g", tag("title", f"{esc(r['name'])}: {area}"), box, _label(r["name"], area, x, y, w, h))


def _label(name: str, area: str, x: float, y: float, w: float, h: float) -> Html:
    """Name and area inside the rectangle; along it where it is tall and thin; nothing where neither fits."""
    long, short = max(w, h), min(w, h)
    need = _LETTER * max(len(term("part", name, lang)) for lang in LANGUAGES)
    if short < 16 or long < need:
        return ""
    turn = f" rotate({90 if h > w and w < need else 0})"
    lines = []
    for lang in LANGUAGES:
        lines.append(
            tag("text", esc(term("part", name, lang)), lang=lang, dy="-0.1em" if short > 36 else "0.35em")
        )
    if short > 36:
        lines.append(tag("text", area, dy="1.1em", cls="area"))
    return tag("g", *lines, transform=f"translate({x + w / 2:.2f} {y + h / 2:.2f}){turn}")


def _ruler(side: float, scale: float) -> Html:
    """A scale bar of a round length, about a third of the die."""
    length = max((s for s in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50) if s <= side / 2), default=side)
    y = _SIZE + 14
    line = tag(
        "path",
        d=f"M0 {y - 5:g}v10M0 {y:g}H{length * scale:.2f}M{length * scale:.2f} {y - 5:g}v10",
        cls="ruler",
    )
    words = tag("text", f"{length:g} mm", x=f"{length * scale / 2:.2f}", y=f"{y + 20:g}")
    return line + words
