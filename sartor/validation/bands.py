"""How far an estimate may be off: the 80 % band of the errors on record, by chip, phase and format, and of what."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..chip.spec import Chip
from ..formats.spec import format_named
from ..tables import table
from .record import Recorded, on_record

# Whole steps were measured on this chip of each generation.
MEASURED_ON = {"hopper": "h100-sxm"}
# Of a generated chip: cycles of its estimate beside a walk over its program, at worst (docs/model.md).
OWN_CYCLES = 0.035
# Where nothing like a chip was measured: services on GPUs that no figure was fitted to.
UNSEEN = ("serving", "unseen", "tpot")
# A chip of a measured generation to which no step was fitted, in a stack whose kernels are like ours: steps, and watts.
SAME_GENERATION = {"latency": "batches gh200 bf16 llama-2-7b", "energy": "watts gh200 bf16"}
FEW = 30  # rows of which no band is made
Spread = tuple[float, float]
MEASURED_CACHE = "bf16"  # of all steps on record
SERVICES = ": TPOT of services, their software included"
NO_STEP = f"no step of such a chip and format was measured{SERVICES}"
SEVERAL = f"no step of several chips was measured{SERVICES}"
ONE_CORE = "cycles of one core; its clock and its energy are not measured"
MORE_CORES = "cycles of one core's program; several cores, chips, clock and energy are not measured"


@dataclass(frozen=True)
class Band:
    """Four in five measurements lie within a factor exp(`log`) of the estimate; measured on the chip `on`."""

    log: float
    on: str

    @property
    def fraction(self) -> float:
        """The upper side, as a fraction of the estimate."""
        return math.expm1(self.log)


@dataclass(frozen=True)
class StepError:
    """Fractions within which four in five measurements of a step lie, upper sides; None: of that nothing was measured.
    `on` says what was measured and `scope` what the band does not cover."""

    latency: float
    energy: float | None
    on: str
    scope: str


def step_error(
    chip: Chip, phase: str, weights: str, together: int = 1, spread: Spread = (0.0, 0.0), cache: str = MEASURED_CACHE
) -> StepError:
    """Of a step of `phase` by `together` chips, its cache in `cache`. `spread`: half widths of the 80 % bands of the
    logarithms of time and energy that the ranges of the figures give; a chip of a measured
    generation that was never measured itself is that
    much less sure, and no surer than such a one was found."""
    if chip.family == "tensor":
        return _own(chip, phase, together)
    time, energy = (band(chip, phase, weights, quantity) for quantity in ("latency", "energy"))
    if time is None or energy is None or together > 1 or cache != MEASURED_CACHE:
        log, on = _service(chip)
        joules, scope = _service_joules(chip, weights), _unmeasured(together, time is None, cache)
        return StepError(math.expm1(log), joules, on, scope if joules is None else f"{scope}; joules of dense models")
    if chip.name == time.on:
        return StepError(time.fraction, energy.fraction, time.on, "models that were left out")
    least = (_least("latency"), math.hypot(_least("latency"), _least("energy")))  # joules are watts and seconds
    logs = (max(b.log, other) for b, other in zip((time, energy), least, strict=True))
    seconds, joules = (math.expm1(math.hypot(log, s)) for log, s in zip(logs, spread, strict=True))
    return StepError(seconds, joules, time.on, f"{chip.name} was never measured: predicted from its data sheet")


def _unmeasured(together: int, unknown: bool, cache: str) -> str:
    """Why there is no band of a step itself."""
    if together > 1:
        return SEVERAL
    return NO_STEP if unknown or cache == MEASURED_CACHE else f"no step with a cache in {cache} was measured{SERVICES}"


def _least(quantity: str) -> float:
    """Of a chip of a measured generation that was never measured itself, what such a one was found to be off by."""
    return on_record()["gpu", "unseen", SAME_GENERATION[quantity]].band


def _own(chip: Chip, phase: str, together: int) -> StepError:
    """A generated chip: against its RTL in the simulator, or, of what is not simulated, its program walked through."""
    found = on_record().get(("rtl", "fitted", phase))
    if found and chip.cores == 1 and together == 1:
        on = f"its RTL in the simulator, {found.n} passes of 20 chips"
        return StepError(math.expm1(found.band), None, on, ONE_CORE)
    return StepError(math.expm1(OWN_CYCLES), None, "a walk through its program", MORE_CORES)


def _service(chip: Chip) -> tuple[float, str]:
    """The band of TPOT of services on `chip`, held out or unseen; of a chip without any, on GPUs never fitted to."""
    for rows in ("held_out", "unseen"):
        found = on_record().get(("serving", rows, f"tpot {chip.name}"))
        if found and found.n >= FEW:
            return found.band, f"services on {chip.name}"
    return on_record()[UNSEEN].band, "services on GPUs that no figure was fitted to"


def _service_joules(chip: Chip, weights: str) -> float | None:
    """The band of joules a token of services of dense models on `chip`, as a fraction."""
    found = on_record().get(("serving", "unseen", f"service energy {chip.name} dense {weights}"))
    return math.expm1(found.band) if found else None


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


def line(chip: Chip) -> tuple[str, str]:
    """Family and generation: what an estimate shares with those of other chips."""
    return chip.family, chip.generation


def alike(one: Sequence[str], other: Sequence[str]) -> float:
    """The correlation of the errors of two chips' estimates, by their `line`: GPUs share formulas, one generation
    figures too. Cycles of two generated chips are off by what has nothing in common (-0.1 of 840 pairs of passes), and
    a GPU's error has nothing to do with theirs."""
    if one[0] == "tensor" or other[0] != one[0]:
        return 0.0
    how = "same_generation" if one[1] == other[1] else "other_generation"
    return table("overheads").fact("alike", how).value


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
