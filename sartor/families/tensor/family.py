"""Family `tensor` as the rest of the house asks it."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...formats.spec import format_named
from ...formulas import economics
from ...tech import logic
from ...tech.technology import NOMINAL, Technology, rows_of
from ...workload.operators import Operators
from . import capacity
from .core import most_beside
from .datapath import clock_hz, datapath_of
from .design import FORMATS, Designs
from .estimate import Replica
from .machine import Machine, prepare
from .physical import Physical, physical

_PLANES = np.array([format_named(name).element == "planes" for name in FORMATS])  # binary codes


@dataclass(frozen=True)
class Tensor:
    """Designs of family `tensor`, priced under `tech`."""

    designs: Designs
    tech: Technology = NOMINAL
    device: bool = False
    name: str = field(default="tensor")

    @functools.cached_property
    def relative_voltage(self) -> Any:
        """V / Vnom that the clock needs, of the slowest part."""
        d = self.designs
        return logic.relative_voltage(self.tech, d.node, d.clock_hz, clock_hz(self.tech, datapath_of(d), d))

    @functools.cached_property
    def machine(self) -> Machine:
        return prepare(self.designs, self.relative_voltage, self.tech)

    @functools.cached_property
    def physical(self) -> Physical:
        return physical(self.designs, self.relative_voltage, self.tech, self.device)

    def replica(self, chips: Any, formats: dict[str, str]) -> Replica:
        return Replica(self.machine, chips, formats)

    @property
    def mixed(self) -> Mapping[str, Any]:
        return self.designs.mix

    def weight_bits(self, fixed: str | None, part: str = "") -> Any:
        return self.machine.stored(fixed, part).bits

    @property
    def cache_bits(self) -> Any:
        return self.machine.cache.bits

    @property
    def capacity_bytes(self) -> Any:
        return self.designs.capacity_bytes

    def room_ratio(self, operators: Operators, context: Any, chips: Any) -> Any:
        return capacity.ratio(self.designs, operators, context, chips)

    @functools.cached_property
    def static_w(self) -> Any:
        return self.physical.leakage_w + self.physical.background_w

    @functools.cached_property
    def limits(self) -> dict[str, Any]:
        total = self.physical.total_mm2
        highest = self.tech.fact("overheads", "clock", "voltage_max")
        return {
            "die_mm2": total / self.designs.dies, "area_mm2": total, "unit_usd": self.physical.unit_usd,
            "voltage": self.relative_voltage / highest, "balance": self._balance,
        }  # fmt: skip

    @property
    def _balance(self) -> Any:
        """Vector lanes, and bytes of the port, over those that a core of so many multipliers may have: the larger."""
        d = self.designs
        macs, values = d.rows * d.lanes * d.columns, (d.vector_lanes, self.machine.port_bytes)
        each = [rows_of(_PLANES.astype(self.tech.dtype), rows) for rows in (d.weights, *d.mix.values())]
        planes = functools.reduce(np.maximum, each)
        most = [most_beside(name, macs, planes) for name in ("vector_lanes", "port_bytes")]
        return np.maximum(*(value / each for value, each in zip(values, most, strict=True)))

    def nre_usd(self, once: dict[str, Any]) -> Any:
        return economics.nre_usd(**self.physical.nre, **once)

    def chip_usd(self, volume: Any, once: dict[str, Any]) -> Any:
        return self.physical.unit_usd + self.nre_usd(once) / volume
