"""What formats cost a model in accuracy, by class of tensors: measured rows, and their sum as an estimate of the whole.

KL of small, independent disturbances adds up; docs/quality.md says how far the sum is from what was measured together.
The rows are those of `benchmarks/quality.py`, or a user's own: one class in a format, everything else as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import UnknownName
from .measured import CALIBRATED, SAME, Row, measured
from .parts import LINEAR, PARTS

# Caches of generated chips, as measurements call them.
OWN_CACHE = {"int8-g32": "chip", "k8v4-g32": "chip-k8v4", "int4-g32": "chip-int4"}
TURNED = "-turned"  # behind a cache: values turned
NEVER = float("inf")
_LEAST = 1e-12  # keeps the logarithm of a sum finite


@dataclass(frozen=True)
class Uniform:
    """KL in nats of one format for all linear layers, and of the chip's arithmetic (activations in its groups) beside
    a cache; infinite where that was not measured."""

    weights: Mapping[str, float]
    kv: Mapping[str, float]
    chip: Mapping[str, float]  # activations and cache together, by cache

    def weight_kl(self, names: Iterable[str]) -> float:
        """Of the first of `names`, which are one format."""
        return min((self.weights[name] for name in names if name in self.weights), default=NEVER)

    def chip_kl(self, cache: str, turned_values: bool = False) -> float:
        """Of the generated chip's arithmetic with this cache; `turned_values`: where values of 4 bits are turned before
        they are rounded (compiler.turned), if that was measured."""
        own = OWN_CACHE.get(cache, cache)
        if turned_values and {own + TURNED} & {*self.chip, *self.kv}:
            own += TURNED
        return self.chip[own] if own in self.chip else self.chip.get(SAME, NEVER) + self.kv.get(own, NEVER)


def uniform(model: str, rotate: bool = True, calibrated: bool = False, file: str = "") -> Uniform:
    """The rows of `model` in which all layers have one format; of weights with the stream turned, or as they are;
    `calibrated`: rounded with calibration where that was measured and harms less."""
    plain = [row for row in _rows_of(model, file) if row.smooth is None]
    alone = [row for row in _plain(model, file) if row.rotate == rotate]
    weights = _best({row.weights: row.kl for row in alone if "=" not in row.weights}, calibrated)
    asis = [row for row in plain if row.weights == SAME]
    return Uniform(
        weights, {row.kv: row.kl for row in asis if row.activations == SAME},
        {row.kv: row.kl for row in asis if row.activations == "chip"},
    )  # fmt: skip


@dataclass(frozen=True)
class Harm:
    """KL in nats of each class in each format, by itself."""

    model: str
    kl: Mapping[tuple[str, str], float]

    def total(self, formats: Mapping[str, str]) -> float:
        """The estimate for classes with these formats: the sum. A class that is not named costs nothing."""
        return sum(self.of(part, name) for part, name in formats.items() if name != SAME)

    def of(self, part: str, name: str) -> float:
        if (part, name) not in self.kl:
            known = sorted({form for one, form in self.kl if one == part}) or sorted({one for one, _ in self.kl})
            raise UnknownName(f"measured format of {part}", name, known, f"sensitivity of {self.model}")
        return self.kl[part, name]


def harm(model: str, rotate: bool = True, file: str = "") -> Harm:
    """The sensitivities of `model` that come with the package, and those of `file`."""
    rows = _rows_of(model, file)
    # The cache and activations are measured without turning the stream only.
    fits = (row for row in rows if row.alone and (row.rotate == rotate or row.alone[0] in ("kv", "activations")))
    return Harm(model, {row.alone: row.kl for row in fits if row.alone})


def parts(
    model: str, rotate: bool = True, calibrated: bool = False, file: str = ""
) -> dict[str, dict[str, float]]:  # fmt: skip
    """KL in nats of each part that may have a format of its own, by format: the sum over its classes, each measured
    alone; `calibrated` as in `uniform`."""
    kl = harm(model, rotate, file).kl
    by_class = {one: {form: nats for (other, form), nats in kl.items() if other == one} for one, _ in kl}
    best = {one: _best(found, calibrated) for one, found in by_class.items()}
    alone = {(one, form): nats for one, found in best.items() for form, nats in found.items()}
    names = dict.fromkeys(form for _, form in alone)

    def known(held: tuple[str, ...]) -> list[str]:
        return [name for name in names if all((one, name) in alone for one in held)]

    return {part: {name: sum(alone[one, name] for one in held) for name in known(held)} for part, held in PARTS.items()}


@dataclass(frozen=True)
class Together:
    """What parts cost together: their sum while it is small, and more than that where the network breaks. Between the
    formats that were measured both ways straight lines in logarithms; beyond them the ratio stays."""

    sums: np.ndarray  # of the parts, rising
    wholes: np.ndarray  # measured together, not falling

    def kl(self, total: Any) -> Any:
        """Nats of parts whose own sum to `total`.

        Half way from a ratio of 1 to one of 4:
        >>> float(Together(np.array([0.5, 2.0]), np.array([0.5, 8.0])).kl(1.0))
        2.0
        """
        safe = np.maximum(total, _LEAST)
        return total * np.exp(np.interp(np.log(safe), np.log(self.sums), np.log(self.wholes / self.sums)))


def _best(kl: Mapping[str, float], calibrated: bool) -> dict[str, float]:
    """By format, however it is rounded; without calibration only what is rounded to nearest."""
    found: dict[str, float] = {}
    for name, nats in kl.items():
        if calibrated or not name.endswith(CALIBRATED):
            form = name.removesuffix(CALIBRATED)
            found[form] = min(nats, found.get(form, NEVER))
    return found


def together(model: str, rotate: bool = True, calibrated: bool = False, file: str = "") -> Together:
    """Of the formats of `model` that all linear layers were measured in, together and class by class."""
    alone = harm(model, rotate, file)
    whole = {r.weights: r.kl for r in _plain(model, file) if r.rotate == rotate}
    both = sorted(
        (alone.total(dict.fromkeys(LINEAR, name)), kl)
        for name, kl in whole.items()
        if all((one, name) in alone.kl for one in LINEAR) and kl > 0 and (calibrated or not name.endswith(CALIBRATED))
    )
    sums, wholes = np.array(both or [(1.0, 1.0)]).T
    return Together(sums, np.maximum.accumulate(wholes))


def _plain(model: str, file: str) -> list[Row]:
    """Rows in which nothing but weights is changed."""
    rows = _rows_of(model, file)
    return [row for row in rows if (row.activations, row.kv, row.smooth) == (SAME, SAME, None)]


def _rows_of(model: str, file: str) -> list[Row]:
    rows = [row for row in measured(file) if row.model == model]
    if not rows:
        raise UnknownName("model with measured sensitivities", model, {row.model for row in measured(file)})
    return rows
