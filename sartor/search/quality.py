"""What the formats of a design cost the model in accuracy: the study's bound on KL, a limit like every other.

Weights, and the chip's arithmetic with its cache, are each measured by themselves; small disturbances add up
(docs/quality.md says how far such sums are off).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError, UnknownName, Unsupported
from ..families.tensor.design import FORMATS, Designs
from ..formats import harm
from ..formats.hardware import decoded
from ..formats.harm import NEVER
from ..tech.technology import rows_of
from .parts import QualityPart

REAL = ("bf16", "fp16")  # what a model is served in before it is compressed

@dataclass(frozen=True, eq=False)
class Gate:
    """KL in nats, a value a row of FORMATS: of weights, and of the chip's arithmetic with a cache; infinite where
    nothing was measured. `bound`: what the study bears."""

    bound: float
    weights: np.ndarray
    cache: np.ndarray

    def kl(self, designs: Designs) -> Any:
        """Nats [designs]."""
        return rows_of(self.weights, designs.weights) + rows_of(self.cache, designs.cache)

    def ratio(self, designs: Designs) -> Any:
        """KL over the bound."""
        return self.kl(designs) / self.bound

    def bearable(self, names: Iterable[str]) -> list[str]:
        """Formats of weights that keep the bound on a chip that computes in 16 bits (its cache is not counted)."""
        return [name for name in names if self.weights[FORMATS.index(name)] <= self.bound]


def gate(part: QualityPart, model: str, stored: str | None, where: str) -> Gate | None:
    """The bound of `part`; None where it has none. `stored`: the format of real weights, which cost nothing."""
    if part.kl is None:
        return None
    try:
        known = harm.uniform(part.measured_on or model, part.turned)
    except UnknownName as error:
        raise InputError(f"{where}: [quality] measured_on: {error}") from None
    free = {*REAL, *_alike(stored)}
    weights = [0.0 if name in free else known.weight_kl(_alike(name)) for name in FORMATS]
    return Gate(part.kl, np.array(weights), np.array([known.chip_kl(name) for name in FORMATS]))


def check(found: Gate, model: str, kinds: Mapping[str, Iterable[str]], where: str) -> None:
    """Refuse formats of the search that nothing is known of: a bound that is not checked is none."""
    for kind, names in kinds.items():
        values = found.cache if kind == "cache" else found.weights
        missing = [name for name in names if values[FORMATS.index(name)] == NEVER]
        if missing:
            known = [name for name, kl in zip(FORMATS, values, strict=True) if kl != NEVER]
            raise Unsupported(
                f"{where}: {kind} in {', '.join(missing)}: its KL was not measured on {model} (measured: "
                f"{', '.join(known)}; try one of them, or leave [quality] kl out)"
            )


def _alike(name: str | None) -> set[str]:
    """All names of one coding."""
    coding = decoded().get(name) if name else None
    same = {other for other, one in decoded().items() if one == coding} if coding else set()
    return same | ({name} if name else set())
