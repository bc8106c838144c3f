"""A floorplan picture: parts as rectangles of their area on one die. It shows sizes, not a placement."""

from __future__ import annotations

import math
from collections.abc import Mapping

Rect = dict[str, float | str]


def floorplan(area_mm2: Mapping[str, float]) -> dict[str, object]:
    """Rectangles (mm) of `area_mm2` on a square die: memory PHYs, links and host along the edges, where their pins
    are; the rest squarified inside.

    Source: Bruls, Huizing, van Wijk, "Squarified Treemaps", VisSym 2000.
    """
    parts = {name: float(value) for name, value in area_mm2.items() if value > 0}
    side = math.sqrt(sum(parts.values()))
    edge = [(n, parts.pop(n)) for n in ("memory phy", "link", "host") if n in parts]
    rects: list[Rect] = []
    left, right, top = 0.0, side, 0.0
    for name, area in edge:
        if name == "memory phy":  # half along each side, as on most dies
            width = area / 2 / side
            rects += [_rect(name, 0.0, 0.0, width, side), _rect(name, side - width, 0.0, width, side)]
            left, right = width, side - width
        else:
            height = area / (right - left)
            rects.append(_rect(name, left, top, right - left, height))
            top += height
    inside = sorted(parts.items(), key=lambda p: -p[1])
    rects += _squarify(inside, left, top, right - left, side - top)
    return {"side_mm": side, "rects": rects}


def _rect(name: str, x: float, y: float, w: float, h: float) -> Rect:
    return {"name": name, "x": x, "y": y, "w": w, "h": h}


def _squarify(parts: list[tuple[str, float]], x: float, y: float, w: float, h: float) -> list[Rect]:
    """Rows along the shorter side, each filled while its worst aspect ratio gets better."""
    if not parts:
        return []
    short = min(w, h)
    count = 1
    while count < len(parts) and _worst(parts[: count + 1], short) <= _worst(parts[:count], short):
        count += 1
    row, area = parts[:count], sum(a for _, a in parts[:count])
    thick = area / short
    rects, at = [], 0.0
    for name, part in row:
        long = part / thick
        rects.append(_rect(name, x, y + at, thick, long) if w >= h else _rect(name, x + at, y, long, thick))
        at += long
    rest = (x + thick, y, w - thick, h) if w >= h else (x, y + thick, w, h - thick)
    return rects + _squarify(parts[count:], *rest)


def _worst(row: list[tuple[str, float]], short: float) -> float:
    total = sum(a for _, a in row)
    return max(max(short**2 * a / total**2, total**2 / (short**2 * a)) for _, a in row)
