"""What a study names, looked up before anything is searched."""

from __future__ import annotations

from ..chip import presets
from ..errors import InputError, UnknownName
from ..families.tensor.design import FORMATS
from ..formats.hardware import decoded
from ..formats.spec import format_named, listed
from ..workload.find import find_model
from ..workload.model import Model
from ..workload.profiles import demand
from ..workload.sizes import CLASSES, tensor_formats
from .space import Space
from .study import Study


def known_names(study: Study) -> None:
    """What is needed after the search is asked for before it: a slip of the pen must not cost the search."""
    for tensor, form in study.model.formats.items():
        if tensor not in CLASSES:
            raise UnknownName("tensor class", tensor, CLASSES, f"{study.name}: [model.formats]")
        format_named(form)
    for chip in study.compare.chips:
        if chip not in presets.names() and not chip.endswith(".toml"):
            raise UnknownName("chip", chip, presets.names(), f"{study.name}: [compare] chips")
    demand(study.variants.profile or study.traffic.profile, study.slo.percentile)
    _formats(study)
    _claims(study)
    for other in study.others:
        find_model((other.model or study.model).name)
        demand(other.profile or study.traffic.profile, study.slo.percentile)


def _formats(study: Study) -> None:
    named = {"[compare] weights": study.compare.weights, "[compare] cache": study.compare.cache,
             "[[claims]] weights": [c.weights for c in study.claims],
             "[[claims]] cache": [c.cache for c in study.claims]}  # fmt: skip
    for place, names in named.items():
        for name in names:
            format_named(name, f"{study.name}: {place}")
    for name in study.variants.weights:
        listed(name, f"{study.name}: [variants] weights")


def _claims(study: Study) -> None:
    for claim in study.claims:
        if claim.chip not in presets.names():
            raise UnknownName("chip", claim.chip, presets.names(), f"{study.name}: [[claims]] chip")
    if study.claims and not (study.variants.weights and study.variants.memory):
        raise InputError(f"{study.name}: [[claims]] are checked on [variants]: give it weights and memory")


def rounded_once(study: Study, model: Model, choices: Space) -> None:
    """Real weights that are quantized already are taken as they are: nothing is rounded twice."""
    if not study.model.real_weights:
        return
    stored = tensor_formats(model)["attention"]
    for form in (FORMATS[int(row)] for row in dict(choices.values)["weights"]):
        if decoded().get(form) != decoded().get(stored):
            raise InputError(
                f"{study.name}: [search.space] weights: {form!r} would round the real weights of {model.name}, which "
                f"are {stored}, once more (try weights = [{stored!r}], or real_weights = false)"
            )
