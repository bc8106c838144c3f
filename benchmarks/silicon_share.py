"""How much of a core is not tile, for every kind of weights and the corners of the bounds from 1,024 multipliers on.

    python benchmarks/silicon_share.py [FORMAT ...] [--write]

Areas are those of silicon.csv and units.csv (INT4 and INT8 weights, ASAP7 at 1 GHz); of the other kinds the dot unit
and the whole weight decoder are scaled by their gate equivalents over those of the same core for INT4 or INT8.
`--write` puts the shares into sartor/data/measured/silicon_share.csv, on which tests/families/test_silicon_share.py
holds the line: below one half; formats that are named are put beside the rows of the others, whose ratios stay: their
shares are by today's areas.
"""

from __future__ import annotations

import csv
import datetime
import functools
import io
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from sartor.families.tensor import silicon
from sartor.families.tensor.core import BOUNDS, MACS_OF, Core, most_beside
from sartor.families.tensor.rtl.dot_unit import DotUnit
from sartor.families.tensor.rtl.weight_decoder import WeightDecoder
from sartor.families.tensor.sizing import _decoders
from sartor.flow import gate_count, to_rtlil
from sartor.formats.hardware import coding_of
from sartor.rtl.yosys import version
from sartor.tech.technology import NOMINAL

# The biggest decoder of every kind of multipliers and codes.
FORMATS = (
    "int4-g32", "int3-g32", "int2-g32", "int4-g32-zp", "nvfp4", "bcq4-g64", "mxfp4", "fp8-e4m3", "mxfp8-e4m3",
    "int8-g32", "mxfp6-e2m3", "mxfp6-e3m2", "int5-g32", "int6-g32", "cb4-g64",
)  # fmt: skip
TILES = ((2, 32, 16), (16, 64, 1), (4, 32, 16))  # few blocks, and many; 2,048 multipliers
SIZES = ("rows", "lanes", "columns", "vector_lanes", "port_bytes")
RATIOS: dict[str, Any] = {"multiplier_bits": int, "unit_ratio": float, "decoder_ratio": float}
COLUMNS = ("format", *SIZES, *RATIOS, "share", "date", "source")
UNIT = {"rows": 2, "lanes": 32, "columns": 1, "vector_lanes": 2, "port_bytes": 32}
WRITTEN = Path(silicon.__file__).parents[2] / "data" / "measured" / "silicon_share.csv"


def corners(planes: bool) -> Iterator[dict[str, int]]:
    """Tiles with as many vector lanes and as wide a port as they may have."""
    for rows, lanes, columns in TILES:
        macs = rows * lanes * columns
        widest = {name: int(min(most_beside(name, macs, planes), BOUNDS[name][1])) for name in MACS_OF}
        yield {"rows": rows, "lanes": lanes, "columns": columns, **widest}


@functools.cache
def gates(part: Any, core: Core, *rest: bool) -> float:
    """Gate equivalents of a part whose small memories are registers."""
    whole = gate_count(to_rtlil(part(core, *rest), "part"), "part").whole
    assert not whole.memory_bits
    return whole.gate_equivalents


def ratios(name: str, size: dict[str, int]) -> tuple[int, float, float]:
    """Bits of the multipliers that stand for those of the format; gates of its dot unit and of its decoder over those
    beside these. Columns and vector lanes are not in them."""
    core = Core(**size, **_decoders({name: coding_of(name)}, (8, 8), name))
    bits = 8 if core.multiplier_bits == 8 else 4
    both = core, replace(core, multiplier_bits=bits, elements=Core().elements, scales=(), planes=1)
    unit = [gates(DotUnit, replace(c, **UNIT), True, True) for c in both]
    decoder = [gates(WeightDecoder, replace(c, columns=1, vector_lanes=2), True) for c in both]
    return bits, unit[0] / unit[1], decoder[0] / decoder[1]


def share(size: dict[str, int], bits: int, unit: float, decoder: float) -> float:
    """All but the tile, of the cells of a core."""
    area = NOMINAL.fact("units", f"int{bits}", "area") * unit
    parts = silicon.cells_mm2(**size, multiplier_bits=bits, unit_mm2=area)
    parts["decoder"] *= decoder
    return float(1 - parts["tile"] / sum(parts.values()))


def rows(formats: tuple[str, ...]) -> Iterator[dict[str, str]]:
    source = f"python benchmarks/silicon_share.py: silicon.csv, gate equivalents of pyosys {version()}"
    for name in formats:
        for size in corners(planes="bcq" in name):
            bits, unit, decoder = ratios(name, size)
            found = share(size, bits, unit, decoder)
            print(f"{name:12} {' '.join(f'{k}={v}' for k, v in size.items()):64} unit x {unit:.3f}, decoder x "
                  f"{decoder:.3f}: {found:.1%}", flush=True)  # fmt: skip
            cells = [name, *(str(v) for v in size.values()), str(bits), f"{unit:.3f}", f"{decoder:.3f}",
                     f"{found:.4f}", f"{datetime.date.today():%Y-%m}", source]  # fmt: skip
            yield dict(zip(COLUMNS, cells, strict=True))


def kept(named: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """The rows of other formats, with today's areas."""
    for row in csv.DictReader(WRITTEN.read_text(encoding="utf-8").splitlines()):
        if row["format"] not in named:
            size = {name: int(row[name]) for name in SIZES}
            found = share(size, *(kind(row[name]) for name, kind in RATIOS.items()))
            yield row | {"share": f"{found:.4f}"}


def main(arguments: list[str]) -> None:
    named = tuple(a for a in arguments if not a.startswith("-")) or FORMATS
    if unknown := set(named) - set(FORMATS):
        sys.exit(f"{', '.join(sorted(unknown))}: not among {', '.join(FORMATS)}")
    new = list(rows(named))
    if "--write" in arguments:
        old = list(kept(named))
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(old + new, key=lambda row: FORMATS.index(row["format"])))
        WRITTEN.write_text(text.getvalue(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
