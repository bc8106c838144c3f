"""A study made ready to be priced: its workload, space, economy and budget."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import numpy as np

from ..errors import InputError, UnknownName
from ..families.tensor.design import FORMATS, Designs
from ..families.tensor.family import Tensor
from ..formats.parts import by_part
from ..tables import table
from ..tech.technology import Technology
from ..units import UNITS, parse
from ..workload.find import find_model
from ..workload.model import Model
from ..workload.profiles import demand
from ..workload.sizes import tensor_formats
from ..workload.traffic import Slo
from ..workload.workload import Workload, workload
from .economy import Economy
from .evaluate import evaluate
from .known import known_names, rounded_once
from .quality import Gate, check, gate, reachable
from .result import Budget, Deployment, Result
from .space import OWN, VARIABLES, Space, space
from .study import Study

# Figures that something is divided by, or that a price is a multiple of.
_ABOVE_ZERO = ("duty", "lifetime", "wacc", "server_multiple", "bought_multiple", "pue")
OBJECTIVES = ("usd_per_mtoken", "j_per_token", "latency_s")


@dataclass(frozen=True, eq=False)
class Problem:
    """Everything that pricing a point needs."""

    study: Study
    work: Workload
    space: Space
    economy: Economy
    budget: Budget
    gate: Gate | None = None

    def price(self, genomes: np.ndarray, tech: Technology, keep: bool = False) -> Result:
        """Genomes [variables, designs] to their figures [designs]."""
        designs, how = self.space.decode(genomes, tech)
        return self.price_designs(designs, how, tech, keep)

    def price_designs(
        self, designs: Designs, how: Deployment, tech: Technology, keep: bool = False
    ) -> Result:
        chips = Tensor(designs, tech, self.economy.device)
        result = evaluate(chips, self.work, how, self.economy, self.budget, tech, keep=keep)
        if self.gate is not None:
            result.violations["quality"] = self.gate.ratio(designs)
            if self.study.quality.axis:
                result.kl = self.gate.kl(designs)
        return result

    @property
    def objectives(self) -> tuple[str, ...]:
        """What is made small."""
        return (*OBJECTIVES, "kl") if self.study.quality.axis else OBJECTIVES

    def accuracy(self, designs: Designs) -> dict[str, float | str] | None:
        """KL in nats of one design, its bound, and on what it was measured; None where the study has no bound."""
        if self.gate is None:
            return None
        part = self.study.quality
        kl = float(np.ravel(self.gate.kl(designs))[0])
        on = part.measured_on or self.work.model.name
        found: dict[str, float | str] = {"kl": kl, "bound": self.gate.bound, "measured_on": on}
        return found if part.kl is not None or part.axis else {**found, "part": "cache"}

    @property
    def rival_weights(self) -> list[str]:
        """Formats that the weights of chips to compare with may take."""
        names = self.study.compare.weights
        return names if self.gate is None else self.gate.bearable(names)

    def serving(self, profile: str) -> Problem:
        """The same problem under other traffic."""
        moments = demand(profile, self.study.slo.percentile)
        return replace(self, work=workload(self.work.model, moments, self.work.slo, self.work.formats))


def objectives(result: Result) -> np.ndarray:
    """[designs, objectives], all to be made small."""
    names = OBJECTIVES if result.kl is None else (*OBJECTIVES, "kl")
    return np.stack(np.broadcast_arrays(*(getattr(result, name) for name in names)), axis=1)


@functools.lru_cache(maxsize=32)
def _problem(study_json: str) -> Problem:
    study = Study.model_validate_json(study_json)
    known_names(study)
    slo = Slo(study.slo.ttft, study.slo.tpot, study.slo.percentile)
    moments = demand(study.traffic.profile, study.slo.percentile)
    model = find_model(study.model.name)
    if moments.context_max > model.max_context:
        raise InputError(
            f"{study.name}: traffic {study.traffic.profile!r} reaches {moments.context_max:.0f} tokens, but "
            f"{model.name} holds {model.max_context} (choose shorter traffic or another model)"
        )
    work = workload(model, moments, slo, study.model.formats)
    choices = space(study.search.space, f"{study.name}: [search.space]")
    rounded_once(study, model, choices)
    return Problem(study, work, choices, economy(study), _budget(study), _gate(study, model, choices))


def _gate(study: Study, model: Model, choices: Space) -> Gate | None:
    """The study's bound on accuracy, with every format of the search known."""
    stored = tensor_formats(model)["attention"] if study.model.real_weights else None
    found = gate(study.quality, model.name, stored, study.name, study.model.formats)
    if found is not None:
        names = _by_kind(choices, found)
        check(found, study.quality.measured_on or model.name, names, f"{study.name}: [search.space]")
        rivals = {"weights": study.compare.weights}
        check(found, study.quality.measured_on or model.name, rivals, f"{study.name}: [compare]")
        reachable(found, names, study.name)
    return found


def _by_kind(choices: Space, found: Gate) -> dict[str, list[str]]:
    """Formats of the search, of the cache and of weights, or of each part of the model where they may differ."""
    given = {name: [FORMATS[int(row)] for row in rows] for name, rows in choices.values if VARIABLES[name] == "format"}
    own = by_part({name: given[name] for name in OWN if name in given})
    if not own:
        return given
    return {"cache": given["cache"]} | {part: own.get(part, given["weights"]) for part in found.parts}


def _budget(study: Study) -> Budget:
    """The limits of `study`; no die is larger than the reticle."""
    b, reticle = study.budget, table("overheads").fact("die", "reticle").value
    if b.die is not None and b.die > reticle:
        raise InputError(f"{study.name}: [budget] die = {b.die:g} mm2 is more than a reticle has, {reticle:g} mm2")
    return Budget(b.power, b.die or reticle, b.unit_cost, b.chips, b.system_power, b.batch, b.margin)


def problem(study: Study) -> Problem:
    return _problem(study.model_dump_json())


def economy(study: Study) -> Economy:
    part, known = study.economics, table("economics")
    if part.profile not in known.items:
        raise UnknownName("economics profile", part.profile, known.items, f"{study.name}: [economics]")
    given = []
    for quantity, value in part.figures.items():
        where = f"{study.name}: [economics.figures] {quantity}"
        if quantity not in known.quantities:
            raise UnknownName("figure", quantity, known.quantities, f"{study.name}: [economics.figures]")
        number = parse(value, UNITS[known.fact(part.profile, quantity).unit][0], where)
        if number < 0 or (number == 0 and quantity in _ABOVE_ZERO):
            raise InputError(f"{where} = {value!r} must be {'above' if quantity in _ABOVE_ZERO else 'at least'} 0")
        given.append((quantity, number))
    return Economy(part.profile, part.volume, tuple(given))
