"""Family `tensor` as a structure of arrays: the same fields for one chip and for millions."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from ...formats.spec import formats
from ...tables import table
from ...tech.technology import rows_of

FORMATS = tuple(formats())  # the row numbers by which designs name number formats
_STACKED = ("hbm2", "hbm2e", "hbm3", "hbm3e", "hbm4")


@dataclass(frozen=True)
class Designs:
    """Each field is a number or an array [designs]; kinds are row numbers of their tables."""

    node: Any
    clock_hz: Any
    cores: Any  # all dies together
    dies: Any
    rows: Any
    lanes: Any
    columns: Any
    vector_lanes: Any
    scratchpad_bytes: Any  # a core
    fifo_bytes: Any  # a core
    weights: Any  # row of FORMATS
    cache: Any  # row of FORMATS
    memory: Any
    units: Any
    capacity_bytes: Any
    bandwidth_bytes_per_s: Any
    link: Any
    link_bytes_per_s: Any
    mix: Mapping[str, Any] = field(default_factory=dict)  # rows of FORMATS of parts that have their own
    engine: Any = 0  # row of ENGINES

    def take(self, rows: Any) -> Designs:
        """The designs at `rows`."""

        def of(value: Any) -> Any:
            return np.broadcast_to(value, self.shape)[rows] if np.ndim(value) else value

        mix = {part: of(value) for part, value in self.mix.items()}
        return Designs(**{name: of(value) for name, value in self._values().items()}, mix=mix)

    def one(self, row: int = 0) -> Designs:
        """The design at `row`, as plain numbers."""

        def of(value: Any) -> Any:
            return np.broadcast_to(value, self.shape or (1,))[row].item()

        mix = {part: of(value) for part, value in self.mix.items()}
        return Designs(**{name: of(value) for name, value in self._values().items()}, mix=mix)

    @property
    def shape(self) -> tuple[int, ...]:
        return np.broadcast_shapes(*(np.shape(v) for v in (*self._values().values(), *self.mix.values())))

    def _values(self) -> dict[str, Any]:
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "mix"}

    @functools.cached_property
    def stacks(self) -> Any:
        """Memory stacks on the package; 0 where memory is soldered beside it."""
        return self.stacked * self.units

    @functools.cached_property
    def stacked(self) -> Any:
        """1 where memory is stacked on the package, else 0."""
        return rows_of(_is_stacked(), self.memory)

    def package(self, device: bool) -> Any:
        """Row of packages.csv: an interposer where stacks or several dies need one; a chip-scale package in a
        device."""
        return rows_of(_package_rows(device), 2 * self.stacked + (self.dies > 1))


@functools.cache
def _is_stacked() -> np.ndarray:
    return np.array([kind in _STACKED for kind in table("memories").items])


@functools.cache
def _package_rows(device: bool) -> np.ndarray:
    """By 2 x stacked memory + several dies."""
    names = "fccsp" if device else "fcbga", "cowos-l", "cowos-s", "cowos-l"
    return np.array([table("packages").index(name) for name in names])
