"""What formats and engines take in cells, as benchmarks/silicon_formats.py measured it, and sums by table over what
they stand in for.

Of a tile of R rows, a block of 32 weights of b bits and one column: multipliers take mac(b), the table's way b planes'
reads and a R-th of the tables, which all rows of a column share. Every column has a table of its own, and what columns
share (weights, keys, scales) is alike in both, so that columns do not move the answer; what the memory takes for a
weight they share too, and it makes both ways more alike the fewer columns there are.
"""

from __future__ import annotations

import csv
from importlib.resources import files

from sartor.tables import table

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


def batch_ratio(memory: str, columns: int, bits: int = 4) -> float:
    """Energy of a weight and column of a core with 8 rows, what its bits take from the memory included: by table over
    by multipliers, INT4 and 8-bit activations on ASAP7."""
    moved = table("memories").fact(memory, "energy").value * bits / 8 / columns
    unit, tables, keys = (table("lut").fact(item, "energy").value for item in ("int4", "tables", "keys"))
    return (moved + unit + tables / BATCH_ROWS + keys / columns) / (moved + table("units").fact("int4", "energy").value)
