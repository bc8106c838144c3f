"""How far an estimate may be off: the 80 % band of the held-out errors on record, by chip, phase and format."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ..chip.spec import Chip
from ..formats.spec import format_named
from .record import Recorded, on_record

# Whole steps were measured on this chip of each generation.
MEASURED_ON = {"hopper": "h100-sxm"}
# Of a generated chip: cycles of its estimate beside a walk over its program, at worst (docs/model.md).
OWN_CYCLES = 0.035
# Where nothing like a chip was measured: services on GPUs that no figure was fitted to.
UNSEEN = ("serving", "unseen", "tpot")


@dataclass(frozen=True)
class Band:
    """Four in five measurements lie within a factor exp(`log`) of the estimate; measured on the chip `on`."""

    log: float
    on: str

    @property
    def fraction(self) -> float:
        """The upper side, as a fraction of the estimate."""
        return math.expm1(self.log)


def band(chip: Chip, phase: str, weights: str, quantity: str = "latency") -> Band | None:
    """The band of one step of `phase` on `chip` with such weights; None where nothing like it was measured."""
    on = MEASURED_ON.get(chip.generation) if chip.family == "gpu" else None
    found = _recorded(phase, weights, quantity) if on else None
    return Band(found.band, on) if on and found else None


def _recorded(phase: str, weights: str, quantity: str) -> Recorded | None:
    """Formats that were not measured take the band of the phase, but those that are unpacked have none."""
    tail = "" if quantity == "latency" else f" {quantity}"
    if format_named(weights).element_bits < 8:
        return None
    own = on_record().get(("gpu", "held_out", f"{phase} {weights}{tail}"))
    return own or on_record().get(("gpu", "held_out", f"{phase}{tail}"))


def missed(chip: Chip, weights: str) -> tuple[float, bool]:
    """Half width of the 80 % band of the logarithm of a served chip's time, and whether such a chip was measured."""
    if chip.family == "tensor":
        return OWN_CYCLES, True
    found = served(chip, weights)
    return (math.log1p(found["latency"]), True) if found else (on_record()[UNSEEN].band, False)


def of_fact(kind: str, group: str) -> float | None:
    """The band of a kind of published fact, as a fraction: on rows that no figure was fitted to."""
    found = on_record().get((kind, "unseen", group))
    return math.expm1(found.band) if found else None


def served(chip: Chip, weights: str) -> dict[str, Any] | None:
    """Of serving, which is prefills and decode steps: the wider band of the two, as fractions."""
    found: dict[str, Any] = {}
    for quantity in ("latency", "energy"):
        bands = [band(chip, phase, weights, quantity) for phase in ("decode", "prefill")]
        known = [b for b in bands if b]
        if len(known) < len(bands):
            return None
        found |= {quantity: max(b.fraction for b in known), "on": known[0].on}
    return found
