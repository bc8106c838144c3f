"""Bars that need no JavaScript: tables whose cells hold widths."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .numbers import change, is_known, percent, quantity, usd
from .tags import Html, cell, named, number, say, shown, table, tag

# Okabe and Ito's palette: told apart by all kinds of color vision.
PARTS = ("blue", "orange", "green", "purple", "sky", "yellow", "red")


def bar(share: float, color: str = "blue", left: float = 0.0) -> Html:
    """A bar over `share` of its cell, from `left` on."""
    style = f"left:{100 * left:.2f}%;width:{100 * max(share, 0.0):.2f}%"
    return tag("i", cls=f"bar {color}", style=style)


def track(*drawn: Html, wide: bool = True) -> Html:
    """A cell to draw bars in."""
    return tag("td", *drawn, cls="track wide" if wide else "track")


def parts_card(title: Html, parts: Sequence[tuple[Html, Any]], unit: str, note: Html = "") -> Html:
    """A whole and its parts, the largest first; parts of nothing are left out."""
    known = sorted((p for p in parts if is_known(p[1]) and p[1] != 0), key=lambda p: -p[1])
    total = sum(value for _, value in known)
    most = max((value for _, value in known), default=1.0)
    rows = [_part(name, value, value / most, value / total, unit) for name, value in known]
    heads = [say("why.part"), "", say("why.value"), say("why.share")]
    whole = tag("p", number(total, quantity(total, unit)), " ", tag("small", say("say.total")), cls="value")
    return tag("article", tag("h4", title), whole, table(heads, rows, "bars"), note, cls="card")


def _part(name: Html, value: float, width: float, share: float, unit: str) -> list[Html]:
    return [
        name,
        track(bar(width), wide=False),
        cell(value, quantity(value, unit)),
        cell(share, percent(share)),
    ]


def tornado(swings: Sequence[dict[str, Any]], fact_name: Any) -> Html:
    """How far each fact's range alone moves the price: one bar to each side of today's figure."""
    reach = max((abs(s[end]) for s in swings for end in ("low", "high")), default=1.0)
    below = max((-s[end] for s in swings for end in ("low", "high")), default=0.0)
    below, scale = max(below, 0.02 * reach), reach + max(below, 0.02 * reach)
    rows = []
    for s in swings:
        bars = "".join(
            _swing(s[end], below, scale, color) for end, color in (("low", "blue"), ("high", "orange"))
        )
        zero = tag("i", cls="zero", style=f"left:{100 * below / scale:.2f}%")
        ends = [cell(s[end], change(s[end])) for end in ("low", "high")]
        rows.append([fact_name(s["fact"]), track(bars, zero), *ends])
    heads = [say("survival.fact"), "", say("survival.low"), say("survival.high")]
    return table(heads, rows, "bars tornado")


def _swing(value: float, below: float, scale: float, color: str) -> Html:
    return bar(abs(value) / scale, color, (below + min(value, 0.0)) / scale)


def bands(band: dict[str, Any], wins: dict[str, float], mine: str) -> Html:
    """10, 50 and 90 % of each candidate's dollars on one logarithmic scale."""
    ends = [v for low, _, high in band.values() for v in (low, high) if v > 0]
    first, last = math.log10(min(ends)), math.log10(max(ends))

    def at(value: float) -> float:
        return (math.log10(value) - first) / max(last - first, 1e-9)

    rows = [
        _band(name, b, wins.get(name), at, name == mine)
        for name, b in sorted(band.items(), key=lambda p: p[1][1])
    ]
    heads = [say("survival.chip"), "", *(say(f"survival.{q}") for q in ("p10", "p50", "p90", "wins"))]
    return table(heads, rows, "bars bands")


def _band(name: str, b: Any, share: Any, at: Any, mine: bool) -> list[Html]:
    low, middle, high = b
    drawn = bar(at(high) - at(low), "orange" if mine else "sky", at(low))
    tick = tag("i", cls="tick", style=f"left:{100 * at(middle):.2f}%")
    cells = [cell(v, usd(v)) for v in b]
    label = tag("strong", shown(name)) if mine else shown(name)
    return [label, track(drawn, tick), *cells, cell(share, percent(share))]


def needs(operators: Sequence[dict[str, Any]]) -> Html:
    """Each operator's time, and within it what each resource alone would need, all at once."""
    longest = max((op["latency_s"] for op in operators), default=1.0)
    heads = [say(f"why.{h}") for h in ("operator", "needs", "takes", "share", "bound")]
    return table(heads, [_need(op, longest) for op in operators], "bars needs")


def _need(op: dict[str, Any], longest: float) -> list[Html]:
    lanes = "".join(
        tag(
            "b",
            bar(op[f"{resource}_s"] / longest, resource),
            cls="lane",
            title=f"{resource}: {_s(op[f'{resource}_s'])}",
        )
        for resource in RESOURCES
    )
    takes = tag("i", cls="takes", style=f"width:{100 * op['latency_s'] / longest:.2f}%")
    bound = tag("span", say(f"bound.{op['bound']}"), cls=f"chip-{op['bound']}")
    return [named("part", op["name"]), tag("td", takes, lanes, cls="track lanes"),
            cell(op["latency_s"], _s(op["latency_s"])),
            tag("td", percent(op["share"]), cls="n"), bound]  # fmt: skip


RESOURCES = ("compute", "memory", "vector", "network")


def _s(value: float) -> str:
    return quantity(value, "s")
