"""Families `gpu` and `npu` as the rest of the house asks them."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from ...chip.spec import Chip
from ...formats.spec import format_named
from ...tables import table
from ...tech import package, wafer
from ...tech.technology import NOMINAL, Technology
from .estimate import Machine, Replica, prepare


@dataclass(frozen=True)
class Existing:
    """One chip that exists, with the formats its weights and cache are served in."""

    chip: Chip
    weights: str = "bf16"
    cache: str = "bf16"
    tech: Technology = NOMINAL

    @property
    def name(self) -> str:
        return self.chip.name

    @functools.cached_property
    def machine(self) -> Machine:
        return prepare(self.chip, self.tech)

    def replica(self, chips: Any, formats: dict[str, str]) -> Replica:
        return Replica(self.machine, chips, self.weights, self.cache, formats)

    def weight_bits(self, fixed: str | None) -> Any:
        return format_named(fixed or self.weights).bits()

    @property
    def cache_bits(self) -> Any:
        return format_named(self.cache).bits()

    @property
    def capacity_bytes(self) -> Any:
        return self.chip.memory.capacity_bytes or self.chip.sram_bytes

    @property
    def static_w(self) -> Any:
        return (self.chip.tdp_w or 0.0) * self.tech.fact("gpu", self.chip.generation, "idle_fraction")

    @functools.cached_property
    def limits(self) -> dict[str, Any]:
        area = self.chip.die_mm2 or float("nan")
        return {"die_mm2": area / self.chip.dies, "area_mm2": area, "unit_usd": self.unit_usd}

    @functools.cached_property
    def unit_usd(self) -> Any:
        """Bill of materials from die, memory and package; NaN where the die is not published."""
        chip, tech = self.chip, self.tech
        if chip.die_mm2 is None:
            return float("nan")
        kind, node = table("memories").index(chip.memory.kind), table("nodes").index(chip.node)
        dies = wafer.good_die_usd(tech, node, chip.die_mm2 / chip.dies) * chip.dies
        memory = tech.column("memories", "price", kind) * chip.memory.capacity_bytes
        stacked = chip.package.startswith("cowos")
        stacks = chip.memory.units if stacked else 0
        row = table("packages").index(chip.package)
        whole = package.packaged_usd(tech, row, chip.dies, dies, chip.die_mm2, stacks, memory if stacked else 0.0)
        return whole + (0.0 if stacked else memory)

    def chip_usd(self, volume: Any, once: dict[str, Any]) -> Any:
        """At cost: what was paid once is long spread over a large volume."""
        return self.unit_usd
