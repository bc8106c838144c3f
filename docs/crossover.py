"""Formats and engines in cells, and where sums by table beat multipliers: `python docs/crossover.py [--check]` fills
docs/formats-silicon.md and its picture from what benchmarks/silicon_formats.py measured.

Of a tile of R rows, a block of 32 weights of b bits and one column: multipliers take mac(b), the table's way b planes'
reads and a R-th of the tables, which all rows of a column share. Every column has a table of its own, and what columns
share (weights, keys, scales) is alike in both, so that columns do not move the answer.
"""

from __future__ import annotations

import csv
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import vl_convert

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs/pictures/crossover.svg"
PAGE = ROOT / "docs/formats-silicon.md"
BITS, ROWS = (1, 2, 3, 4), (1, 2, 4, 8, 16, 32, 64)
FIGURES = {"area_um2": "area", "energy_j": "energy of a cycle"}
NAMES = {"asap7": "ASAP7 at 1 GHz", "sky130": "sky130hd at 100 MHz"}


def measured() -> dict[tuple[str, str], dict[str, float]]:
    """By library and part: area, clock, energy."""
    text = files("sartor.data").joinpath("measured/formats_silicon.csv").read_text(encoding="utf-8")
    return {(r["library"], r["part"]): {k: float(r[k]) for k in ("area_um2", "fmax_hz", "energy_j")}
            for r in csv.DictReader(text.splitlines())}  # fmt: skip


def ratio(rows: dict[tuple[str, str], dict[str, float]], library: str, figure: str, bits: int, shared: int) -> float:
    """Of the dot product of one block: by table over by multipliers, `shared` rows to a table."""
    table = rows[library, f"lut {bits}"][figure] + rows[library, "lut tables"][figure] / shared
    return table / rows[library, f"mac {bits}"][figure]


def bits_of(rows: dict[tuple[str, str], dict[str, float]], library: str) -> list[int]:
    """Widths of which both ways are measured."""
    return [b for b in BITS if {(library, f"lut {b}"), (library, f"mac {b}")} <= set(rows)]


def points(rows: dict[tuple[str, str], dict[str, float]]) -> list[dict[str, Any]]:
    libraries = [name for name in NAMES if (name, "lut tables") in rows]
    return [{"library": NAMES[library], "figure": title, "bits": str(bits), "rows": shared,
             "ratio": ratio(rows, library, figure, bits, shared)}
            for library in libraries for figure, title in FIGURES.items()
            for bits in bits_of(rows, library) for shared in ROWS]  # fmt: skip


def spec(values: list[dict[str, Any]]) -> dict[str, Any]:
    """One panel a library and figure; the line at 1 is where both cost the same."""
    x = {"field": "rows", "type": "quantitative", "scale": {"type": "log", "base": 2}, "title": "rows that share a table",
         "axis": {"values": list(ROWS)}}  # fmt: skip
    y = {"field": "ratio", "type": "quantitative", "scale": {"type": "log", "domain": [0.7, 16]}, "title": "by table / by multipliers"}
    lines = {"mark": {"type": "line", "point": True},
             "encoding": {"x": x, "y": y, "color": {"field": "bits", "type": "nominal", "title": "bits a weight"}}}  # fmt: skip
    one = {"mark": {"type": "rule", "strokeDash": [4, 4]}, "encoding": {"y": {"datum": 1}}}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json", "background": "white", "padding": 12,
        "title": {"text": "Sums by table against multipliers", "anchor": "start",
                  "subtitle": "dot product of 32 weights and 8-bit activations, cells only; below 1 the table wins"},
        "data": {"values": values},
        "facet": {"row": {"field": "library", "title": None}, "column": {"field": "figure", "title": None}},
        "spec": {"width": 300, "height": 210, "layer": [lines, one]},
        "config": {"font": "Helvetica, Arial, sans-serif"},
    }  # fmt: skip


def tables(rows: dict[tuple[str, str], dict[str, float]]) -> str:
    """All parts of both libraries, as Markdown."""
    libraries = [name for name in NAMES if any(key[0] == name for key in rows)]
    head = " | ".join(f"{n}, um2 | GHz | fJ a cycle" for n in libraries)
    lines = [f"| part | {head} |", "|---|" + "---|" * (3 * len(libraries))]
    for part in dict.fromkeys(part for _, part in rows):
        cells = [f"{r['area_um2']:,.0f} | {r['fmax_hz'] / 1e9:.2f} | {r['energy_j'] * 1e15:,.0f}"
                 if (r := rows.get((name, part))) else " | | " for name in libraries]  # fmt: skip
        lines.append(f"| {part} | {' | '.join(cells)} |")
    return "\n".join(lines)


def ratios(rows: dict[tuple[str, str], dict[str, float]]) -> str:
    """By table over by multipliers, for some numbers of rows and for a table that costs nothing."""
    shown = (1, 8, 64)
    head = " | ".join(f"{n} row{'s' * (n > 1)}" for n in shown)
    lines = [f"| | bits | {head} | a free table |", "|---|---|" + "---|" * (len(shown) + 1)]
    for library in (name for name in NAMES if (name, "lut tables") in rows):
        for figure, title in FIGURES.items():
            for bits in bits_of(rows, library):
                found = [ratio(rows, library, figure, bits, shared) for shared in (*shown, 10**9)]
                cells = " | ".join(f"{x:.2f}" for x in found)
                lines.append(f"| {NAMES[library]}, {title} | {bits} | {cells} |")
    return "\n".join(lines)


def filled(page: str, name: str, text: str) -> str:
    """`page` with `text` between the marks of `name`."""
    before, rest = page.split(f"<!-- {name} -->\n")
    return f"{before}<!-- {name} -->\n{text}\n<!-- end -->{rest.split('<!-- end -->', 1)[1]}"


def pages() -> dict[Path, str]:
    rows = measured()
    page = filled(PAGE.read_text(encoding="utf-8"), "parts", tables(rows))
    page = filled(page, "ratios", ratios(rows))
    return {PICTURE: vl_convert.vegalite_to_svg(spec(points(rows))), PAGE: page}


def main() -> int:
    stale = [path for path, text in pages().items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv:
        print(f"not current: {', '.join(p.name for p in stale)}" if stale else "all current")
        return 1 if stale else 0
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
