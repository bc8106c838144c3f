"""How a model is compressed for a measurement: formats by class of tensor, and how the rounding is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import InputError
from ..formats.harm import CALIBRATED
from .classes import LINEAR, STORED, shown
from .model import Model

GPTQ = CALIBRATED
CHIP = "chip"  # activations, cache and softmax as the generated chip has them
# Caches of generated chips: bits of a key's code and of a value's. Keys of 4 bits are balanced (compiler/balance.py),
# or stored as they are; values of 4 bits are as they are, or turned (compiler/turned.py).
BALANCED, PLAIN, TURNED = "chip-int4", "chip-int4-plain", "-turned"
CACHES = {CHIP: (8, 8), "chip-k8v4": (8, 4), BALANCED: (4, 4), PLAIN: (4, 4),
          "chip-k8v4" + TURNED: (8, 4), BALANCED + TURNED: (4, 4)}  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """`weights`: format by class, `-gptq` behind it asks for calibrated rounding; `smooth`: SmoothQuant's alpha;
    `rotate`: the residual stream is turned before weights are rounded, by a fixed orthogonal matrix."""

    weights: Mapping[str, str] = field(default_factory=dict)
    activations: str = STORED
    kv: str = STORED
    rotate: bool = False
    smooth: float | None = None

    def __post_init__(self) -> None:
        if self.smooth is not None and not 0 < self.smooth < 1:
            raise InputError(f"--smooth {self.smooth:g} is not between 0 and 1 (try 0.5)")

    @property
    def calibrated(self) -> bool:
        """Whether other text than the scored one is run along."""
        return self.smooth is not None or self.balanced or any(name.endswith(GPTQ) for name in self.weights.values())

    @property
    def balanced(self) -> bool:
        """Whether keys are balanced."""
        return self.kv.removesuffix(TURNED) == BALANCED

    @property
    def turned_values(self) -> bool:
        """Whether heads of values are turned."""
        return self.kv.endswith(TURNED)

    @property
    def real(self) -> type[np.floating[Any]]:
        """What sums are in. Where numbers that flow are rounded, binary64: in binary32 the last bits of a sum depend on
        the machine's order of adding, and would round to other codes."""
        return np.float32 if self.activations == self.kv == STORED else np.float64

    @property
    def text(self) -> str:
        """Names all of it."""
        more = f" rotate={self.rotate} smooth={self.smooth}"
        return f"weights={shown(self.weights)} activations={self.activations} kv={self.kv}{more}"

    @property
    def exact(self) -> bool:
        """Whether nothing is changed: what the reference is."""
        return not self.weights and self.activations == self.kv == STORED and not self.rotate and self.smooth is None


def bits_per_weight(model: Model, recipe: Recipe, bits: Mapping[str, float]) -> float:
    """Mean over the weights of the linear layers, scales included. `bits`: of an element of each class with a format;
    the others as they are stored."""
    total = {part: model.elements(part) for part in LINEAR}
    return sum(total[p] * bits.get(p, model.reader.bits(0, p)) for p in LINEAR) / sum(total.values())


def alone(part: str, name: str, rotate: bool = False) -> Recipe:
    """The recipe in which only the class `part` (or `kv`) has the format `name`."""
    return Recipe(kv=name, rotate=rotate) if part == "kv" else Recipe({part: name}, rotate=rotate)
