"""Formats and engines in cells, and where sums by table beat multipliers: `python docs/crossover.py [--check]` fills
docs/formats-silicon.md and its pictures from what benchmarks/silicon_formats.py measured.

Of a tile of R rows, a block of 32 weights of b bits and one column: multipliers take mac(b), the table's way b planes'
reads and a R-th of the tables, which all rows of a column share. Every column has a table of its own, and what columns
share (weights, keys, scales) is alike in both, so that columns do not move the answer; what the memory takes for a
weight they share too, and it makes both ways more alike the fewer columns there are.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import vl_convert
from fill import filled, write

from sartor.tables import table

ROOT = Path(__file__).parents[1]
PICTURES = {name: ROOT / f"docs/pictures/crossover{name}.svg" for name in ("", "-width", "-half", "-batch")}
PICTURE, PAGE = PICTURES[""], ROOT / "docs/formats-silicon.md"
BITS, ROWS, COLUMNS = (1, 2, 3, 4), (1, 2, 4, 8, 16, 32, 64), (1, 2, 4, 8, 16)
ACTIVATIONS, WIDTHS = (4, 8, 12, 16, 24), (2, 3, 4, 5, 6)
FIGURES = {"area_um2": "area", "energy_j": "energy of a cycle"}
NAMES = {"asap7": "ASAP7 at 1 GHz", "sky130": "sky130hd at 100 MHz"}
FREE = 10**9  # rows or columns that share what costs nothing then
BATCH_ROWS = 8  # of the core whose energy is shown by columns
MEMORIES = ("lpddr5x", "hbm3e")

# Dot unit, the multipliers in it, and the planes that the unit by table reads in their place.
UNITS = (("unit int4", "mac 4", 4), ("unit mxfp4", "mac 5 signed", 5), ("unit int8", "mac 8", 8))

Rows = dict[tuple[str, str], dict[str, float]]


def measured() -> Rows:
    """By library and part: area, clock, energy."""
    text = files("sartor.data").joinpath("measured/formats_silicon.csv").read_text(encoding="utf-8")
    return {(r["library"], r["part"]): {k: float(r[k]) for k in ("area_um2", "fmax_hz", "energy_j")}
            for r in csv.DictReader(text.splitlines())}  # fmt: skip


def part(name: str, activations: int = 8, mu: int = 4) -> str:
    """As the benchmark names it."""
    return name + f" a={activations}" * (activations != 8) + f" mu={mu}" * (mu != 4)


def ratio(
    rows: Rows, library: str, figure: str, bits: int, shared: int, activations: int = 8, mu: int = 4
) -> float:
    """Of the dot product of one block: by table over by multipliers, `shared` rows to a table."""
    tables, reads = (rows[library, part(name, activations, mu)][figure] for name in ("lut tables", f"lut {bits}"))
    return (reads + tables / shared) / rows[library, part(f"mac {bits}", activations)][figure]


def half_ratio(rows: Rows, library: str, figure: str, bits: int, shared: int, against: str) -> float:
    """Of activations in binary16: reads of `bits` planes over an adder for each sign of each, or over multipliers that
    take weights in binary16, whose bits are as many in any case."""
    reads, tables, other = (rows[library, f"half {name}"][figure] for name in ("reads", "tables", against))
    return (bits * reads + tables / shared) / (other * (bits if against == "plane" else 1))


def sum_of_parts(rows: Rows, library: str, figure: str, unit: str, mac: str, planes: int) -> float:
    """Of a dot unit by table: the one with multipliers, those taken out and reads of planes put in; from four on each
    plane takes what it takes between one and four."""
    had, out, one, four = (rows[library, name][figure] for name in (unit, mac, "lut 1", "lut 4"))
    return had - out + four + (planes - 4) * (four - one) / 3


def bits_of(rows: Rows, library: str, activations: int = 8, mu: int = 4) -> list[int]:
    """Widths of which both ways are measured."""

    def known(*names: str) -> bool:
        return all((library, name) in rows for name in names)

    return [b for b in BITS if known(part(f"lut {b}", activations, mu), part(f"mac {b}", activations),
                                     part("lut tables", activations, mu))]  # fmt: skip


def libraries(rows: Rows, needed: str = "lut tables") -> list[str]:
    return [name for name in NAMES if (name, needed) in rows]


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


def batch_ratio(memory: str, columns: int, bits: int = 4) -> float:
    """Energy of a weight and column of a core with 8 rows, what its bits take from the memory included: by table over
    by multipliers, INT4 and 8-bit activations on ASAP7."""
    moved = table("memories").fact(memory, "energy").value * bits / 8 / columns
    unit, tables, keys = (table("lut").fact(item, "energy").value for item in ("int4", "tables", "keys"))
    return (moved + unit + tables / BATCH_ROWS + keys / columns) / (moved + table("units").fact("int4", "energy").value)


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


def tables(rows: Rows) -> str:
    """All parts of both libraries but those of the sweeps, as Markdown."""
    known = [name for name in NAMES if any(key[0] == name for key in rows)]
    head = " | ".join(f"{n}, um2 | GHz | fJ a cycle" for n in known)
    lines = [f"| part | {head} |", "|---|" + "---|" * (3 * len(known))]
    for name in dict.fromkeys(name for _, name in rows if " a=" not in name and " mu=" not in name):
        cells = [f"{r['area_um2']:,.0f} | {r['fmax_hz'] / 1e9:.2f} | {r['energy_j'] * 1e15:,.0f}"
                 if (r := rows.get((library, name))) else " | | " for library in known]  # fmt: skip
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def markdown(head: tuple[str, ...], lines: list[list[str]]) -> str:
    rows = (f"| {' | '.join(line)} |" for line in lines)
    return "\n".join([f"| {' | '.join(head)} |", "|---" * len(head) + "|", *rows])


SHARED = {1: "1 row", 8: "8 rows", 64: "64 rows", FREE: "a free table"}


def ratios(rows: Rows) -> str:
    """By table over by multipliers, for some numbers of rows and for a table that costs nothing."""
    lines = [[f"{NAMES[library]}, {title}", str(bits),
              *(f"{ratio(rows, library, figure, bits, n):.2f}" for n in SHARED)]
             for library in libraries(rows) for figure, title in FIGURES.items()
             for bits in bits_of(rows, library)]  # fmt: skip
    return markdown(("", "bits", *SHARED.values()), lines)


def widths(rows: Rows) -> str:
    """The same by bits of an activation: tables of four values, and the best width of all that were measured."""
    lines = [[f"{NAMES[library]}, {title}", str(bits), str(a),
              *(f"{ratio(rows, library, figure, bits, n, a):.2f}" for n in SHARED),
              best(rows, library, figure, bits, a)]
             for library in libraries(rows) for figure, title in FIGURES.items() for bits in (1, 4)
             for a in ACTIVATIONS if bits in bits_of(rows, library, a)]  # fmt: skip
    return markdown(("", "bits", "activation", *SHARED.values(), "best at 64 rows (values)"), lines)


def best(rows: Rows, library: str, figure: str, bits: int, activations: int) -> str:
    """The least ratio where 64 rows share a table, and of how many values; of one width none is best."""
    known = [mu for mu in WIDTHS if bits in bits_of(rows, library, activations, mu)]
    least = min((ratio(rows, library, figure, bits, 64, activations, mu), mu) for mu in known)
    return f"{least[0]:.2f} ({least[1]})" if len(known) > 1 else ""


def wholes(rows: Rows) -> str:
    """Dot units by table mapped whole, against the sums of their parts."""
    lines = []
    for library in NAMES:
        for unit, mac, planes in UNITS:
            if (whole := rows.get((library, f"{unit} lut"))) is None:
                continue
            sums = {figure: sum_of_parts(rows, library, figure, unit, mac, planes) for figure in FIGURES}
            cells = [f"{whole[figure] * unit_of:,.0f} | {sums[figure] * unit_of:,.0f} | {whole[figure] / sums[figure]:.2f}"
                     for figure, unit_of in (("area_um2", 1), ("energy_j", 1e15))]  # fmt: skip
            lines.append([library, f"{unit} lut", *cells, f"{whole['fmax_hz'] / 1e9:.2f}"])
    return markdown(("", "part", "um2", "of parts", "ratio", "fJ a cycle", "of parts", "ratio", "GHz"), lines)


def halves(rows: Rows) -> str:
    lines = [[f"{library}, {title}, over {words}", str(bits),
              *(f"{half_ratio(rows, library, figure, bits, n, against):.2f}" for n in SHARED)]
             for library in libraries(rows, "half tables") for figure, title in FIGURES.items()
             for against, words in (("plane", "adders"), ("mac", "multipliers")) for bits in BITS]  # fmt: skip
    return markdown(("", "planes", *SHARED.values()), lines)


def batches() -> str:
    lines = [[memory, *(f"{batch_ratio(memory, columns):.3f}" for columns in (*COLUMNS, FREE))] for memory in MEMORIES]
    return markdown(("columns", *map(str, COLUMNS), "the tile alone"), lines)


def pages() -> dict[Path, str]:
    rows, page = measured(), PAGE.read_text(encoding="utf-8")
    made = {"parts": tables(rows), "ratios": ratios(rows), "widths": widths(rows), "halves": halves(rows),
            "wholes": wholes(rows),
            "batches": batches()}  # fmt: skip
    for name, text in made.items():
        page = filled(page, name, text) if f"<!-- {name} -->" in page else page
    drawn = {PICTURES[name]: spec for name, spec in charts(rows) if PICTURES[name].name in page}
    return {PAGE: page, **{path: vl_convert.vegalite_to_svg(spec) for path, spec in drawn.items()}}


def main() -> int:
    return write(pages(), "--check" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
