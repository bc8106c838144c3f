"""How wrong the estimates are, against measurements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..validation import validation
from ..validation.record import beside
from ..validation.serving import serving


def validate(
    kind: str,
    data: str | Path | Sequence[str | Path] = (),
    layers: str | Path | None = None,
    called: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Any]:
    """Predict every row of the files `data` (forms: docs/validation.md), or of the measurements that come with the
    package, and compare. Kind `serving`: `data` are files of measured points, or folders of recorded runs with
    `layers`, the folder of the layers' times. `called`: what the files call a chip, a model or a format, and its name
    here, or a file that holds it.

    Returns n, median_ape, p90_ape, worst_ape (absolute errors as fractions of what was measured) of all times; `by` the
    same for each kind of row, chip, format and model, with `on_record` where errors on rows that no figure was fitted
    to are known (docs/trust.md); `coverage` with what was refused or excluded, and why, rows that are there twice, and
    columns that are not read.
    """
    paths = [Path(path) for path in ([data] if isinstance(data, str | Path) else data)]
    if kind == "serving" and not (paths and all(path.is_file() for path in paths)):
        return serving(paths, None if layers is None else Path(layers))
    found = validation(kind, paths, called).facts()
    for group, row in found["by"].items():
        if known := beside(kind, group):
            row["on_record"] = known
    return found
