"""What the formats of a design cost the model in accuracy: the study's bound on KL, a limit like every other.

Weights, and the chip's arithmetic with its cache, are each measured by themselves; small disturbances add up. So do
those of parts of the model with formats of their own (docs/quality.md says how far such sums are off).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import Infeasible, InputError, UnknownName, Unsupported
from ..families.tensor.design import FORMATS, Designs
from ..formats import harm
from ..formats.hardware import decoded
from ..formats.harm import NEVER, Together
from ..formats.parts import PARTS
from ..formats.spec import format_named
from ..tech.technology import rows_of
from .parts import QualityPart

REAL = ("bf16", "fp16")  # what a model is served in before it is compressed


@dataclass(frozen=True, eq=False)
class Gate:
    """KL in nats, a value a row of FORMATS: of weights, and of the chip's arithmetic with a cache; infinite where
    nothing was measured. `bound`: what the study bears, infinite where quality is an axis only; `cache_bound`: of the
    arithmetic with the cache alone. Where only that is bounded weights count nothing."""

    bound: float
    weights: np.ndarray
    cache: np.ndarray
    parts: Mapping[str, np.ndarray]  # of one part of the model alone
    together: Together
    cache_bound: float = np.inf

    def kl(self, designs: Designs) -> Any:
        """Nats [designs]."""
        return self._weights_kl(designs) + rows_of(self.cache, designs.cache)

    def _weights_kl(self, designs: Designs) -> Any:
        if not designs.mix:
            return rows_of(self.weights, designs.weights)
        own = {part: designs.mix.get(part, designs.weights) for part in self.parts}
        return self.together.kl(sum(rows_of(self.parts[part], form) for part, form in own.items()))

    def of(self, kind: str) -> np.ndarray:
        """By row of FORMATS: of the cache, of a part, or of all weights in one format."""
        return self.parts.get(kind, self.cache if kind == "cache" else self.weights)

    def least(self, rows: Mapping[str, int]) -> float:
        """Nats of these formats by kind, as `check` has them."""
        own = [self.parts[kind][row] for kind, row in rows.items() if kind in self.parts]
        weights = self.together.kl(sum(own)) if own else self.weights[rows["weights"]]
        return float(weights + self.cache[rows["cache"]])

    def ratio(self, designs: Designs) -> Any:
        """KL over the bound: of what is nearest to its own, or beyond."""
        return np.maximum(self.kl(designs) / self.bound, rows_of(self.cache, designs.cache) / self.cache_bound)

    def bearable(self, names: Iterable[str]) -> list[str]:
        """Formats of weights that keep the bound on a chip that computes in 16 bits (its cache is not counted)."""
        return [name for name in names if self.weights[FORMATS.index(name)] <= self.bound]


def gate(
    part: QualityPart, model: str, stored: str | None, where: str, fixed: Iterable[str] = ()
) -> Gate | None:
    """The bound of `part`; None where quality is neither bounded nor an axis. `stored`: the format of real weights,
    which cost nothing; `fixed`: tensor classes whose format is the checkpoint's, which cost nothing either."""
    if part.kl is None and part.cache_kl is None and not part.axis:
        return None
    measured = part.measured_on or model
    how = part.turned, part.calibrated, part.rows
    try:
        known, parts = harm.uniform(measured, *how), harm.parts(measured, *how)
    except UnknownName as error:
        raise InputError(
            f"{where}: [quality] measured_on: {error} (or measure it: sartor quality --rows FILE, and rows = \"FILE\")"
        ) from None
    if part.turned_values and stored is not None and stored not in REAL:
        raise InputError(
            f"{where}: [quality] turned_values: weights that are {stored} would be rounded once more "
            "(try turned_values = false, or real_weights = false)"
        )
    free = {*REAL, *_alike(stored)}
    weights = [0.0 if name in free else known.weight_kl(_alike(name)) for name in FORMATS]
    if "head" in fixed:
        del parts["embedding"]
    by_part = {
        name: np.array([0.0 if form in free else _least(kl, _alike(form)) for form in FORMATS])
        for name, kl in parts.items()
    }
    chip = np.array([known.chip_kl(name, part.turned_values) for name in FORMATS])
    bound, cache_bound, together = part.kl or np.inf, part.cache_kl or np.inf, harm.together(measured, *how)
    if part.kl is None and not part.axis:
        return Gate(cache_bound, np.zeros(len(FORMATS)), chip, {}, together, cache_bound)
    return Gate(bound, np.array(weights), chip, by_part, together, cache_bound)


def _least(kl: Mapping[str, float], names: Iterable[str]) -> float:
    return min((kl[name] for name in names if name in kl), default=NEVER)


def check(found: Gate, model: str, kinds: Mapping[str, Iterable[str]], where: str) -> None:
    """Refuse formats of the search that nothing is known of: a bound that is not checked is none."""
    for kind, names in kinds.items():
        values = found.of(kind)
        missing = [name for name in names if values[FORMATS.index(name)] == NEVER]
        if missing:
            known = [name for name, kl in zip(FORMATS, values, strict=True) if kl != NEVER]
            raise Unsupported(
                f"{where}: {kind} in {', '.join(missing)}: its KL was not measured on {model} (measured: "
                f"{', '.join(known)}; try {_nearest(missing[0], known)}, the nearest in bits, or measure it: "
                f"{_command(kind, missing[0])}, and rows = \"FILE\" in [quality])"
            )


def _nearest(name: str, known: Iterable[str]) -> str:
    bits = format_named(name).bits()
    return min(known, key=lambda other: abs(format_named(other).bits() - bits), default="a model that is measured")


def _command(kind: str, name: str) -> str:
    """What measures a format of the cache, of all weights, or of one part."""
    if kind == "cache":
        return f"sartor quality --activations chip --kv {harm.OWN_CACHE.get(name, name)} --rows FILE"
    classes = PARTS.get(kind, ("",))
    weights = ",".join(f"{one}={name}" if one else name for one in classes)
    return f"sartor quality --weights {weights} --per-class --rotate --rows FILE"


def reachable(found: Gate, kinds: Mapping[str, Iterable[str]], where: str) -> None:
    """Refuse a bound that no choice of the search keeps: the nearest one is named."""
    least = {kind: min(names, key=found.of(kind).__getitem__) for kind, names in _rows_of(kinds).items()}
    total = found.least(least)
    if total <= found.bound:
        return
    chosen = ", ".join(f"{kind} in {FORMATS[row]}" for kind, row in least.items())
    able = [name for row, name in enumerate(FORMATS) if found.weights[row] + found.cache[least["cache"]] <= found.bound]
    name = "kl" if found.bound < found.cache_bound else "cache_kl"
    others = f"; with all weights in {', '.join(able)} it would be kept" if able and name == "kl" else ""
    raise Infeasible(
        f"{where}: no choice of [search.space] keeps [quality] {name} = {found.bound:g}: the nearest is {chosen}, "
        f"{total:.3g} nats (try {name} = {_above(total):g}{others})"
    )


def _above(kl: float) -> float:
    """Rounded up to two digits."""
    step = 10.0 ** (np.floor(np.log10(kl)) - 1)
    return float(np.ceil(kl / step) * step)


def _rows_of(kinds: Mapping[str, Iterable[str]]) -> dict[str, list[int]]:
    return {kind: [FORMATS.index(name) for name in names] for kind, names in kinds.items()}


def _alike(name: str | None) -> set[str]:
    """All names of one coding."""
    coding = decoded().get(name) if name else None
    same = {other for other, one in decoded().items() if one == coding} if coding else set()
    return same | ({name} if name else set())
