"""Chip families, side by side. A new family is a folder here and one line in the table."""

from __future__ import annotations

from ..chip.spec import Chip
from ..tech.technology import NOMINAL, Technology
from .gpu.family import Existing
from .priced import Priced
from .tensor.family import Tensor
from .tensor.spec import from_chip


def _tensor(chip: Chip, weights: str | None, cache: str | None, tech: Technology, device: bool) -> Priced:
    return Tensor(from_chip(chip), tech, device, chip.name)


def _existing(chip: Chip, weights: str | None, cache: str | None, tech: Technology, device: bool) -> Priced:
    return Existing(chip, weights or "bf16", cache or "bf16", tech)


FAMILIES = {"tensor": _tensor, "gpu": _existing, "npu": _existing}


def priced(
    chip: Chip,
    weights: str | None = None,
    cache: str | None = None,
    tech: Technology = NOMINAL,
    device: bool = False,
) -> Priced:
    """`chip`, ready to be asked; a generated chip has its formats in its tile, others are told them."""
    return FAMILIES[chip.family](chip, weights, cache, tech, device)
