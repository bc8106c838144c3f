"""Number formats as the estimates see them: bits an element really takes, scales and offsets included."""

from __future__ import annotations

import csv
import functools
from dataclasses import dataclass

from ..errors import UnknownName
from ..tables import data_text


@dataclass(frozen=True)
class NumberFormat:
    """One number format. `group` 0: one scale a channel, row or tensor; its bits vanish for long rows."""

    name: str
    element: str  # float, integer, codebook, planes, ternary
    element_bits: float
    group: int
    scale_bits: int
    offset_bits: int
    datapath: str  # row of macs.csv: the multiplier that takes its elements
    source: str

    def bits(self, row: int = 4096) -> float:
        """Bits an element, with its share of scale and offset; `row` elements share one scale if group = 0.

        >>> format_named("q4_1").bits(), format_named("mxfp4").bits()
        (5.0, 4.25)
        """
        return self.element_bits + (self.scale_bits + self.offset_bits) / (self.group or row)


@functools.cache
def formats() -> dict[str, NumberFormat]:
    """All formats by name, from formats.csv."""
    rows = csv.DictReader(data_text("formats.csv").splitlines())
    return {r["name"]: _format(r) for r in rows}


def _format(r: dict[str, str]) -> NumberFormat:
    return NumberFormat(
        r["name"], r["element"], float(r["element_bits"]), int(r["group"]), int(r["scale_bits"]),
        int(r["offset_bits"]), r["datapath"], r["source"],
    )  # fmt: skip


def format_named(name: str) -> NumberFormat:
    if name not in formats():
        raise UnknownName("number format", name, formats())
    return formats()[name]
