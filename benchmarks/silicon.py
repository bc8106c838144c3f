"""Cell areas and energies of the parts of a core on a liberty file, and the formulas fitted to them.

    python benchmarks/silicon.py LIBERTY [PART ...] [--write]

Prints measured against fitted, and the targets; `--write` regenerates sartor/data/silicon.csv, or its rows of the
parts that are named (`energy`, `gate` and `short_cache` are such, too). Dot units are those of
benchmarks/silicon_formats.py, and so are the energies of `short_cache` (silicon_cache.py). Mappings are kept by
content, so that a second run is quick.
Cell figures: no wires, no clock tree; memories of 16 words and more that are read with a clock are left out.
"""

from __future__ import annotations

import csv
import datetime
import io
import sys
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import silicon_cache
import silicon_formats
from silicon_parts import FLAT, PARTS, UNIT, Point

from sartor.api import alike
from sartor.api.cells import UNITS, energies_j
from sartor.families.tensor import silicon
from sartor.families.tensor.core import GROUP
from sartor.flow import Library, gate_count, map_cells, read_library, to_rtlil
from sartor.rtl.yosys import version

PERIOD_S = 1e-9
COUNTED = ("energy", "gate", "short_cache")
TARGETS = {4: 26_000, 8: 16_000}  # MAC / mm2 of tile cells
SHORT_UNITS = {"number": "pJ/op", "byte": "pJ/B"}
GATES = ("unit", "decoder", "host")  # of those without memories: most of a core, and what is unlike it
COLUMNS = ("item", "quantity", "value", "unit", "low", "high", "kind", "date", "source")
# A stated guess: a better tool; scan, hold and fan-out buffers, a slower corner.
AREA_RANGE = 0.9, 1.3
# A stated guess: other weights, activations and corners. What has no cells is overheads.csv, energy cells_factor.
ENERGY_RANGE = 0.8, 1.25
WRITTEN = Path(silicon.__file__).parents[2] / "data" / "silicon.csv"


def measured(part: str, point: Point, library: Library) -> tuple[float, float]:
    """Cell area (um2) of all that its terms count, and the clock that it reaches (Hz)."""
    rtlil, _ = alike.merged(to_rtlil(point.design(), "part"), "part")
    mapped = map_cells(rtlil, "part", library, period_s=PERIOD_S, flatten=part in FLAT)
    rest = [c.area_um2 for c in mapped.components if point.left_out and c.name.startswith(point.left_out)
            and "." not in c.name]  # fmt: skip
    return (mapped.area_um2 - sum(rest)) * point.copies, mapped.timing.fmax_hz


def fitted(part: str, rows: list[dict[str, Any]], areas: list[float], relative: bool = True) -> dict[str, float]:
    """Least squares of relative errors, or of um2; a term that would be negative is left out."""
    names = (silicon.TERMS | silicon.SOME)[part]
    matrix, wanted = np.array([[float(row[n]) for n in names] for row in rows]), np.array(areas)
    kept = [n for i, n in enumerate(names) if matrix[:, i].any()]
    while True:
        used = matrix[:, [names.index(n) for n in kept]]
        over = wanted if relative else np.ones(len(wanted))
        found = np.linalg.lstsq(used / over[:, None], wanted / over, rcond=None)[0]
        if found.min() >= 0:
            return dict.fromkeys(names, 0.0) | dict(zip(kept, found.tolist(), strict=True))
        kept.pop(int(found.argmin()))


def terms_of(point: Point) -> dict[str, Any]:
    c = point.core
    return silicon.terms(c.rows, c.lanes, c.columns, c.vector_lanes, c.port_bytes, c.multiplier_bits)


def gate_um2(library: Library) -> tuple[float, float, float]:
    """Cell area (um2) of a gate equivalent: geometric mean, least and most of the parts without memories."""
    found = []
    for part in GATES:
        point = UNIT if part == "unit" else PARTS[part][-1]
        whole = gate_count(to_rtlil(point.design(), "part"), "part").whole
        assert not whole.memory_bits, part
        found.append(measured(part, point, library)[0] / point.copies / whole.gate_equivalents)
        print(f"{part:10} {whole.gate_equivalents:9,.0f} gate equivalents, {found[-1]:.4f} um2 each", flush=True)
    return float(np.exp(np.log(found).mean())), min(found), max(found)


def fit_all(library: Library, parts: Collection[str] = PARTS) -> Iterator[tuple[str, str, float]]:
    """(part, term, um2) of `parts`, and (part, "clock", Hz) of the slowest of its points; measured against fitted is
    printed."""
    for part, points in PARTS.items():
        if part not in parts:
            continue
        areas, slowest = [], np.inf
        for point in points:
            area, hertz = measured(part, point, library)
            areas.append(area)
            slowest = min(slowest, hertz)
            print(f"{part:10} {point.name():72} {area:8.1f} um2 {hertz / 1e9:5.2f} GHz", flush=True)
        yield from shown(part, [terms_of(point) for point in points], areas)
        yield part, "clock", slowest


def shown(
    part: str, rows: list[dict[str, Any]], areas: list[float], relative: bool = True
) -> Iterator[tuple[str, str, float]]:
    found = fitted(part, rows, areas, relative)
    for row, area in zip(rows, areas, strict=True):
        model = sum(found[n] * float(row[n]) for n in found)
        print(f"  measured {area:8.1f} fitted {model:8.1f} ({model / area - 1:+.1%})")
    yield from ((part, term, value) for term, value in found.items())


def short_cache(library: Library) -> Iterator[tuple[str, str, float]]:
    """What a cache with values of 4 bits takes more, likewise; small differences do not count more than large ones."""
    cores, areas, clocks = zip(*silicon_cache.more(library, PERIOD_S), strict=True)
    yield from shown("short_cache", [silicon_cache.terms_of(core) for core in cores], list(areas), False)
    yield "short_cache", "clock", min(clocks)


def rows_of(
    library: Library, areas: list[tuple[str, str, float]], energies: dict[str, float],
    gate: tuple[float, float, float] | None, short: dict[str, float],
) -> list[list[str]]:  # fmt: skip
    """Rows of silicon.csv."""
    source = f"{library.name} {library.voltage_v} V typical, pyosys {version()}"
    where = f"python benchmarks/silicon.py: {source}; cells only"
    date, rows = datetime.date.today().strftime("%Y-%m"), []

    def add(item: str, quantity: str, value: float, unit: str, span: tuple[float, float], note: str,
            kind: str = "measured") -> None:  # fmt: skip
        numbers = [f"{v:.4g}" for v in (value, *span)]
        rows.append([item, quantity, numbers[0], unit, *numbers[1:], kind, date, f"{where}; {note}"])

    for item, quantity, value in areas:
        if quantity == "clock":
            hz = value / 1e9
            add(item, quantity, hz, "GHz", (hz, hz), f"the slowest of small cores mapped at {PERIOD_S * 1e9:g} ns")
            continue
        note = f"least squares over small cores mapped at {PERIOD_S * 1e9:g} ns; range: a guess"
        add(item, quantity, value, "um2", (value * AREA_RANGE[0], value * AREA_RANGE[1]), note)
    for item, joules in energies.items():
        value, note = joules * 1e12, "toggles of a replay without delays, cells only; range: a guess"
        add(item, "energy", value, UNITS[item], (value * ENERGY_RANGE[0], value * ENERGY_RANGE[1]), note)
    for quantity, joules in short.items():
        value, note = joules * 1e12, "int4 less int8 of formats_silicon.csv; range: a guess"
        span = value * ENERGY_RANGE[0], value * ENERGY_RANGE[1]
        add("short_cache", quantity, value, SHORT_UNITS[quantity], span, note, "derived")
    if gate is not None:
        note = f"mapped area over gate equivalents: geometric mean, least and most of {', '.join(GATES)}"
        add("gate", "area", gate[0], "um2", gate[1:], note)
    return rows


def table_text(rows: list[list[str]], kept: str = "") -> str:
    """silicon.csv: `rows`, and of the table `kept` those of other items."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    made = {row[0]: [r for r in rows if r[0] == row[0]] for row in rows}
    before = list(csv.reader(io.StringIO(kept)))[1:]
    order = [i for i in dict.fromkeys([*(row[0] for row in before), *made]) if i in (*PARTS, *UNITS, *COUNTED)]
    for item in order:
        writer.writerows(made.get(item) or [row for row in before if row[0] == item])
    return text.getvalue()


def targets() -> None:
    """Multipliers per area, and what the rest of a core takes, by the formulas written last."""
    for bits, least in TARGETS.items():
        parts = silicon.cells_mm2(8, 32, 4, 16, 128, bits)
        density = 8 * GROUP * 4 / parts["tile"]
        print(f"tile, {bits}-bit weights: {density:,.0f} MAC/mm2 of cells (target {least:,})")
        for lanes in (2, 4, 8, 16, 32):
            for rows, columns in ((8, 4), (16, 8), (32, 8)):
                found: dict[str, Any] = silicon.cells_mm2(rows, 32, columns, lanes, 128, bits)
                share = 1 - found["tile"] / sum(found.values())
                print(f"  {rows * 32 * columns:5} MACs, {lanes:2} vector lanes: the rest is {share:.0%}")


def main(arguments: list[str], say: Callable[[str], None] = print) -> None:
    library, named = read_library(arguments[0]), [a for a in arguments[1:] if a != "--write"]
    parts = named or [*PARTS, *COUNTED]
    areas = list(fit_all(library, parts))
    energies = energies_j(library, PERIOD_S) if "energy" in parts else {}
    for item, joules in energies.items():
        say(f"{item}: {joules * 1e15:.1f} fJ ({UNITS[item]})")
    short: dict[str, float] = {}
    if "short_cache" in parts:
        areas += short_cache(library)
        kept_rows = silicon_formats.kept_rows()
        short = silicon_cache.energies_j({row["part"]: row for row in kept_rows if row["library"] == "asap7"})
    rows = rows_of(library, areas, energies, gate_um2(library) if "gate" in parts else None, short)
    if "--write" in arguments:
        kept = WRITTEN.read_text(encoding="utf-8") if named else ""
        WRITTEN.write_text(table_text(rows, kept), encoding="utf-8")
    targets()


if __name__ == "__main__":
    main(sys.argv[1:])
