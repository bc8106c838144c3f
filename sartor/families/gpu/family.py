"""Families `gpu` and `npu` as the rest of the house asks them."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from ...chip.spec import WHOLE_WAFER, Chip
from ...formats.spec import format_named
from ...tables import table
from ...tech import package, wafer
from ...tech.technology import NOMINAL, Technology
from ...workload.operators import Operators
from .estimate import Replica
from .machine import Machine


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
        return Machine(self.chip, self.tech)

    def replica(self, chips: Any, formats: dict[str, str]) -> Replica:
        return Replica(self.machine, chips, self.weights, self.cache, formats)

    @property
    def mixed(self) -> tuple[str, ...]:
        return ()

    def weight_bits(self, fixed: str | None, part: str = "") -> Any:
        return format_named(fixed or self.weights).bits()

    @property
    def cache_bits(self) -> Any:
        return format_named(self.cache).bits()

    @property
    def capacity_bytes(self) -> Any:
        return self.chip.memory.capacity_bytes or self.chip.sram_bytes

    def room_ratio(self, operators: Operators, context: Any, chips: Any) -> Any:
        """Existing chips run what their vendors say they run."""
        return 0.0

    @property
    def static_w(self) -> Any:
        return (self.chip.tdp_w or 0.0) * self.tech.fact("gpu", self.chip.generation, "idle_fraction")

    @functools.cached_property
    def limits(self) -> dict[str, Any]:
        area = self.chip.die_mm2 or float("nan")
        total = self.chip.silicon_mm2 or area
        return {"die_mm2": area / self.chip.dies, "area_mm2": total, "unit_usd": self.unit_usd}

    @functools.cached_property
    def unit_usd(self) -> Any:
        """Bill of materials from die, memory and package; NaN where the die is not published."""
        chip, tech = self.chip, self.tech
        if chip.die_mm2 is None:
            return float("nan")
        kind = table("memories").index(chip.memory.kind)
        memory = tech.column("memories", "price", kind) * chip.memory.capacity_bytes
        stacked = chip.package.startswith("cowos")
        stacks = chip.memory.units if stacked else 0
        row = table("packages").index(chip.package)
        parts = self._placed
        whole = package.packaged_usd(tech, row, *parts, stacks, memory if stacked else 0.0)
        return whole + (0.0 if stacked else memory)

    @property
    def dies_usd(self) -> Any:
        """Its compute dies, all good; of a chip that is a wafer, the wafer. NaN where their area is not published."""
        chip, tech, node = self.chip, self.tech, table("nodes").index(self.chip.node)
        area = chip.die_mm2 or float("nan")
        if chip.package == WHOLE_WAFER:
            return wafer.whole_wafer_usd(tech, node, area)
        return wafer.good_die_usd(tech, node, area / chip.dies) * chip.dies

    @property
    def _placed(self) -> tuple[int, Any, float]:
        """What is placed on the package: pieces of silicon, their cost and their footprint. Base dies are
        joined with the compute dies on them, and tested, before."""
        chip, tech = self.chip, self.tech
        dies = self.dies_usd
        if chip.base_mm2 is None:
            return chip.dies, dies, chip.die_mm2 or float("nan")
        one = chip.base_mm2 / chip.base_dies
        bases = wafer.good_die_usd(tech, table("nodes").index(chip.base_node), one) * chip.base_dies
        bond = tech.column("packages", "bond_yield", table("packages").index(chip.package))
        return chip.base_dies, (dies + bases) / bond ** (chip.dies / chip.base_dies), chip.base_mm2

    def chip_usd(self, volume: Any, once: dict[str, Any]) -> Any:
        """At cost: what was paid once is long spread over a large volume."""
        return self.unit_usd
