"""The number format of a serving point's weights: what its column, its model's name or the published weights say."""

from __future__ import annotations

from ..formats.spec import format_named
from . import names
from .kind import Inputs

_WEIGHTS = {"fp8": "fp8-e4m3", "fp4": "nvfp4", "bf16": "bf16", "int4": "int4-g32"}
TRAINED = {"mxfp4"}  # formats that a model's own checkpoint is in, whatever a row calls them


def weights(inputs: Inputs) -> str:
    """The format of the weights: `fp4` of a model that was trained so is its own. A row that says none means what the
    model's name ends in, or what most of its published weights are in."""
    model = names.model(inputs["model"])
    if model and TRAINED & {model.weights, *model.formats.values()}:
        return "mxfp4"
    published = model.formats.get("expert", model.weights) if model else ""
    return _format(inputs["format"]) or _format(names.format_in(inputs["model"])) or published


def as_named(inputs: Inputs) -> bool:
    """Whether the format of a row is the one that its model's name ends in, where both say one."""
    said, named = _format(inputs["format"]), _format(names.format_in(inputs["model"]))
    return not (said and named) or weights(inputs) == named


def _format(said: str | None) -> str:
    """Our name of a format of weights; "" where none is said."""
    given = (said or "").strip().lower()
    given = "" if given in ("auto", "none", "null") else given
    return _WEIGHTS.get(given) or (names.number_format(given) if given else "") or given


def is_wide(arithmetic: str | None) -> bool:
    """Whether a row computes in 16 bits or says nothing: it may do so with any weights."""
    found = names.number_format(arithmetic or "bf16")
    return found is not None and format_named(found).element_bits >= 16
