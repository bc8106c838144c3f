"""Cell areas and energies of a core's logic, by part: formulas fitted to our own mapped RTL (silicon.csv).

The table is written by `python benchmarks/silicon.py LIBERTY --write`: ASAP7 cells, typical corner, 1 GHz, no
wires, no SRAM macros; memories of fewer than 16 words or read without a clock are registers. Parameters are those of
`Core`, numbers or arrays alike. Dot units are in units.csv, one row each (datapath.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ...tech.technology import NOMINAL, Technology
from .core import GROUP

# What the area of a part is proportional to.
TERMS = {
    "shell": ("fixed", "row_block", "column_group", "row_column", "unit"),
    "buffer": ("fixed", "column", "group_of_four", "group_of_eight"),
    "decoder": ("fixed", "code_byte", "scale_byte", "port_byte"),
    "drain": ("fixed", "conversion", "row_column"),
    "argmax": ("fixed", "conversion", "column"),
    "memory": ("fixed", "port_byte"),
    "sequencer": ("fixed", "column", "several"),
    "host": ("fixed",),
    "counters": ("fixed",),
    "vector": ("fixed", "lane", "port_byte", "column"),
}
SOME = {"short_cache": ("fixed", "lane", "row_block")}  # what a cache of 4 bits takes beyond one of 8
MATRIX = ("shell", "buffer", "decoder", "drain", "argmax")  # parts of the matrix unit, beside its dot units
REST = tuple(part for part in TERMS if part not in MATRIX)


def terms(
    rows: Any, lanes: Any, columns: Any, vector_lanes: Any, port_bytes: Any, multiplier_bits: Any
) -> dict[str, Any]:
    """How often each term stands in one core.

    >>> found = terms(8, 32, 4, 16, 128, 4)
    >>> [float(found[name]) for name in TERMS["shell"]]
    [1.0, 8.0, 4.0, 32.0, 32.0]
    """
    groups, blocks = columns * lanes / GROUP, rows * lanes / GROUP
    eight, units = np.equal(multiplier_bits, 8), blocks * columns
    return {
        "fixed": 1, "row_block": blocks, "column_group": groups, "row_column": rows * columns, "unit": units,
        "column": columns, "several": np.minimum(columns - 1, 1), "code_byte": blocks * multiplier_bits * (GROUP // 8),
        "scale_byte": np.maximum(4 * blocks, port_bytes), "port_byte": port_bytes,
        "conversion": np.minimum(rows, vector_lanes), "lane": vector_lanes,
        "group_of_four": groups * ~eight, "group_of_eight": groups * eight,
    }  # fmt: skip


def cells_mm2(
    rows: Any, lanes: Any, columns: Any, vector_lanes: Any, port_bytes: Any, multiplier_bits: Any,
    unit_mm2: Any = None, tech: Technology = NOMINAL,
) -> dict[str, Any]:  # fmt: skip
    """Cell area of each part of one core in ASAP7, the tile as one; memories are not in it. `unit_mm2`: of a dot
    unit, if it is not that for integers of `multiplier_bits`."""
    counts = terms(rows, lanes, columns, vector_lanes, port_bytes, multiplier_bits)
    parts = {p: sum(tech.fact("silicon", p, n) * counts[n] for n in names) for p, names in TERMS.items()}
    unit = _of_integers("area", multiplier_bits, tech) if unit_mm2 is None else unit_mm2
    return {"tile": counts["unit"] * unit + parts.pop("shell"), **parts}


def together_mm2(parts: Iterable[str], counts: dict[str, Any], tech: Technology = NOMINAL) -> Any:
    """Cell area of `parts` of one core in ASAP7, each of its terms taken once: quicker than their sum."""
    each: dict[str, Any] = {}
    for part in parts:
        for name in (TERMS | SOME)[part]:
            each[name] = each.get(name, 0.0) + tech.fact("silicon", part, name)
    return sum(mm2 * counts[name] for name, mm2 in each.items())


def clock_hz(tech: Technology = NOMINAL) -> Any:
    """What the slowest part of a core but its dot units reaches in ASAP7 cells."""
    return np.min([tech.fact("silicon", part, "clock") for part in TERMS], axis=0)


def gate_um2(tech: Technology = NOMINAL) -> Any:
    """Cell area (um2) of one gate equivalent of our RTL, mapped on ASAP7 at 1 GHz: the mean over the parts."""
    return tech.fact("silicon", "gate", "area") * 1e6


def mac_j(multiplier_bits: Any, tech: Technology = NOMINAL) -> Any:
    """Energy of one multiply-accumulate of a dot unit, its scaling included, in ASAP7 at 0.7 V."""
    return _of_integers("energy", multiplier_bits, tech)


def _of_integers(quantity: str, multiplier_bits: Any, tech: Technology) -> Any:
    four, eight = (tech.fact("units", name, quantity) for name in ("int4", "int8"))
    return four + (eight - four) * np.equal(multiplier_bits, 8)


def vector_j(tech: Technology = NOMINAL) -> Any:
    """Energy of one multiply-add of a vector lane, in ASAP7 at 0.7 V."""
    return tech.fact("silicon", "lane", "energy")


def decode_j_per_byte(tech: Technology = NOMINAL, short: Any = 0) -> Any:
    """Energy of one byte of codes from the port into the tile's registers, in ASAP7 at 0.7 V; `short`: of a core whose
    cache has values of 4 bits, 1, or 0."""
    return tech.fact("silicon", "decode", "energy") + short * tech.fact("silicon", "short_cache", "byte")


def number_j(tech: Technology = NOMINAL) -> Any:
    """Energy that a number which becomes a code takes more where the cache has values of 4 bits, likewise."""
    return tech.fact("silicon", "short_cache", "number")
