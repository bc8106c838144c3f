"""The pictures of docs/formats-silicon.md: where sums by table beat multipliers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from crossover_parts import (
    ACTIVATIONS,
    BITS,
    COLUMNS,
    FIGURES,
    MEMORIES,
    NAMES,
    ROWS,
    WIDTHS,
    Rows,
    batch_ratio,
    bits_of,
    half_ratio,
    libraries,
    ratio,
)


def points(rows: Rows) -> list[dict[str, Any]]:
    return [{"library": NAMES[library], "figure": title, "bits": str(bits), "rows": shared,
             "ratio": ratio(rows, library, figure, bits, shared)}
            for library in libraries(rows) for figure, title in FIGURES.items()
            for bits in bits_of(rows, library) for shared in ROWS]  # fmt: skip


def width_points(rows: Rows) -> list[dict[str, Any]]:
    """By bits of an activation, for tables of all widths, that 64 rows share."""
    found = ((library, a, mu) for library in libraries(rows) for a in ACTIVATIONS for mu in WIDTHS)
    return [{"library": NAMES[library], "figure": title, "activations": a, "table": str(mu), "bits": f"{bits} bits",
             "ratio": ratio(rows, library, figure, bits, 64, a, mu)}
            for library, a, mu in found for figure, title in FIGURES.items()
            for bits in bits_of(rows, library, a, mu) if bits in (1, 4)]  # fmt: skip


def half_points(rows: Rows) -> list[dict[str, Any]]:
    return [{"library": library, "figure": f"{title}, over {words}", "bits": str(bits), "rows": shared,
             "ratio": half_ratio(rows, library, figure, bits, shared, against)}
            for library in libraries(rows, "half tables") for figure, title in FIGURES.items()
            for against, words in (("plane", "adders"), ("mac", "multipliers")) for bits in BITS
            for shared in ROWS]  # fmt: skip


def batch_points() -> list[dict[str, Any]]:
    return [{"memory": memory, "figure": "INT4", "columns": columns, "ratio": batch_ratio(memory, columns)}
            for memory in MEMORIES for columns in COLUMNS]  # fmt: skip


def axis(field: str, title: str, values: tuple[int, ...], log: bool = True) -> dict[str, Any]:
    scale = {"scale": {"type": "log", "base": 2}} if log else {}
    return {"field": field, "type": "quantitative", "title": title, "axis": {"values": list(values)}, **scale}


def chart(title: str, below: str, x: dict[str, Any], color: dict[str, Any], **more: Any) -> dict[str, Any]:
    """One panel a library and figure; the line at 1 is where both cost the same."""
    scale = more.pop("scale", {"type": "log"})
    y = {"field": "ratio", "type": "quantitative", "scale": scale, "title": "by table / otherwise"}
    encoding = {"x": x, "y": y, "color": {"type": "nominal", **color}} | more.pop("encoding", {})
    lines = {"mark": {"type": "line", "point": True}, "encoding": encoding}
    one = {"mark": {"type": "rule", "strokeDash": [4, 4]}, "encoding": {"y": {"datum": 1}}}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json", "background": "white", "padding": 12,
        "title": {"text": title, "anchor": "start", "subtitle": below},
        "spec": {"width": 300, "height": 210, "layer": [lines, one]},
        "config": {"font": "Helvetica, Arial, sans-serif"}, **more,
    }  # fmt: skip


def panels(values: list[dict[str, Any]]) -> dict[str, Any]:
    facet = {"row": {"field": "library", "title": None}, "column": {"field": "figure", "title": None}}
    return {"data": {"values": values}, "facet": facet}


def charts(rows: Rows) -> Iterator[tuple[str, dict[str, Any]]]:
    shared = axis("rows", "rows that share a table", ROWS)
    bits = {"field": "bits", "title": "bits a weight"}
    below = "dot product of 32 weights and 8-bit activations, cells only; below 1 the table wins"
    yield "", chart("Sums by table against multipliers", below, shared, bits, **panels(points(rows)))
    below = "64 rows share a table; wide values and tables at half of the clock; below 1 the table wins"
    yield "-width", chart(
        "Tables of 2 to 6 values, by bits of an activation", below,
        axis("activations", "bits of an activation", ACTIVATIONS, False), {"field": "table", "title": "values a table"},
        scale={"type": "log", "domain": [0.7, 5], "nice": False},
        encoding={"strokeDash": {"field": "bits", "type": "nominal", "title": "weights"}}, **panels(width_points(rows)),
    )  # fmt: skip
    below = "8 activations in binary16, sums in binary16, at half of the clock; below 1 the table wins"
    yield "-half", chart("Tables of floating-point sums", below, shared, bits, **panels(half_points(rows)))
    below = "8-bit activations, 8 rows to a table, ASAP7; what the memory takes is in both"
    yield "-batch", chart(
        "Energy of a weight, by columns that share it", below, axis("columns", "columns", COLUMNS),
        {"field": "memory", "title": "memory"}, data={"values": batch_points()},
        facet={"column": {"field": "figure", "title": None}}, scale={"zero": False},
    )  # fmt: skip
