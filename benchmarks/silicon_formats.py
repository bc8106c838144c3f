"""Number formats and engines in cells: area, clock, energy by toggles, on a liberty file.

    python benchmarks/silicon_formats.py LIBERTY [PART ...] [--write]

One block of 32 weights and one column each, at 1 GHz on ASAP7 and 100 MHz on sky130hd, which all but FP8 keep (long
sums, large tables and binary16 at half of that: silicon_tables_parts.py): what misses its clock is mapped up to eight
times, each time buffered and sized, which takes minutes. The dot product of each width, its scaling, the decoder of
each format in front of it; the same by table, with the tables that rows share; and FP8 with exact and with binary32
sums. Without names of parts: those that have no row yet. `--write` puts the rows of this liberty into
sartor/data/measured/formats_silicon.csv, from which docs/crossover.py draws where tables beat multipliers, and what
chips are priced by into sartor/data/units.csv and lut.csv: the dot units on ASAP7, and those of engine `lut` with its
tables and keys.
"""

from __future__ import annotations

import csv
import datetime
import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
from silicon_formats_parts import PARTS, Part

from sartor.flow import Library, Simulator, analysis, map_cells, read_library, replay_energy, to_rtlil
from sartor.rtl.yosys import version

PERIODS_S = {"asap7": 1e-9, "sky130": 10e-9}
CYCLES, WORDS = 24, 1
COLUMNS = ("library", "part", "area_um2", "fmax_hz", "energy_j", "date", "source")
DATA = Path(__file__).parents[1] / "sartor" / "data"
WRITTEN = DATA / "measured" / "formats_silicon.csv"
# Datapath of formats.csv: the dot unit that its chips have.
PRICED = {"int4": "unit int4", "int8": "unit int8", "fp4": "unit mxfp4", "nvfp4": "unit nvfp4", "fp8": "unit fp8"}
READ = {"int4": "unit int4 lut", "fp4": "unit mxfp4 lut", "int8": "unit int8 lut"}  # the same by table
SHARED = {"tables": "lut tables", "keys": "lut keys"}  # of all rows, and of all columns
# Stated guesses, as in silicon.csv; of the clock the range is overheads.csv, clock cells_margin.
AREA_RANGE, ENERGY_RANGE, BLOCK = (0.9, 1.3), (0.8, 1.25), 32


def measured(part: Part, library: Library, period_s: float) -> dict[str, Any]:
    """Cell area, the clock that it reaches, and the energy of a cycle."""
    mapped = map_cells(to_rtlil(part.design(), "part"), "part", library, period_s=period_s)
    simulator, rng = Simulator(mapped.netlist, WORDS), np.random.default_rng(1)
    energy = replay_energy(analysis(mapped), simulator, CYCLES, lambda cycle: part.fill(simulator, rng))
    return {"area_um2": mapped.area_um2, "fmax_hz": mapped.timing.fmax_hz, "energy_j": float(energy.cycle_j)}


def main(arguments: list[str]) -> None:
    library = read_library(arguments[0])
    short = next(name for name in PERIODS_S if name in library.name)
    source = f"python benchmarks/silicon_formats.py: {library.name}, pyosys {version()}; cells only, typical, no wires"
    rows: list[dict[str, Any]] = []
    known = {row["part"] for row in kept_rows() if row["library"] == short}
    named = [a for a in arguments[1:] if a != "--write"] or [name for name in PARTS if name not in known]
    for name in named:
        found = measured(PARTS[name], library, PERIODS_S[short] * PARTS[name].slower)
        print(f"{short:8} {name:24} {found['area_um2']:9.1f} um2 {found['fmax_hz'] / 1e9:6.3f} GHz "
              f"{found['energy_j'] * 1e15:9.1f} fJ", flush=True)  # fmt: skip
        figures = {k: f"{v:.4g}" for k, v in found.items()}
        about = {"date": f"{datetime.date.today():%Y-%m}", "source": source}
        rows.append({"library": short, "part": name, **figures, **about})
        if "--write" in arguments:
            write(short, rows)


def kept_rows() -> list[dict[str, Any]]:
    return list(csv.DictReader(WRITTEN.read_text().splitlines())) if WRITTEN.exists() else []


def write(short: str, rows: list[dict[str, Any]]) -> None:
    """These rows in the place of those of the same liberty and part."""
    new = {row["part"] for row in rows}
    kept = [row for row in kept_rows() if row["library"] != short or row["part"] not in new] + rows
    with WRITTEN.open("w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        out.writeheader()
        out.writerows(sorted(kept, key=lambda row: row["library"]))
    for name, text in (("units.csv", price_text(kept, PRICED)), ("lut.csv", price_text(kept, READ | SHARED))):
        (DATA / name).write_text(text, encoding="utf-8")


def price_text(rows: list[dict[str, Any]], parts: dict[str, str]) -> str:
    """units.csv and lut.csv: area of a part, energy of one of the 32 multiply-adds that it is for, and the clock that
    it reaches."""
    found, text = {row["part"]: row for row in rows if row["library"] == "asap7"}, io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(("item", "quantity", "value", "unit", "low", "high", "kind", "date", "source"))
    for item, part in parts.items():
        row = found[part]
        whole = {"area": (float(row["area_um2"]), "um2", AREA_RANGE),
                 "energy": (float(row["energy_j"]) * 1e12 / BLOCK, "pJ/MAC", ENERGY_RANGE),
                 "clock": (float(row["fmax_hz"]) / 1e9, "GHz", (1, 1))}  # fmt: skip
        for quantity, (value, unit, span) in whole.items():
            figures = [f"{value * factor:.4g}" for factor in (1, *span)]
            about = f"{row['source']}; {part}{', with a minimum' * (item not in SHARED)}; range: a guess"
            out.writerow((item, quantity, figures[0], unit, *figures[1:], "measured", row["date"], about))
    return text.getvalue()


if __name__ == "__main__":
    main(sys.argv[1:])
