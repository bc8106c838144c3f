"""Boxes, arrows and labels of the data sheet's pictures, as SVG."""

from __future__ import annotations

from collections.abc import Sequence

from ..tags import Html, esc, tag


def svg(width: float, height: float, *drawn: Html, label: str, cls: str = "drawing") -> Html:
    """A picture, at most as wide as its units."""
    return tag("svg", *drawn, viewBox=f"0 0 {width:g} {height:g}", role="img", cls=cls, aria_label=label,
               style=f"max-width:{width:g}px")  # fmt: skip


def heads() -> Html:
    """What `arrow` ends with; once in a page."""
    marker = tag(
        "marker", tag("path", d="M0 0L8 4L0 8z"), id="arrow", viewBox="0 0 8 8", refX="7", refY="4",
        markerWidth="7", markerHeight="7", orient="auto-start-reverse",
    )  # fmt: skip
    return tag("defs", marker)


def write(x: float, y: float, text: str, cls: str = "", turned: bool = False) -> Html:
    """A line of text, centered at (x, y) unless its class says otherwise."""
    turn = f"rotate(-90 {x:g} {y:g})" if turned else None
    return tag("text", esc(text), x=f"{x:g}", y=f"{y:g}", cls=cls or None, transform=turn)


def box(
    x: float, y: float, w: float, h: float, title: str = "", lines: Sequence[str] = (), cls: str = "box"
) -> Html:
    """A rectangle with its name and a few lines below it."""
    drawn = [tag("rect", x=f"{x:g}", y=f"{y:g}", width=f"{w:g}", height=f"{h:g}", rx="5", cls=cls)]
    top = y + h / 2 - 7.5 * len(lines) + 4 if title else y + h / 2 - 7.5 * (len(lines) - 1) + 4
    if title:
        drawn.append(write(x + w / 2, top, title, "title"))
    first = top + 16 if title else top
    drawn += [write(x + w / 2, first + 15 * i, line) for i, line in enumerate(lines)]
    return "".join(drawn)


def arrow(*points: tuple[float, float], both: bool = False, cls: str = "wire") -> Html:
    """A line with a head at its end, or at both."""
    path = "M" + "L".join(f"{x:g} {y:g}" for x, y in points)
    return tag(
        "path", d=path, cls=cls, marker_end="url(#arrow)", marker_start="url(#arrow)" if both else None
    )
