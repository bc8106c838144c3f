"""Number formats as the estimates see them: bits an element really takes, scales and offsets included."""

from __future__ import annotations

import csv
import functools
from dataclasses import dataclass, replace

from ..errors import UnknownName, Unsupported
from ..tables import data_text

SPARSE = "-2:4"  # behind the name of any format: two of four weights are kept
INDEX_BITS = 2  # where a kept weight sat among the four


@dataclass(frozen=True)
class NumberFormat:
    """One number format. `group` 0: one scale a channel, row or tensor; its bits vanish for long rows."""

    name: str
    element: str  # float, integer, codebook, planes, ternary
    number: str  # its float: e4m3, e2m1, ...
    element_bits: float
    group: int
    scale_bits: float
    offset_bits: float
    datapath: str  # row of units.csv, or of macs.csv: the multiplier that takes its elements
    codec: str  # file of sartor/formats that defines it
    source: str

    @property
    def planes(self) -> int:
        """Times that the multipliers go over a code: of binary codes once a plane."""
        return int(self.element_bits) if self.element == "planes" else 1

    def bits(self, row: int = 4096) -> float:
        """Bits an element, with its share of scale and offset; `row` elements share one scale if group = 0.

        >>> format_named("q4_1").bits(), format_named("mxfp4").bits(), format_named("mxfp4-2:4").bits()
        (5.0, 4.25, 3.125)
        """
        return self.element_bits + (self.scale_bits + self.offset_bits) / (self.group or row)


@functools.cache
def formats() -> dict[str, NumberFormat]:
    """All formats by name, from formats.csv."""
    rows = csv.DictReader(data_text("formats.csv").splitlines())
    return {r["name"]: _format(r) for r in rows}


def _format(r: dict[str, str]) -> NumberFormat:
    return NumberFormat(
        r["name"], r["element"], r["number"], float(r["element_bits"]), int(r["group"]), float(r["scale_bits"]),
        float(r["offset_bits"]), r["datapath"], r["codec"], r["source"],
    )  # fmt: skip


def format_named(name: str, where: str = "") -> NumberFormat:
    """`-2:4` behind a name: groups of kept weights span twice as many. `where` names the place in errors."""
    if name not in formats():
        if (dense := name.removesuffix(SPARSE)) in formats():
            return _sparse(formats()[dense])
        raise UnknownName("number format", name, formats(), where)
    return formats()[name]


def listed(name: str, where: str) -> NumberFormat:
    """One with a row of its own: what designs name formats by."""
    form = format_named(name, where)
    if form.name not in formats():
        dense = name.removesuffix(SPARSE)
        raise Unsupported(f"{where}: {name!r} keeps two weights of four, which no tile reads (try {dense})")
    return form


def _sparse(dense: NumberFormat) -> NumberFormat:
    """Half of the weights, each with its index."""
    bits = (dense.element_bits + INDEX_BITS) / 2
    return replace(dense, name=dense.name + SPARSE, element_bits=bits, group=2 * dense.group)
