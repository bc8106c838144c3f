"""Formats and engines in cells, and where sums by table beat multipliers: `python docs/crossover.py [--check]` fills
docs/formats-silicon.md and its pictures."""

from __future__ import annotations

import sys
from pathlib import Path

import vl_convert
from crossover_charts import charts
from crossover_parts import (
    ACTIVATIONS,
    BITS,
    COLUMNS,
    FIGURES,
    FREE,
    MEMORIES,
    NAMES,
    UNITS,
    WIDTHS,
    Rows,
    batch_ratio,
    bits_of,
    half_ratio,
    libraries,
    measured,
    ratio,
    sum_of_parts,
)
from fill import filled, write

ROOT = Path(__file__).parents[1]
PICTURES = {name: ROOT / f"docs/pictures/crossover{name}.svg" for name in ("", "-width", "-half", "-batch")}
PAGE = ROOT / "docs/formats-silicon.md"
SHARED = {1: "1 row", 8: "8 rows", 64: "64 rows", FREE: "a free table"}


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
            cells = [f"{whole[f] * unit_of:,.0f} | {sums[f] * unit_of:,.0f} | {whole[f] / sums[f]:.2f}"
                     for f, unit_of in (("area_um2", 1), ("energy_j", 1e15))]  # fmt: skip
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
