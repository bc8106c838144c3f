"""What a number format is to the estimate: bits of an element in memory, and cycles of its beats in the multipliers."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...formats.hardware import decoded
from ...formats.spec import NumberFormat, format_named
from ...formulas import tile
from ...tech.technology import rows_of
from . import multipliers
from .core import GROUP
from .datapath import NAMES
from .design import FORMATS

BYTE_BITS = 8.0


@dataclass(frozen=True)
class Stored:
    """A number format on this machine: bits of an element and of its scales, and cycles that a beat of it takes the
    tile: codes wider than a multiplier go through in parts."""

    element_bits: Any
    scale_bits: Any
    steps: Any
    group: Any  # elements that share a scale; 0: a row
    high_bits: Any = 0.0  # of an element, in words of their own: of 3, 5 and 6 bits

    @functools.cached_property
    def bits(self) -> Any:
        return self.element_bits + self.scale_bits

    @functools.cached_property
    def n_bytes(self) -> Any:
        """Of one element."""
        return self.bits / BYTE_BITS

    def in_rows(self, k: int, lanes: Any) -> Stored:
        """The same of rows of `k`, whose last group may be shorter; where they are not whole folds, scales are those
        of the largest groups that divide a row (Blocks.group_in)."""
        whole = max(k & -k, GROUP)
        if whole >= np.max(self.group):
            return self
        group = np.maximum(self.group, GROUP)
        shared = np.where(tile.folds(k, lanes) * lanes > k, np.minimum(group, whole), group)
        return replace(self, scale_bits=self.scale_bits * (tile.folds(k, shared) * group / k))


def stored(form: NumberFormat, datapath: Any, dtype: Any = np.float64) -> Stored:
    """One format on each datapath."""
    whole, group = _in_memory(form)
    steps = rows_of(_steps(dtype)[:, FORMATS.index(form.name)], datapath)
    return Stored(form.element_bits, whole - form.element_bits, steps, group, _high(form))


def stored_by_row(rows: Any, datapath: Any, dtype: Any) -> Stored:
    """Of each design its own format, by the row in FORMATS, on its own datapath."""
    element, scale, group, high = (rows_of(column, rows) for column in _columns(dtype))
    return Stored(element, scale, rows_of(_steps(dtype).ravel(), datapath * len(FORMATS) + rows), group, high)


def widths(datapath: Any, dtype: Any) -> Any:
    """Bits of an integer that a multiplier takes a cycle."""
    return rows_of(np.array([_width(item) for item in NAMES], dtype), datapath)


def _in_memory(form: NumberFormat) -> tuple[float, int]:
    """Bits of an element, and how many share a scale: as the weight stream has them, where there is a decoder."""
    coding = decoded().get(form.name)
    return (form.bits(), form.group) if coding is None else (coding.stored_bits, coding.group)


def _high(form: NumberFormat) -> float:
    """Bits of a code's high part, where there is a decoder."""
    coding = decoded().get(form.name)
    return float(coding.element.parts[1]) if coding else 0.0


# Bits of a weight code that one multiplier of each datapath takes a cycle; of an integer FP8's takes 4.
_WIDTHS = {"int8": 8, "int4": 4, "fp4": 4, "nvfp4": 4, "fp8": 8, "fp8-array": 8, "fp4-array": 4, "ternary": 2,
           "bf16": 16, "fp16": 16}  # fmt: skip
_BITS = {"int8": 8, "int4": 4, "fp4": 5, "nvfp4": 5, "fp8": 9}  # of the multipliers of ours (multipliers.py)


def _width(datapath: str) -> int:
    """Of integers."""
    return _WIDTHS["int4"] if datapath == "fp8" else _WIDTHS[datapath]


@functools.cache
def _steps(dtype: Any) -> np.ndarray:
    """[datapaths, formats]: cycles in which a beat of the format goes through the multipliers, in parts where its codes
    are wider."""

    def of(datapath: str, form: NumberFormat) -> float:
        coding, bits = decoded().get(form.name), _BITS.get(datapath)
        if coding and bits and multipliers.takes(bits, coding.element):
            return float(multipliers.steps(bits, coding.element) * form.planes)
        width = _WIDTHS[datapath] if form.datapath == "fp8" else _width(datapath)
        return float(max(np.ceil(form.element_bits / form.planes / width), 1) * form.planes)

    return np.array([[of(name, format_named(form)) for form in FORMATS] for name in NAMES], dtype)


@functools.cache
def _columns(dtype: Any) -> tuple[np.ndarray, ...]:
    """Bits of an element and of its scales, elements that share one, and bits of a high part, by the row in FORMATS."""
    every = [format_named(name) for name in FORMATS]
    element, whole, group, high = (
        np.array(values, dtype)
        for values in zip(*((f.element_bits, *_in_memory(f), _high(f)) for f in every), strict=True)
    )
    return element, whole - element, group, high
